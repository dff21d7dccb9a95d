// All models that were found, those that cannot be used with the reason why, what each file is, and how to add one.
import { Info, RefreshCw, TriangleAlert } from 'lucide-react';
import { RadioGroup } from 'radix-ui';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelEntry } from '../../preload/contract/model';
import { familyNames } from '../../preload/contract/vocabulary';
import { api, errorInfoOf } from '../api';
import { fileSize, listedName } from '../format';
import { chooseModel, useForm } from '../generate/form';
import { missingParts, partWords } from '../generate/needs';
import { modelsChanged, useModels } from '../queries';
import { IconButton } from '../ui/button';
import { toast } from '../ui/toasts';
import { said } from '../i18n';
import { AddModel } from './add-model';
import { FileReport } from './file-report';
import { ModelMark } from './mark';

export function ModelPicker({ onChosen }: { onChosen: () => void }) {
  const { t } = useTranslation();
  const { data: models = [] } = useModels();
  const chosen = useForm((form) => form.model);
  const [asked, setAsked] = useState<ModelEntry | null>(null);
  const refresh = useMutation({
    mutationFn: () => api.models.refresh.mutate(),
    onSuccess: modelsChanged,
    onError: (thrown) => toast(said(errorInfoOf(thrown))),
  });
  const choose = (model: ModelEntry) => {
    if (model.id !== chosen) chooseModel(model);
    onChosen();
  };
  if (asked) return <FileReport model={asked} onBack={() => setAsked(null)} />;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-center justify-between">
        <h2 className="font-semibold">{t('models.title')}</h2>
        <IconButton icon={RefreshCw} label={t('models.refresh')} disabled={refresh.isPending} onClick={() => refresh.mutate()} />
      </div>
      <RadioGroup.Root aria-label={t('models.title')} value={chosen ?? ''} className="-mx-2 flex max-h-80 flex-col overflow-y-auto p-0.5">
        {models.map((model) => <ModelRow key={model.id} model={model} onChoose={() => choose(model)} onAsk={() => setAsked(model)} />)}
      </RadioGroup.Root>
      <AddModel />
    </div>
  );
}

function ModelRow({ model, onChoose, onAsk }: { model: ModelEntry; onChoose: () => void; onAsk: () => void }) {
  const { t } = useTranslation();
  const reason = useReason(model);
  const lacking = model.runnable ? missingParts(model, null) : [];
  const remark = reason ?? (lacking.length > 0 ? t('needs.row', { parts: partWords(lacking, model) }) : null);
  return (
    <div className="flex shrink-0 items-start rounded-control has-data-[state=checked]:bg-raised not-has-disabled:hover:bg-hover">
      <RadioGroup.Item value={model.id} disabled={!model.runnable} onClick={onChoose} aria-label={listedName(model)} aria-describedby={remark ? `why-${model.id}` : undefined} title={model.path}
        className="flex min-w-0 flex-1 items-center gap-3 rounded-control px-2 py-2 text-left">
        {reason ? <TriangleAlert size={20} strokeWidth={1.75} className="mx-1.5 shrink-0 text-dim" aria-hidden /> : <ModelMark size={32} />}
        <span className="flex min-w-0 flex-col">
          <span className={reason ? 'truncate text-dim' : 'truncate font-medium'}>{model.name}{model.folder && <span className="font-normal text-dim"> · {model.folder}</span>}</span>
          <span className="truncate text-hint text-dim"><ModelFacts model={model} /></span>
          {remark && <span id={`why-${model.id}`} className="text-hint text-accent-text">{remark}</span>}
        </span>
      </RadioGroup.Item>
      {model.kind && <IconButton icon={Info} label={t('report.ask')} aria-label={t('report.askOf', { name: listedName(model) })} onClick={onAsk} className="m-2 ml-0" />}
    </div>
  );
}

/** Why a model cannot be used, or null. */
function useReason({ error, runnable, family }: ModelEntry): string | null {
  const { t } = useTranslation();
  if (error) return said(error);
  return runnable ? null : t('models.notYet', { family: family ? familyNames[family]?.short ?? family : t('models.unknownFamily') });
}

/** "SD 2 · Inpainting · 5.2 GB" */
export function ModelFacts({ model }: { model: ModelEntry }) {
  const { t } = useTranslation();
  const variant = model.variant && model.variant !== 'base' ? t(`models.variant.${model.variant}`) : null;
  return [model.family && (familyNames[model.family]?.short ?? model.family), variant, fileSize(model.sizeBytes), model.builtIn && t('models.builtIn')].filter(Boolean).join(' · ');
}
