// How a model of one's own comes in: put into the models folder, or named by its path. It stays where it is.
import { useMutation } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { Trans, useTranslation } from 'react-i18next';
import { api, errorInfoOf } from '../api';
import { chooseModel } from '../generate/form';
import { modelsChanged, useMachine } from '../queries';
import { Button } from '../ui/button';
import { said } from '../i18n';

export function AddModel() {
  const { t } = useTranslation();
  const [path, setPath] = useState('');
  const { data: machine } = useMachine();
  const add = useMutation({
    mutationFn: () => api.models.add.mutate({ path: path.trim() }),
    onSuccess: (added) => {
      setPath('');
      const usable = added.filter((model) => model.runnable);
      if (added.length === 1 && usable[0]) chooseModel(usable[0]);
      return modelsChanged();
    },
  });
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (path.trim()) add.mutate();
  };
  const error = add.error && errorInfoOf(add.error);
  return (
    <form onSubmit={submit} className="flex flex-col gap-2 border-t border-line pt-3">
      <p className="text-hint text-dim">
        <Trans i18nKey="models.how" values={{ folder: machine ? `${machine.dataDir}/models` : 'models' }} components={{ path: <span className="break-all text-text select-all" /> }} />
      </p>
      <div className="flex gap-2">
        <input type="text" aria-label={t('models.path')} placeholder={t('models.pathPlaceholder')} value={path} onChange={(event) => setPath(event.target.value)} spellCheck={false}
          className="h-8 min-w-0 flex-1 rounded-control border border-line bg-raised px-2.5 placeholder:text-faint" />
        <Button type="submit" disabled={!path.trim() || add.isPending}>{t('models.add')}</Button>
      </div>
      <div role="status" className="text-hint empty:hidden">
        {error && <p className="text-accent-text">{said(error)}</p>}
        {add.data && <p className="text-good">{t('models.added', { count: add.data.length })}</p>}
      </div>
    </form>
  );
}
