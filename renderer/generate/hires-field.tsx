// A second pass over the picture made larger: how large, by what, and how much it may change. The rest of it stays as a picture brought it.
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { upscalerLabels, upscalerNames, type UpscalerName } from '../../preload/contract/vocabulary';
import { listedName, shapeText } from '../format';
import { useParts } from '../queries';
import { Field } from '../ui/field';
import { Labelled } from '../ui/labelled';
import { NumberInput } from '../ui/number-input';
import { Select } from '../ui/select';
import { Slider } from '../ui/slider';
import { setForm, useForm } from './form';
import { hiresOf, secondSize } from './sizes';

export function HiresField() {
  const { t } = useTranslation();
  const [hires, upscaler, steps, holds] = useForm(useShallow((form) => [form.hires, form.upscaler, form.steps, hiresOf(form) === form.hires] as const));
  const size = useForm(useShallow(({ width, height }) => ({ width, height })));
  const { data: parts = [] } = useParts();
  const files = parts.filter(({ kind }) => kind === 'upscaler'), scale = hires?.scale ?? 1;
  const large = hires && secondSize(size, hires), value = large ? shapeText(large.width, large.height) : t('hires.off');
  // No side is longer than 4096 pixels.
  const most = Math.max(1, Math.min(4, Math.floor(4 * 4096 / Math.max(size.width, size.height)) / 4));
  const percent = `${Math.round((hires?.strength ?? 0) * 100)} %`;
  const resize = (to: number) => setForm({ hires: to === 1 ? null : { upscaler: 'latent', strength: 0.6, ...hires, scale: to, width: undefined, height: undefined } });
  return (
    <Field name={t('hires.name')} term={t('terms.hires')} showTerm value={value} hint={holds ? t('hires.hint') : t('hires.notNow')}>
      <Slider label={t('hires.name')} value={scale} min={1} max={most} step={0.25} valueText={value} onChange={resize} />
      {hires && (
        <>
          <Labelled name={t('hires.upscaler')}><Select label={t('hires.upscaler')} value={upscaler ?? hires.upscaler} choices={[...upscalerNames.map((name): { value: string; label: string } => ({ value: name, label: upscalerLabels[name] })), ...files.map((file) => ({ value: file.id, label: listedName(file) }))]}
            onChange={(chosen) => setForm(chosen in upscalerLabels ? { upscaler: null, hires: { ...hires, upscaler: chosen as UpscalerName } } : { upscaler: chosen })} /></Labelled>
          <Labelled name={t('hires.strength')} value={percent}><Slider label={t('hires.strength')} value={hires.strength} min={0.05} max={1} step={0.05} valueText={percent} onChange={(strength) => setForm({ hires: { ...hires, strength } })} /></Labelled>
          <label className="flex items-center justify-between gap-3 text-hint text-dim">{t('hires.steps')}
            <NumberInput label={t('hires.steps')} value={hires.steps ?? steps} min={1} max={200} step={1} className="max-w-18" onChange={(count) => setForm({ hires: { ...hires, steps: count } })} /></label>
        </>
      )}
    </Field>
  );
}
