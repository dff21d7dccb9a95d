// Other words for a picture whose composition stays: which picture, for how long it leads, and what single words weigh.
import { X } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../ui/button';
import { Field } from '../ui/field';
import { Labelled } from '../ui/labelled';
import { Slider } from '../ui/slider';
import { setForm, useForm, type EditValues } from './form';
import { onlyText, parseOnly, parseWeights, weightsText } from './edit-words';

export function EditField() {
  const { t } = useTranslation();
  const edit = useForm((form) => form.edit), fromPicture = useForm((form) => form.init !== null);
  if (!edit) return null;
  const { source, cross, self, words, blend } = edit, percent = (share: number) => `${Math.round(share * 100)} %`;
  const change = (patch: Partial<EditValues>) => setForm({ edit: { ...edit, ...patch } });
  return (
    <Field name={t('edit.name')} term={t('terms.edit')} showTerm hint={fromPicture ? t('edit.notWithPicture') : t('edit.hint')}>
      <div className="flex items-center gap-2">
        <span className="line-clamp-3 min-w-0 flex-1 break-words text-dim">{source.prompt}</span>
        <IconButton icon={X} label={t('edit.remove')} onClick={() => setForm({ edit: null })} />
      </div>
      <Labelled name={t('edit.cross')} value={percent(cross)}><Slider label={t('edit.cross')} value={cross} min={0} max={1} step={0.05} valueText={percent(cross)} onChange={(share) => change({ cross: share })} /></Labelled>
      <Labelled name={t('edit.self')} value={percent(self)}><Slider label={t('edit.self')} value={self} min={0} max={1} step={0.05} valueText={percent(self)} onChange={(share) => change({ self: share })} /></Labelled>
      <Labelled name={t('edit.weightsHint')}><Words label={t('edit.weights')} placeholder={t('edit.weightsExample')} value={weightsText(words)} parse={parseWeights} onChange={(weights) => change({ words: weights })} /></Labelled>
      <Labelled name={t('edit.onlyHint')}><Words label={t('edit.only')} placeholder={t('edit.onlyExample')} value={onlyText(blend)} parse={(text) => parseOnly(text, blend?.threshold)} onChange={(places) => change({ blend: places })} /></Labelled>
    </Field>
  );
}

/** Taken over on Enter or when the field is left, where it can be read. */
function Words<T>({ label, placeholder, value, parse, onChange }: { label: string; placeholder: string; value: string; parse: (text: string) => T | undefined | null; onChange: (parsed: T | undefined) => void }) {
  const [draft, setDraft] = useState<string | null>(null);
  const parsed = draft === null ? null : parse(draft);
  const commit = () => {
    if (parsed !== null) onChange(parsed);
    if (draft === null || parsed !== null) setDraft(null);
  };
  return (
    <input type="text" aria-label={label} placeholder={placeholder} aria-invalid={draft !== null && parsed === null} autoComplete="off" spellCheck={false} value={draft ?? value}
      onChange={(event) => setDraft(event.target.value)} onBlur={commit} onKeyDown={(event) => { if (event.key === 'Enter') commit(); }}
      className="h-8 w-full min-w-0 rounded-control border border-line bg-raised px-2.5 placeholder:text-faint aria-invalid:border-accent" />
  );
}
