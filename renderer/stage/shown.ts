// The picture that is looked at: the chosen one, else the newest.
import { useQuery } from '@tanstack/react-query';
import type { PictureRecord, UnreadablePicture } from '../../preload/contract/picture';
import { api } from '../api';
import { usePictures } from '../strip/pictures';
import { useView } from './view';

/** null while there is none, or while a chosen one that is not in the strip's loaded pages is fetched. The newest stands in for one that is gone. */
export function useShownPicture(): PictureRecord | null {
  const chosen = useView((view) => view.chosen);
  const { pictures } = usePictures();
  const known = chosen === null ? pictures[0] : pictures.find((picture) => picture.id === chosen);
  const { data, isError } = useQuery({ queryKey: ['picture', chosen], queryFn: () => api.library.get.query({ id: chosen ?? '' }), enabled: chosen !== null && !known });
  return known ?? data ?? (isError ? pictures[0] : null) ?? null;
}

/** The chosen one, where its record cannot be read. */
export function useShownUnreadable(): UnreadablePicture | null {
  const chosen = useView((view) => view.chosen);
  return usePictures().unreadable.find(({ id }) => id === chosen) ?? null;
}
