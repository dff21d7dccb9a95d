// Start from a picture: where it comes from, how much of it may change, and where.
import { ImagePlus, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { shapeText } from '../format';
import { useShownPicture } from '../stage/shown';
import { Button, IconButton } from '../ui/button';
import { Field } from '../ui/field';
import { PickPicture } from '../ui/pick-picture';
import { Slider } from '../ui/slider';
import { setForm, useForm, type InputPicture } from './form';
import { limitToMask, startFromFile, startFromPicture } from './start-picture';

export function StartField() {
  const { t } = useTranslation();
  const [init, strength, advanced] = useForm(useShallow((form) => [form.init, form.strength, form.advanced] as const));
  const percent = `${Math.round(strength * 100)} %`;
  if (!init) return <Field name={t('start.name')} term={t('terms.img2img')} showTerm={advanced}><StartPicker /></Field>;
  const { mask, ...whole } = init;
  return (
    <>
      <Field name={t('start.name')} term={t('terms.img2img')} showTerm={advanced}>
        <Taken picture={init} name={t('start.name')} removeLabel={t('start.remove')} onRemove={() => setForm({ init: null })} />
      </Field>
      <Field name={t('start.change')} term={t('terms.strength')} showTerm={advanced} value={percent} hint={t('start.changeHint')}>
        <Slider label={t('start.change')} value={strength} min={0.05} max={1} step={0.05} valueText={percent} onChange={(value) => setForm({ strength: value })} />
      </Field>
      {(advanced || mask) && (
        <Field name={t('mask.name')} term={t('terms.mask')} showTerm={advanced} hint={t('mask.hint')}>
          {mask ? <Taken picture={mask} name={t('mask.name')} removeLabel={t('mask.remove')} onRemove={() => setForm({ init: whole })} />
            : <div><PickPicture label={t('mask.pick')} fileLabel={t('mask.file')} onPick={(file) => void limitToMask(file)} /></div>}
        </Field>
      )}
    </>
  );
}

function Taken({ picture, name, removeLabel, onRemove }: { picture: InputPicture; name: string; removeLabel: string; onRemove: () => void }) {
  return (
    <div className="flex items-center gap-3 rounded-card border border-line bg-raised p-2">
      {picture.thumbnail ? <img src={picture.thumbnail} alt={name} className="size-12 rounded-picture border border-line object-cover" />
        : <span className="grid size-12 place-items-center rounded-picture bg-hover text-dim"><ImagePlus size={18} aria-hidden /></span>}
      <span className="flex-1 text-dim tabular-nums">{shapeText(picture.width, picture.height)}</span>
      <IconButton icon={X} label={removeLabel} onClick={onRemove} />
    </div>
  );
}

function StartPicker() {
  const { t } = useTranslation();
  const shown = useShownPicture();
  return (
    <div className="flex flex-col items-start gap-2">
      <p className="text-hint text-dim">{t('start.hint')}</p>
      <div className="flex flex-wrap gap-2">
        <PickPicture label={t('start.pick')} fileLabel={t('start.file')} onPick={(file) => void startFromFile(file)} />
        {shown && <Button onClick={() => void startFromPicture(shown)}>{t('start.useThis')}</Button>}
      </div>
    </div>
  );
}
