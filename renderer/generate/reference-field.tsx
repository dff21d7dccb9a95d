// A picture whose look the new one takes over, by the model's own layers.
import { useTranslation } from 'react-i18next';
import { referenceModes } from '../../preload/contract/vocabulary';
import { Field } from '../ui/field';
import { Segmented } from '../ui/segmented';
import { Slider } from '../ui/slider';
import { setForm, useForm, usualReference, type ChosenReference } from './form';
import { PictureSlot } from './picture-slot';

const labels = { 'reference_only': 'attn', 'reference_adain': 'adain', 'reference_adain+attn': 'both' } as const;

/** In Simple only what somebody or a picture has put there. */
export function ReferenceField({ advanced }: { advanced: boolean }) {
  const { t } = useTranslation();
  const reference = useForm((form) => form.reference);
  if (!advanced && !reference) return null;
  const set = (patch: Partial<ChosenReference['settings']>) => reference && setForm({ reference: { ...reference, settings: { ...reference.settings, ...patch } } });
  return (
    <Field name={t('reference.name')} term={t('terms.reference')} showTerm={advanced} hint={t('reference.hint')}>
      <PictureSlot picture={reference?.picture ?? null} fromStage words={{ name: t('reference.name'), pick: t('start.pick'), file: t('reference.file'), remove: t('reference.remove') }}
        onChange={(picture) => setForm({ reference: picture && { picture, settings: reference?.settings ?? usualReference } })} />
      {reference && (
        <>
          <Segmented label={t('reference.mode')} value={reference.settings.mode} stretch choices={referenceModes.map((value) => ({ value, label: t(`reference.modes.${labels[value]}`) }))} onChange={(mode) => set({ mode })} />
          <span aria-hidden className="-mb-1.5 text-hint text-dim">{t('reference.fidelity')}</span>
          <Slider label={t('reference.fidelity')} value={reference.settings.fidelity} min={0} max={1} step={0.05} valueText={reference.settings.fidelity.toFixed(2)} onChange={(fidelity) => set({ fidelity })} />
        </>
      )}
    </Field>
  );
}
