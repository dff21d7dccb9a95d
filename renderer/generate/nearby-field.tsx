// Nearby: pictures around a kept seed, by noise that goes a little way over to another seed's.
import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { seedText } from '../format';
import { IconButton } from '../ui/button';
import { Field } from '../ui/field';
import { Slider } from '../ui/slider';
import { setForm, useForm } from './form';

export function NearbyField() {
  const { t } = useTranslation();
  const [nearby, variationSeed] = useForm(useShallow((form) => [form.nearby, form.variationSeed] as const));
  const value = nearby === 0 ? t('nearby.off') : `${Math.round(nearby * 100)} %`;
  return (
    <Field name={t('nearby.name')} term={t('terms.variation')} showTerm value={value} hint={t('nearby.hint')}>
      <Slider label={t('nearby.name')} value={nearby} min={0} max={1} step={0.01} valueText={value} onChange={(strength) => setForm({ nearby: strength })} />
      {nearby > 0 && variationSeed !== null && (
        <div className="flex items-center justify-between text-dim tabular-nums">
          {t('nearby.seed', { seed: seedText(variationSeed) })}
          <IconButton icon={X} label={t('nearby.anew')} onClick={() => setForm({ variationSeed: null })} />
        </div>
      )}
    </Field>
  );
}
