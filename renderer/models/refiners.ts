// Models that finish what another began: only SDXL has them.
import type { ModelEntry } from '../../preload/contract/model';

/** Those that can go on with what the model of this id begins; none for other families. */
export function refinersFor(models: readonly ModelEntry[], id: string | null): readonly ModelEntry[] {
  if (models.find((model) => model.id === id)?.family !== 'sdxl') return [];
  return models.filter((model) => model.family === 'sdxl-refiner' && model.runnable);
}
