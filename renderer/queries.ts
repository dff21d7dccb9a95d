// What the window knows of the studio, fetched once and kept fresh: machine, models, settings, library.
import { QueryClient, useInfiniteQuery, useQuery, type InfiniteData } from '@tanstack/react-query';
import type { PicturePage } from '../preload/contract/picture';
import { api } from './api';

export const queryClient = new QueryClient({
  defaultOptions: { queries: { staleTime: 30_000, retry: 1, refetchOnWindowFocus: false, networkMode: 'always' }, mutations: { networkMode: 'always' } },
});

const pageSize = 60;
type LibraryPages = InfiniteData<PicturePage, number | null>;

export const useMachine = () => useQuery({ queryKey: ['machine'], queryFn: () => api.machine.query(), refetchInterval: 10_000 });
export const useModels = () => useQuery({ queryKey: ['models'], queryFn: () => api.models.list.query() });
/** Files that go beside a model: VAEs, text encoders, LoRAs, controls, upscalers. */
export const useParts = () => useQuery({ queryKey: ['parts'], queryFn: () => api.models.parts.query() });
export const useStyles = () => useQuery({ queryKey: ['styles'], queryFn: () => api.styles.list.query() });
export const useSettings = () => useQuery({ queryKey: ['settings'], queryFn: () => api.settings.get.query() });

/** Files came, went or are used otherwise. */
export const modelsChanged = () => Promise.all([['models'], ['parts'], ['estimate'], ['prompt-loras']].map((queryKey) => queryClient.invalidateQueries({ queryKey })));

const allPictures = ({ pages }: LibraryPages) => ({ pictures: pages.flatMap((page) => page.pictures), unreadable: pages.flatMap((page) => page.unreadable) });

/** Newest first, a page at a time. */
export const useLibrary = () => useInfiniteQuery({
  queryKey: ['library'],
  queryFn: ({ pageParam }) => api.library.page.query({ before: pageParam, limit: pageSize }),
  initialPageParam: null as number | null,
  getNextPageParam: (last) => last.next,
  staleTime: Infinity,
  select: allPictures,
});

/** What is wrong with a picture's file by now; undefined until that is known. */
export const useDamage = (id: string) => useQuery({ queryKey: ['damage', id], queryFn: async () => (await api.library.get.query({ id })).damage ?? 'gone', staleTime: 0, retry: 0 }).data;

/** A picture that has just been made, put at the head of what is already loaded. */
export async function takeUpPicture(id: string): Promise<void> {
  const picture = await queryClient.fetchQuery({ queryKey: ['picture', id], queryFn: () => api.library.get.query({ id }) });
  queryClient.setQueryData<LibraryPages>(['library'], (data) => {
    const [first, ...rest] = data?.pages ?? [];
    if (!data || !first || data.pages.some((page) => page.pictures.some((known) => known.id === id))) return data;
    return { ...data, pages: [{ ...first, pictures: [picture, ...first.pictures], total: first.total + 1 }, ...rest] };
  });
}

export function forgetPicture(id: string): void {
  queryClient.setQueryData<LibraryPages>(['library'], (data) => data && {
    ...data, pages: data.pages.map((page) => ({ ...page, total: page.total - 1, pictures: without(page.pictures, id), unreadable: without(page.unreadable, id) })),
  });
}

const without = <T extends { id: string }>(pictures: T[], id: string): T[] => pictures.filter((picture) => picture.id !== id);
