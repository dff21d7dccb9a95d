// Files that go beside a model: which are here, and which of them it can use.
import { familyNames } from '../../preload/contract/vocabulary';
import type { ModelEntry } from '../../preload/contract/model';
import { queryClient } from '../queries';

type Based = Pick<ModelEntry, 'madeFor'>;

export const familyShort = (family: string): string => familyNames[family]?.short ?? family;

/** The family that a file is made for, where the model is of another one. */
export const otherBase = ({ madeFor }: Based, model: Pick<ModelEntry, 'family'> | undefined): string | null =>
  (madeFor !== undefined && model?.family && madeFor !== model.family ? madeFor : null);

/** Those chosen whose files are here and can be used; all, while the list is on its way. */
export function usableWith<T extends { id: string }>(chosen: readonly T[], model: ModelEntry): T[] {
  const parts = queryClient.getQueryData<ModelEntry[]>(['parts']);
  return chosen.filter(({ id }) => {
    const file = parts?.find((part) => part.id === id);
    return !parts || (file !== undefined && otherBase(file, model) === null);
  });
}
