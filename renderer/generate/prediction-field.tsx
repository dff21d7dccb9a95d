// What the network predicts, kept for the model: only asked where its file may leave it open.
import { useTranslation } from 'react-i18next';
import { useSettings } from '../queries';
import { useSaveSettings } from '../settings/save';
import { Field } from '../ui/field';
import { Segmented } from '../ui/segmented';
import { useChosenModel } from '../models/chosen';

export function PredictionField() {
  const { t } = useTranslation();
  const { data: settings } = useSettings();
  const save = useSaveSettings();
  const model = useChosenModel();
  if (!settings || !model || !(model.predictionDoubtful || model.family === 'sd2')) return null;
  const { modelSettings } = settings;
  const said = modelSettings[model.id]?.prediction;
  return (
    <Field name={t('prediction.name')} term={t('terms.prediction')} showTerm hint={model.predictionDoubtful ? t('prediction.hint') : undefined}>
      <Segmented label={t('prediction.name')} stretch value={said ?? 'auto'}
        onChange={(value) => save.mutate({ modelSettings: { ...modelSettings, [model.id]: { ...modelSettings[model.id], prediction: value === 'auto' ? undefined : value } } })}
        choices={[{ value: 'auto', label: t('prediction.auto') }, { value: 'eps', label: t('prediction.eps') }, { value: 'v', label: t('prediction.v') }]} />
    </Field>
  );
}
