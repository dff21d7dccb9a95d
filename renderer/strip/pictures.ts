// The library's pictures as the window shows them: without those that are about to be deleted, which can still be brought back.
import { create } from 'zustand';
import type { PictureRecord, UnreadablePicture } from '../../preload/contract/picture';
import { api, errorInfoOf } from '../api';
import { said, t } from '../i18n';
import { forgetPicture, useLibrary } from '../queries';
import { follow, useView } from '../stage/view';
import { toast } from '../ui/toasts';

const undoMs = 6000;
const nothing: { pictures: PictureRecord[]; unreadable: UnreadablePicture[] } = { pictures: [], unreadable: [] };
const useLeaving = create<{ ids: readonly string[] }>(() => ({ ids: [] }));
const stays = (id: string) => useLeaving.setState(({ ids }) => ({ ids: ids.filter((other) => other !== id) }));

export function usePictures() {
  const library = useLibrary();
  const leaving = useLeaving((state) => state.ids);
  const loaded = library.data ?? nothing;
  const staying = <T extends { id: string }>(all: T[]): T[] => (leaving.length > 0 ? all.filter((picture) => !leaving.includes(picture.id)) : all);
  return {
    pictures: staying(loaded.pictures), /** Those whose records cannot be read. */ unreadable: staying(loaded.unreadable), isLoaded: library.isSuccess,
    fetchMore: library.hasNextPage && !library.isFetchingNextPage ? library.fetchNextPage : null,
  };
}

/** Takes the picture out of sight, and moves it to the trash when nobody wanted it back for a while. */
export function deletePicture({ id }: { id: string }): void {
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
    const { trashed } = await api.library.remove.mutate({ id });
    forgetPicture(id);
    if (!trashed) toast(t('actions.deletedForGood'), { holdMs: 8000 });
  } catch (thrown) {
    toast(said(errorInfoOf(thrown)));
  }
  stays(id);
}
