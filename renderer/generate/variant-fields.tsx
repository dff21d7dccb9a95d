// What only some models read besides the words: a depth map, guidance by the picture that is edited, the rescale of guidance.
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { useChosenModel } from '../models/chosen';
import { Field } from '../ui/field';
import { NumberInput } from '../ui/number-input';
import { Slider } from '../ui/slider';
import { setForm, useForm } from './form';
import { PictureSlot } from './picture-slot';

/** Depth-to-image models cannot do without. */
export function DepthField() {
  const { t } = useTranslation();
  const depth = useForm((form) => form.depth);
  if (useChosenModel()?.variant !== 'depth') return null;
  return (
    <Field name={t('terms.depth')} hint={depth ? t('depth.hint') : t('depth.needed')}>
      <PictureSlot picture={depth} words={{ name: t('terms.depth'), pick: t('depth.pick'), file: t('depth.file'), remove: t('depth.remove') }} onChange={(to) => setForm({ depth: to })} />
    </Field>
  );
}

/** Models that edit by instruction weigh the picture against the words. */
export function ImageGuidanceField({ exact }: { exact: boolean }) {
  const { t } = useTranslation();
  const imageCfg = useForm((form) => form.imageCfg);
  if (useChosenModel()?.variant !== 'pix2pix') return null;
  const value = imageCfg.toFixed(1);
  return (
    <Field name={t('imageCfg.name')} term={t('terms.imageCfg')} showTerm={exact} value={exact ? undefined : value} hint={t('imageCfg.hint')}>
      <div className="flex items-center gap-3">
        <Slider label={t('imageCfg.name')} value={imageCfg} min={1} max={3} step={0.1} valueText={value} onChange={(to) => setForm({ imageCfg: to })} />
        {exact && <NumberInput label={t('terms.imageCfg')} value={imageCfg} min={0} max={50} step={0.1} decimals={1} className="max-w-18" onChange={(to) => setForm({ imageCfg: to })} />}
      </div>
    </Field>
  );
}

/** Models that predict v need it most; for others it is there while it is set. */
export function RescaleField() {
  const { t } = useTranslation();
  const [cfgRescale, overrides] = useForm(useShallow((form) => [form.cfgRescale, form.overrides] as const));
  const model = useChosenModel();
  if (cfgRescale === 0 && (overrides?.prediction ?? model?.prediction) !== 'v') return null;
  const value = cfgRescale === 0 ? t('cfgRescale.off') : cfgRescale.toFixed(2);
  return (
    <Field name={t('cfgRescale.name')} term={t('terms.cfgRescale')} showTerm value={value} hint={t('cfgRescale.hint')}>
      <Slider label={t('cfgRescale.name')} value={cfgRescale} min={0} max={1} step={0.05} valueText={value} onChange={(to) => setForm({ cfgRescale: to })} />
    </Field>
  );
}
