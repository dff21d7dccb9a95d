// A second model that finishes the picture. Only there for SDXL models, and when a refiner is among the models.
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { listedName } from '../format';
import { refinersFor } from '../models/refiners';
import { useModels } from '../queries';
import { Field } from '../ui/field';
import { Select } from '../ui/select';
import { Slider } from '../ui/slider';
import { setForm, useForm } from './form';

export function RefinerField() {
  const { t } = useTranslation();
  const [model, chosen, switchAt] = useForm(useShallow((form) => [form.model, form.refiner, form.switchAt] as const));
  const { data: models = [] } = useModels();
  const refiners = refinersFor(models, model);
  if (refiners.length === 0) return null;
  const refiner = refiners.find(({ id }) => id === chosen);
  const percent = `${Math.round(switchAt * 100)} %`;
  return (
    <Field name={t('refiner.name')} term={t('terms.refiner')} showTerm value={refiner && t('refiner.after', { percent })}>
      <Select label={t('refiner.name')} value={refiner?.id ?? ''} onChange={(id) => setForm({ refiner: id || null })}
        choices={[{ value: '', label: t('refiner.none') }, ...refiners.map((model) => ({ value: model.id, label: listedName(model) }))]} />
      {refiner && <Slider label={t('refiner.switchAt')} value={switchAt} min={0.05} max={0.95} step={0.05} valueText={percent} onChange={(value) => setForm({ switchAt: value })} />}
    </Field>
  );
}
