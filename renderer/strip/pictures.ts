// The library's pictures as the window shows them: without those that are about to be deleted, which can still be brought back.
import { create } from 'zustand';
import type { PictureRecord } from '../../preload/contract/picture';
import { api, errorInfoOf } from '../api';
import { t } from '../i18n';
import { forgetPicture, useLibrary } from '../queries';
import { follow, useView } from '../stage/view';
import { toast } from '../ui/toasts';

const undoMs = 6000;
const noPictures: PictureRecord[] = [];
const useLeaving = create<{ ids: readonly string[] }>(() => ({ ids: [] }));
const stays = (id: string) => useLeaving.setState(({ ids }) => ({ ids: ids.filter((other) => other !== id) }));

export function usePictures() {
  const library = useLibrary();
  const leaving = useLeaving((state) => state.ids);
  const loaded = library.data ?? noPictures;
  const pictures = leaving.length > 0 ? loaded.filter((picture) => !leaving.includes(picture.id)) : loaded;
  return { pictures, isLoaded: library.isSuccess, fetchMore: library.hasNextPage && !library.isFetchingNextPage ? library.fetchNextPage : null };
}

/** Takes the picture out of sight, and moves it to the trash when nobody wanted it back for a while. */
export function deletePicture(picture: PictureRecord): void {
  const { id } = picture;
  useLeaving.setState(({ ids }) => ({ ids: [...ids, id] }));
  if (useView.getState().chosen === id) follow();
  const timer = setTimeout(() => void remove(id), undoMs);
  const undo = () => {
    clearTimeout(timer);
    stays(id);
  };
  toast(t('actions.deleted'), { action: { label: t('common.undo'), run: undo }, holdMs: undoMs - 300 });
}

async function remove(id: string): Promise<void> {
  try {
    await api.library.remove.mutate({ id });
    forgetPicture(id);
  } catch (thrown) {
    toast(errorInfoOf(thrown).message);
  }
  stays(id);
}
