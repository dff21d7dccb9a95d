// Chance: a new seed each time, or one that is kept, so that only what was changed changes.
import { Dices } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { seedText } from '../format';
import { useShownPicture } from '../stage/shown';
import { IconButton } from '../ui/button';
import { Field } from '../ui/field';
import { Segmented } from '../ui/segmented';
import { setForm, useForm } from './form';
import { SeedInput } from './seed-input';

/** As other programs draw them, so that a seed can be typed there too. */
const randomSeed = () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;

export function SeedField({ exact }: { exact: boolean }) {
  const { t } = useTranslation();
  const [seedMode, seed] = useForm(useShallow((form) => [form.seedMode, form.seed] as const));
  const job = useShownPicture()?.job, shown = job?.kind === 'upscale' ? undefined : job?.seed;
  const known = seedMode === 'keep' ? seed : shown;
  return (
    <Field name={t('chance.name')} term={t('terms.seed')} showTerm={exact} value={exact || known === undefined ? undefined : t('chance.seed', { seed: seedText(known) })}
      hint={seedMode === 'keep' ? t('chance.keepHint') : undefined}>
      <div>
        <Segmented label={t('chance.name')} value={seedMode} onChange={(mode) => setForm(mode === 'keep' ? { seedMode: mode, seed: shown ?? (seed || randomSeed()) } : { seedMode: mode })}
          choices={[{ value: 'new', label: t('chance.new') }, { value: 'keep', label: t('chance.keep') }]} />
      </div>
      {(exact || seedMode === 'keep') && (
        <div className="flex items-center gap-2">
          <SeedInput label={t('terms.seed')} value={known ?? seed} onChange={(value) => setForm({ seed: value, seedMode: 'keep' })} />
          <IconButton icon={Dices} label={t('chance.roll')} onClick={() => setForm({ seed: randomSeed(), seedMode: 'keep' })} />
        </div>
      )}
    </Field>
  );
}
