// A picture whose record cannot be read, on stage: the file itself where it is there, why it is shown so, and what can be done.
import { useTranslation } from 'react-i18next';
import type { UnreadablePicture } from '../../preload/contract/picture';
import { pictureUrl } from '../api';
import { whyUnreadable } from '../strip/why-unreadable';
import { Button } from '../ui/button';
import { unreadableActions } from './actions';

export function UnreadableView({ picture }: { picture: UnreadablePicture }) {
  const { t } = useTranslation();
  return (
    <div className="flex h-full flex-col items-center justify-center gap-4">
      <img key={picture.id} src={pictureUrl(picture.id)} alt="" draggable={false} onError={({ currentTarget }) => { currentTarget.hidden = true; }} className="min-h-0 max-w-full rounded-picture bg-panel object-contain shadow-2xl shadow-shade" />
      <div className="flex max-w-lg flex-col gap-1 text-center">
        <p className="font-medium">{whyUnreadable(picture.why)}</p>
        <p className="text-dim">{t('unreadable.kept')}</p>
        <p className="text-hint break-all text-dim select-text">{picture.path}</p>
      </div>
      <div className="flex gap-2">
        {unreadableActions.map(({ id, run }) => <Button key={id} onClick={() => run(picture)}>{t(`actions.item.${id}`)}</Button>)}
      </div>
    </div>
  );
}
