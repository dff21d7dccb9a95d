// One picture that a setting takes: dropped onto it, picked, or the one on stage; then shown small, to be taken away.
import clsx from 'clsx';
import { useTranslation } from 'react-i18next';
import { dropsTo, useDragging } from '../dropping';
import { useShownPicture } from '../stage/shown';
import { Button } from '../ui/button';
import { PickPicture } from '../ui/pick-picture';
import type { InputPicture } from './form';
import { takeUp, takeUpMade } from './start-picture';
import { Taken } from './taken';

interface SlotWords { /** Of the picture. */ name: string; pick: string; /** Of the field for the file. */ file: string; remove: string }

/** `fromStage`: the one on stage may be used as well. */
export function PictureSlot({ picture, words, fromStage = false, onChange }: { picture: InputPicture | null; words: SlotWords; fromStage?: boolean; onChange: (picture: InputPicture | null) => void }) {
  const { t } = useTranslation();
  const over = useDragging((state) => state.over);
  const shown = useShownPicture();
  const take = async (taken: Promise<InputPicture | null>) => {
    const next = await taken;
    if (next) onChange(next);
  };
  return (
    <div {...dropsTo((file) => void take(takeUp(file)))} className={clsx('rounded-card', over && 'outline-2 outline-offset-2 outline-accent outline-dashed')}>
      {picture ? <Taken picture={picture} name={words.name} removeLabel={words.remove} onRemove={() => onChange(null)} /> : (
        <div className="flex flex-wrap gap-2">
          <PickPicture label={words.pick} fileLabel={words.file} onPick={(file) => void take(takeUp(file))} />
          {fromStage && shown && <Button look="quiet" onClick={() => void take(takeUpMade(shown))}>{t('start.useThis')}</Button>}
        </div>
      )}
    </div>
  );
}
