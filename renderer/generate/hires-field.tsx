// A second pass over the picture made larger: how large, by what, and how much it may change. The rest of it stays as a picture brought it.
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { upscalerLabels, upscalerNames, type UpscalerName } from '../../preload/contract/vocabulary';
import { listedName } from '../format';
import { useParts } from '../queries';
import { Field } from '../ui/field';
import { NumberInput } from '../ui/number-input';
import { Select } from '../ui/select';
import { Slider } from '../ui/slider';
import { setForm, useForm } from './form';

export function HiresField() {
  const { t } = useTranslation();
  const [hires, upscaler, steps] = useForm(useShallow((form) => [form.hires, form.upscaler, form.steps] as const));
  const { data: parts = [] } = useParts();
  const files = parts.filter(({ kind }) => kind === 'upscaler'), scale = hires?.scale ?? 1;
  const value = !hires ? t('hires.off') : hires.width && hires.height ? `${hires.width} × ${hires.height}` : `× ${scale}`;
  const percent = `${Math.round((hires?.strength ?? 0) * 100)} %`;
  const resize = (to: number) => setForm({ hires: to === 1 ? null : { upscaler: 'latent', strength: 0.6, ...hires, scale: to, width: undefined, height: undefined } });
  return (
    <Field name={t('hires.name')} term={t('terms.hires')} showTerm value={value} hint={t('hires.hint')}>
      <Slider label={t('hires.name')} value={scale} min={1} max={4} step={0.25} valueText={value} onChange={resize} />
      {hires && (
        <>
          <Select label={t('hires.upscaler')} value={upscaler ?? hires.upscaler} choices={[...upscalerNames.map((name): { value: string; label: string } => ({ value: name, label: upscalerLabels[name] })), ...files.map((file) => ({ value: file.id, label: listedName(file) }))]}
            onChange={(chosen) => setForm(chosen in upscalerLabels ? { upscaler: null, hires: { ...hires, upscaler: chosen as UpscalerName } } : { upscaler: chosen })} />
          <div className="flex items-center gap-3">
            <Slider label={t('hires.strength')} value={hires.strength} min={0.05} max={1} step={0.05} valueText={percent} onChange={(strength) => setForm({ hires: { ...hires, strength } })} />
            <NumberInput label={t('hires.steps')} value={hires.steps ?? steps} min={1} max={200} step={1} className="max-w-18" onChange={(count) => setForm({ hires: { ...hires, steps: count } })} />
          </div>
        </>
      )}
    </Field>
  );
}
