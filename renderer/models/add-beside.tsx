// A button that adds a file beside the model, found in a list; those that do not fit the model stand in it with the reason.
import { useMutation } from '@tanstack/react-query';
import { Plus, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelEntry } from '../../preload/contract/model';
import { api, errorInfoOf } from '../api';
import { fileSize, listedName } from '../format';
import { said } from '../i18n';
import { modelsChanged, useMachine } from '../queries';
import { Button, IconButton } from '../ui/button';
import { Finder } from '../ui/finder';
import { Popover } from '../ui/popover';
import { toast } from '../ui/toasts';
import { familyShort, otherBase } from './beside';
import { useChosenModel } from './chosen';

/** `why`: what keeps a file from being added besides its base. */
export function AddBeside({ label, files, why, onAdd }: { label: string; files: readonly ModelEntry[]; why: (file: ModelEntry) => string | undefined; onAdd: (file: ModelEntry) => void }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const { data: machine } = useMachine();
  const model = useChosenModel();
  const refresh = useMutation({ mutationFn: () => api.models.refresh.mutate(), onSuccess: modelsChanged, onError: (thrown) => toast(said(errorInfoOf(thrown))) });
  const items = files.map((file) => {
    const other = otherBase(file, model);
    return {
      id: file.id, name: listedName(file), title: file.path, facts: [file.family ? familyShort(file.family) : t('beside.unknownBase'), fileSize(file.sizeBytes)].join(' · '),
      why: why(file) ?? (other === null ? undefined : t('beside.otherBase', { model: familyShort(model?.family ?? '') })),
    };
  });
  const take = (id: string) => {
    const file = files.find((each) => each.id === id);
    if (file) onAdd(file);
    setOpen(false);
  };
  return (
    <Popover label={label} side="left" open={open} onOpenChange={setOpen} className="flex w-96 flex-col gap-3" trigger={<Button data-add className="self-start"><Plus size={15} strokeWidth={1.75} aria-hidden />{label}</Button>}>
      <div className="flex items-center justify-between">
        <h2 className="font-semibold">{label}</h2>
        <IconButton icon={RefreshCw} label={t('models.refresh')} disabled={refresh.isPending} onClick={() => refresh.mutate()} />
      </div>
      {/* What fits comes first. */}
      <Finder label={t('beside.search')} items={[...items.filter((item) => item.why === undefined), ...items.filter((item) => item.why !== undefined)]} onTake={take}
        empty={(text) => (text === '' ? t('beside.none', { folder: `${machine?.dataDir ?? ''}/models` }) : t('beside.noneCalled', { text }))} more={(count) => t('beside.more', { count })} />
    </Popover>
  );
}
