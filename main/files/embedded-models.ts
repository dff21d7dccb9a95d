// The small networks that come with Atelier (resources/models, each beside its licence).
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readTfjsModel, shardsOf, type TfjsModel } from '../engine/weights/tfjs';

/** Sources and bundles both lie two folders below the package's root. */
const folder = new URL('../../resources/models/', import.meta.url);

const files = {
  faces: 'faces/ssd_mobilenetv1_model-weights_manifest.json', faceLandmarks: 'faces/face_landmark_68_model-weights_manifest.json',
  pose: 'pose/movenet-lightning.json', hand: 'pose/handlandmark-lite.json',
  upscale2: 'upscale/x2/model.json', upscale3: 'upscale/x3/model.json', upscale4: 'upscale/x4/model.json', upscale8: 'upscale/x8/model.json',
} as const;

/** Those that make pictures larger, by the file of their weights, below the same folder. */
export const embeddedUpscalers = ([2, 3, 4] as const).map((scale) => ({ scale, model: `upscale${scale}` as const, weights: `upscale/x${scale}/group1-shard1of1.bin` }));

/** The one whose weights this is the file of. */
export const embeddedUpscalerAt = (path: string): EmbeddedModel | undefined => embeddedUpscalers.find(({ weights }) => path.replaceAll('\\', '/').endsWith(`/models/${weights}`))?.model;

export type EmbeddedModel = keyof typeof files;

/** Throws weights.* where the installation is damaged. */
export async function openEmbedded(name: EmbeddedModel): Promise<TfjsModel> {
  const url = new URL(files[name], folder), file = fileURLToPath(url), json: unknown = JSON.parse(await readFile(url, 'utf8'));
  const shards = await Promise.all(shardsOf(json, file).map((shard) => readFile(new URL(shard, url))));
  return readTfjsModel(json, Buffer.concat(shards), file);
}
