// The chips in the dock: what is set, and the quickest way to change it.
import clsx from 'clsx';
import { X } from 'lucide-react';
import { useState, type ComponentProps } from 'react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { listedName } from '../format';
import { ModelMark } from '../models/mark';
import { ModelPicker } from '../models/picker';
import { NumberInput } from '../ui/number-input';
import { Popover } from '../ui/popover';
import { Segmented } from '../ui/segmented';
import { aspectOf } from './choices';
import { setForm, useForm } from './form';
import { ShapeField } from './shape-field';
import { firstSize } from './sizes';
import { InputThumbnail } from './taken';
import { useChosenModel } from '../models/chosen';

export function Chip({ className, ...rest }: ComponentProps<'button'>) {
  return (
    <button type="button" {...rest}
      className={clsx('flex h-8 min-w-0 items-center gap-2 rounded-control border border-line bg-raised px-2.5 whitespace-nowrap text-dim transition hover:bg-hover', className)} />
  );
}

export function ModelChip() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const model = useChosenModel();
  return (
    <Popover label={t('models.choose')} side="top" open={open} onOpenChange={setOpen} className="w-96"
      trigger={<Chip aria-label={t('dock.model', { name: model ? listedName(model) : t('models.none') })} className="shrink">
        <ModelMark size={18} />
        <span className="truncate font-medium text-text">{model ? listedName(model) : t('models.none')}</span>
      </Chip>}>
      <ModelPicker onChosen={() => setOpen(false)} />
    </Popover>
  );
}

export function ShapeChip() {
  const { t } = useTranslation();
  const { width, height } = useForm(useShallow(firstSize));
  const native = useChosenModel()?.nativeSize;
  const aspect = native && aspectOf({ width, height }, native);
  return (
    <Popover label={t('shape.name')} side="top" className="w-80"
      trigger={<Chip aria-label={t('dock.shape', { width, height })} className="shrink-0 tabular-nums">
        <span className="font-medium text-text">{aspect?.name ?? `${width} × ${height}`}</span>
        {aspect && <span className="hidden xl:inline">{width === height ? width : `${width} × ${height}`}</span>}
      </Chip>}>
      <ShapeField exact />
    </Popover>
  );
}

const usualCounts = ['1', '2', '4', '8'] as const;

export function PicturesChip() {
  const { t } = useTranslation();
  const count = useForm((form) => form.count);
  return (
    <Popover label={t('dock.pictures')} side="top"
      trigger={<Chip aria-label={t('dock.picturesCount', { count })} className="shrink-0">
        <span className="hidden md:inline">{t('dock.pictures')}</span> <span className="font-medium text-text tabular-nums">{count}</span>
      </Chip>}>
      <div className="flex items-center gap-3">
        <Segmented label={t('dock.pictures')} value={String(count)} choices={usualCounts.map((value) => ({ value, label: value }))} onChange={(value) => setForm({ count: Number(value) })} />
        <NumberInput label={t('dock.picturesExact')} value={count} min={1} max={64} step={1} className="max-w-16" onChange={(value) => setForm({ count: value })} />
      </div>
    </Popover>
  );
}

/** Only there while a picture to start from is set. */
export function StartChip() {
  const { t } = useTranslation();
  const [init, strength] = useForm(useShallow((form) => [form.init, form.strength] as const));
  if (!init) return null;
  return (
    <span className="flex h-8 min-w-0 shrink items-center gap-2 rounded-control border border-line bg-raised pl-1.5 whitespace-nowrap text-dim">
      <InputThumbnail picture={init} alt="" className="size-5 rounded-sm" iconPx={13} />
      <span className="hidden truncate xl:inline">{t('start.chip')}</span>
      <span className="font-medium text-text tabular-nums">{Math.round(strength * 100)} %</span>
      <button type="button" aria-label={t('start.remove')} onClick={() => setForm({ init: null })} className="grid h-full w-7 shrink-0 place-items-center rounded-control hover:text-text">
        <X size={13} aria-hidden />
      </button>
    </span>
  );
}
