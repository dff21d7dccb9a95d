// The files that a job names, found among those that are here.
import type { JobRequest, JobSpec } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import { t } from '../i18n';
import { queryClient } from '../queries';

export const knownModels = (): readonly ModelEntry[] => queryClient.getQueryData<ModelEntry[]>(['models']) ?? [];
const knownParts = (): readonly ModelEntry[] => queryClient.getQueryData<ModelEntry[]>(['parts']) ?? [];

/** By ids. A part that the job does not name was the model's own. */
interface JobFiles extends Required<Pick<JobRequest, 'vae' | 'textEncoders'>> {
  model: string | undefined;
  refiner: JobRequest['refiner'];
  /** A sentence that names the first that is not here, or null. */
  missing: string | null;
}

export function filesOf({ model: named, refiner, vae, textEncoders = [] }: JobSpec): JobFiles {
  const models = knownModels().filter(({ runnable }) => runnable), parts = [...knownParts(), ...models];
  const model = find(named, models), second = refiner && find(refiner.model, models);
  const ownVae = vae && find(vae, parts), texts = textEncoders.map((text) => find(text, parts));
  const gone = !model ? named : refiner && !second ? refiner.model : undefined;
  const partGone = vae && !ownVae ? vae : textEncoders[texts.indexOf(undefined)];
  return {
    model: model?.id, refiner: refiner && second && { ...refiner, model: second.id }, vae: ownVae?.id ?? null, textEncoders: texts.flatMap((text) => text?.id ?? []),
    missing: gone ? t('errors.modelGone', { name: gone.name }) : partGone ? t('errors.partGone', { name: partGone.name }) : null,
  };
}

/** By its hash, else by its name while a file has not been hashed. Names of VAEs have their ending. */
function find({ name, hash }: JobSpec['model'], among: readonly ModelEntry[]): ModelEntry | undefined {
  return among.find((entry) => hash !== null && entry.hash === hash) ?? among.find((entry) => entry.name === name || entry.path.split(/[\\/]/).at(-1) === name);
}
