// Controls: networks that read a picture of edges, a pose, depth, and make the new one follow it.
import { useTranslation } from 'react-i18next';
import { slotOf } from '../../preload/contract/file-slots';
import { AddBeside } from '../models/add-beside';
import { useChosenModel } from '../models/chosen';
import { useParts } from '../queries';
import { Field } from '../ui/field';
import { ControlRow } from './control-row';
import { setForm, useForm, type ChosenControl } from './form';

/** Several may read by one network. */
const newKey = (): string => Math.random().toString(36).slice(2);

/** In Simple only what somebody or a picture has put there. */
export function ControlsField({ advanced }: { advanced: boolean }) {
  const { t } = useTranslation();
  const chosen = useForm((form) => form.controls);
  const { data: parts } = useParts();
  const model = useChosenModel();
  if (!advanced && chosen.length === 0) return null;
  // A picture that is still on its way comes to the row as it is by then.
  const set = (change: (now: readonly ChosenControl[]) => ChosenControl[]) => setForm({ controls: change(useForm.getState().controls) });
  const { kinds } = slotOf('controls');
  return (
    <Field name={t('controls.name')} term={t('terms.control')} showTerm={advanced} hint={t('controls.hint')}>
      {chosen.length > 0 && (
        <ul className="flex flex-col gap-2">
          {chosen.map((control) => (
            <ControlRow key={control.key} control={control} file={parts?.find(({ id }) => id === control.id)} isListed={parts !== undefined} model={model}
              onChange={(patch) => set((now) => now.map((each) => (each.key === control.key ? { ...each, ...patch } : each)))} onRemove={() => set((now) => now.filter(({ key }) => key !== control.key))} />
          ))}
        </ul>
      )}
      <AddBeside label={t('controls.add')} files={(parts ?? []).filter(({ kind }) => kind !== null && kinds.includes(kind))} why={() => undefined}
        onAdd={({ id, name }) => set((now) => [...now, { key: newKey(), id, name, picture: null, mask: null, settings: { weight: 1, start: 0, end: 1, mode: 'balanced', resize: 'crop' } }])} />
    </Field>
  );
}
