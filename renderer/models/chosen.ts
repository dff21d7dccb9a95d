// The model that the form has chosen, as the studio lists it.
import type { ModelEntry } from '../../preload/contract/model';
import { useForm } from '../generate/form';
import { useModels } from '../queries';

/** undefined while the list is on its way, and where the model has gone. */
export function useChosenModel(): ModelEntry | undefined {
  const chosen = useForm((form) => form.model);
  return useModels().data?.find((entry) => entry.id === chosen);
}
