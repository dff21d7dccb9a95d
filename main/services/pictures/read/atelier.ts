// Our own pictures: the whole job, as it was.
import { slotEntries, slotOf } from '../../../../preload/contract/file-slots';
import { JobSpec } from '../../../../preload/contract/job';
import { parseJsonObject } from './json';
import { lorasOf } from './lora-tags';
import type { Reader, Reading } from './reading';
import { jobResources, resource } from './resources';

export const readAtelier: Reader = ({ texts }) => {
  const own = JobSpec.safeParse(parseJsonObject(texts.get('atelier'))).data;
  return own ? { ...readingOfJob(own), used: ['atelier', 'parameters'] } : null;
};

/** A job of ours as a picture of it tells it. */
export function readingOfJob({ files, refiner, ...rest }: JobSpec): Omit<Reading, 'used'> {
  const { model, vae, textEncoders } = files;
  const job = {
    loras: lorasOf(rest.prompt), ...rest, model, ...(vae && { vae: vae.name, vaeHash: vae.hash }), ...(textEncoders && { textEncoders }),
    ...(refiner && files.refiner && { refiner: { model: files.refiner, switchAt: refiner.switchAt } }), extra: {},
  };
  const named = slotEntries(files).flatMap(([slot, { name, hash }]) => resource(slotOf(slot).kinds[0]!, name, hash));
  return { source: 'atelier', job, resources: [...named, ...jobResources({ loras: job.loras })] };
}
