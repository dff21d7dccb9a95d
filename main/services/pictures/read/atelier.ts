// Our own pictures: the whole job, as it was.
import { slotEntries, slotOf } from '../../../../preload/contract/file-slots';
import { AnyJob, type LoraUse, type NamedFile } from '../../../../preload/contract/job';
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { withoutLoraTags } from '../../../engine/text/prompt-syntax';
import { parseJsonObject } from './json';
import { lorasOf } from './lora-tags';
import type { Reader, Reading } from './reading';
import { jobResources, resource } from './resources';

export const readAtelier: Reader = ({ texts }) => {
  const own = AnyJob.safeParse(parseJsonObject(texts.get('atelier'))).data;
  return own ? { ...readingOfJob(own), used: ['atelier', 'atelier-picture', 'parameters'] } : null;
};

const asNamed = ({ unet, text, ...more }: LoraUse, { name, hash }: NamedFile): PictureJob['loras'][number] => ({ name, weight: unet, ...(text !== unet && { textWeight: text }), hash, ...more });

/** A job of ours as a picture of it tells it. */
export function readingOfJob(own: AnyJob): Omit<Reading, 'used'> {
  if (own.kind === 'upscale') {
    const { files: { upscaler: { name, hash } }, ...upscale } = own, extra = { 'Postprocess upscale by': own.scale, 'Postprocess upscaler': name };
    return { source: 'atelier', job: { prompt: '', negative: '', loras: [], ...upscale, extra }, resources: resource('upscaler', name, hash) };
  }
  const { files, refiner, loras, controls, ...rest } = own;
  const { model, vae, textEncoders } = files;
  const job = {
    ...rest, loras: loras ? loras.map((use, i) => asNamed(use, files.loras![i]!)) : lorasOf(rest.prompt), ...(loras?.length === 0 && { prompt: withoutLoraTags(rest.prompt) }), model, ...(vae && { vae: vae.name, vaeHash: vae.hash }), ...(textEncoders && { textEncoders }), ...(controls && { controls: controls.map((control, i) => ({ ...control, model: files.controls![i]! })) }),
    ...(rest.hires && files.upscaler && { hires: { ...rest.hires, upscaler: files.upscaler.name } }),
    ...(refiner && files.refiner && { refiner: { model: files.refiner, switchAt: refiner.switchAt } }), extra: {},
  };
  const named = slotEntries(files).flatMap(([slot, { name, hash }]) => resource(slotOf(slot).kinds[0]!, name, hash));
  return { source: 'atelier', job, resources: [...named, ...jobResources({ loras: job.loras })] };
}
