// How the mask is read, and what is done where it is white: exact values, under Advanced.
import { useTranslation } from 'react-i18next';
import { fillNames } from '../../preload/contract/vocabulary';
import { Field } from '../ui/field';
import { Labelled } from '../ui/labelled';
import { NumberInput } from '../ui/number-input';
import { Segmented } from '../ui/segmented';
import { Select } from '../ui/select';
import { setForm, useForm, type InpaintValues } from './form';

/** What the mask is read by where nothing is said. */
const plain: InpaintValues = { invert: false, grow: 0, blur: 0, fill: 'original', area: 'whole', padding: 32 };
const soft = { bias: 1, preservation: 0.5, contrast: 4, influence: 0, threshold: 0.5, edge: 2 };

/** `ground`: new ground around the picture is the mask, which says itself how it is read. */
export function InpaintField({ ground }: { ground: boolean }) {
  const { t } = useTranslation();
  const own = useForm((form) => form.inpaint), inpaint = own ?? plain;
  const set = (patch: Partial<InpaintValues>) => setForm({ inpaint: { ...inpaint, ...patch } });
  return (
    <>
      <Field name={t('inpaint.area')} hint={t(inpaint.area === 'masked' ? 'inpaint.maskedHint' : 'inpaint.wholeHint')}>
        <Segmented label={t('inpaint.area')} value={inpaint.area} onChange={(area) => set({ area })} choices={[{ value: 'whole', label: t('inpaint.whole') }, { value: 'masked', label: t('inpaint.masked') }]} />
        {inpaint.area === 'masked' && (
          <label className="flex items-center justify-between gap-3 text-hint text-dim">{t('inpaint.padding')}
            <NumberInput label={t('inpaint.padding')} value={inpaint.padding} min={0} max={1024} step={1} className="max-w-18" onChange={(padding) => set({ padding })} /></label>
        )}
      </Field>
      <Field name={t('inpaint.fill')} hint={t('inpaint.fillHint')}>
        <Select label={t('inpaint.fill')} value={inpaint.fill} choices={fillNames.map((value) => ({ value, label: t(`inpaint.fills.${value}`) }))} onChange={(fill) => set({ fill })} />
      </Field>
      {!ground && <ReadingFields inpaint={inpaint} set={set} />}
    </>
  );
}

function ReadingFields({ inpaint, set }: { inpaint: InpaintValues; set: (patch: Partial<InpaintValues>) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <Field name={t('inpaint.edge')} hint={t('inpaint.edgeHint')}>
        <div className="grid grid-cols-2 gap-3">
          <Labelled name={t('inpaint.grow')}><NumberInput label={t('inpaint.grow')} value={inpaint.grow} min={-256} max={256} step={1} onChange={(grow) => set({ grow })} /></Labelled>
          <Labelled name={t('inpaint.blur')}><NumberInput label={t('inpaint.blur')} value={inpaint.blur} min={0} max={256} step={0.5} decimals={1} onChange={(blur) => set({ blur })} /></Labelled>
        </div>
      </Field>
      <Field name={t('inpaint.side')} hint={t('inpaint.sideHint')}>
        <Segmented label={t('inpaint.side')} value={inpaint.invert ? 'black' : 'white'} onChange={(side) => set({ invert: side === 'black' })} choices={[{ value: 'white', label: t('inpaint.white') }, { value: 'black', label: t('inpaint.black') }]} />
      </Field>
      <Field name={t('inpaint.greys')} hint={t(inpaint.soft ? 'inpaint.softHint' : 'inpaint.hardHint')}>
        <Segmented label={t('inpaint.greys')} value={inpaint.soft ? 'soft' : 'hard'} onChange={(kind) => set({ soft: kind === 'soft' ? soft : undefined })} choices={[{ value: 'hard', label: t('inpaint.hard') }, { value: 'soft', label: t('inpaint.soft') }]} />
      </Field>
    </>
  );
}
