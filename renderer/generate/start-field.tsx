// Start from a picture: where it comes from, how much of it may change, and where.
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { useShownPicture } from '../stage/shown';
import { Button } from '../ui/button';
import { Field } from '../ui/field';
import { PickPicture } from '../ui/pick-picture';
import { Slider } from '../ui/slider';
import { useChosenModel } from '../models/chosen';
import { setForm, useForm } from './form';
import { InpaintField } from './inpaint-field';
import { OutpaintField } from './outpaint-field';
import { PictureSlot } from './picture-slot';
import { limitToMask, pickStart, startFromPicture } from './start-picture';
import { Taken } from './taken';

export function StartField() {
  const { t } = useTranslation();
  const [init, strength, advanced, outpaint] = useForm(useShallow((form) => [form.init, form.strength, form.advanced, form.outpaint] as const));
  const variant = useChosenModel()?.variant;
  const percent = `${Math.round(strength * 100)} %`;
  if (!init) return <Field name={t('start.name')} term={t('terms.img2img')} showTerm={advanced}><StartPicker hint={variant === 'pix2pix' ? t('start.editHint') : t('start.hint')} /></Field>;
  const { mask } = init;
  return (
    <>
      <Field name={t('start.name')} term={t('terms.img2img')} showTerm={advanced}>
        <Taken picture={init} name={t('start.name')} removeLabel={t('start.remove')} onRemove={() => setForm({ init: null })} />
      </Field>
      <Field name={t('start.change')} term={t('terms.strength')} showTerm={advanced} value={percent} hint={t('start.changeHint')}>
        <Slider label={t('start.change')} value={strength} min={0.05} max={1} step={0.05} valueText={percent} onChange={(value) => setForm({ strength: value })} />
      </Field>
      {(advanced || mask || variant === 'inpaint') && (
        <Field name={t('mask.name')} term={t('terms.mask')} showTerm={advanced} hint={t(outpaint && mask ? 'mask.notNow' : 'mask.hint')}>
          <PictureSlot picture={mask ?? null} words={{ name: t('mask.name'), pick: t('mask.pick'), file: t('mask.file'), remove: t('mask.remove') }} onChange={limitToMask} />
        </Field>
      )}
      {advanced && <OutpaintField />}
      {advanced && (mask || outpaint) && <InpaintField ground={outpaint !== null} />}
    </>
  );
}

function StartPicker({ hint }: { hint: string }) {
  const { t } = useTranslation();
  const shown = useShownPicture();
  return (
    <div className="flex flex-col items-start gap-2">
      <p className="text-hint text-dim">{hint}</p>
      <div className="flex flex-wrap gap-2">
        <PickPicture label={t('start.pick')} fileLabel={t('start.file')} onPick={(file) => void pickStart(file)} />
        {shown && <Button onClick={() => void startFromPicture(shown)}>{t('start.useThis')}</Button>}
      </div>
    </div>
  );
}
