// Start from a picture: where it comes from, and how much of it may change.
import { ImagePlus, X } from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { shapeText } from '../format';
import { useShownPicture } from '../stage/shown';
import { Button, IconButton } from '../ui/button';
import { Field } from '../ui/field';
import { Slider } from '../ui/slider';
import { setForm, useForm } from './form';
import { startFromFile, startFromPicture } from './start-picture';

export function StartField() {
  const { t } = useTranslation();
  const [init, strength, advanced] = useForm(useShallow((form) => [form.init, form.strength, form.advanced] as const));
  const percent = `${Math.round(strength * 100)} %`;
  if (!init) return <Field name={t('start.name')} term={t('terms.img2img')} showTerm={advanced}><StartPicker /></Field>;
  return (
    <>
      <Field name={t('start.name')} term={t('terms.img2img')} showTerm={advanced}>
        <div className="flex items-center gap-3 rounded-card border border-line bg-raised p-2">
          {init.thumbnail ? <img src={init.thumbnail} alt={t('start.name')} className="size-12 rounded-picture object-cover" />
            : <span className="grid size-12 place-items-center rounded-picture bg-hover text-dim"><ImagePlus size={18} aria-hidden /></span>}
          <span className="flex-1 text-dim tabular-nums">{shapeText(init.width, init.height)}</span>
          <IconButton icon={X} label={t('start.remove')} onClick={() => setForm({ init: null })} />
        </div>
      </Field>
      <Field name={t('start.change')} term={t('terms.strength')} showTerm={advanced} value={percent} hint={t('start.changeHint')}>
        <Slider label={t('start.change')} value={strength} min={0.05} max={1} step={0.05} valueText={percent} onChange={(value) => setForm({ strength: value })} />
      </Field>
    </>
  );
}

function StartPicker() {
  const { t } = useTranslation();
  const shown = useShownPicture();
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className="flex flex-col items-start gap-2">
      <p className="text-hint text-dim">{t('start.hint')}</p>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => input.current?.click()}>{t('start.pick')}</Button>
        {shown && <Button onClick={() => void startFromPicture(shown)}>{t('start.useThis')}</Button>}
      </div>
      <input ref={input} type="file" accept="image/png,image/jpeg,image/webp" aria-label={t('start.file')} className="sr-only" tabIndex={-1}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = '';
          if (file) void startFromFile(file);
        }} />
    </div>
  );
}
