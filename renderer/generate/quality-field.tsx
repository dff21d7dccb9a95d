// Quality: how many steps, with the time that each end of the slider costs.
import { useTranslation } from 'react-i18next';
import { duration } from '../format';
import { Field } from '../ui/field';
import { NumberInput } from '../ui/number-input';
import { Slider } from '../ui/slider';
import { qualityLadder, qualityMarks, rungOf } from './choices';
import { useForecast } from './estimate';
import { setForm, useForm } from './form';

export function QualityField({ exact }: { exact: boolean }) {
  const { t } = useTranslation();
  const steps = useForm((form) => form.steps);
  const forecast = useForecast();
  const marks = [['draft', t('quality.draft')], ['good', t('quality.good')], ['finest', t('quality.finest')]] as const;
  return (
    <Field name={t('quality.name')} term={t('terms.steps')} showTerm={exact} value={exact ? undefined : t('quality.steps', { count: steps })}>
      <div className="flex items-center gap-3">
        <Slider label={t('quality.name')} value={rungOf(steps)} min={0} max={qualityLadder.length - 1} step={1} valueText={t('quality.steps', { count: steps })}
          onChange={(rung) => setForm({ steps: qualityLadder[rung] ?? qualityMarks.good })} />
        {exact && <NumberInput label={t('terms.steps')} value={steps} min={1} max={200} step={1} className="max-w-18" onChange={(value) => setForm({ steps: value })} />}
      </div>
      <div className="flex justify-between text-hint text-dim tabular-nums">
        {marks.map(([mark, name]) => <span key={mark}>{name}{forecast && ` ${duration(forecast.secondsFor(qualityMarks[mark]))}`}</span>)}
      </div>
    </Field>
  );
}
