// One picture on this worker, made larger: in tiles, which are its steps.
import { float32, type Tensor } from '../engine/tensor';
import { decodeKept } from '../files/decode-picture';
import type { ModelCache } from './model-cache';
import type { FromWorker, Pixels, UpscaleMessage } from './protocol';
import type { Made } from './run-job';

const now = (): number => performance.now() / 1000;

/** Throws file.*, weights.*, model.unsupported, picture.unreadable, and what `signal` throws between tiles. */
export async function upscale({ id, job: { width, height, tile }, upscaler: path, picture }: UpscaleMessage, models: ModelCache, signal: AbortSignal, send: (message: FromWorker) => void): Promise<Made> {
  const began = now();
  send({ type: 'phase', id, phase: 'loading' });
  await models.get();                                // what the last job used may make room
  const [upscaler, { image, alpha }] = await Promise.all([models.upscaler(path), decoded(picture)]);
  const perPicture = upscaler.countTiles(image, height, width, tile), steps = alpha ? 2 * perPicture : perPicture;
  send({ type: 'resumed', id, step: 0, steps });
  send({ type: 'phase', id, phase: 'running' });
  const opened = now(), seconds: number[] = [];
  let last = opened, done = 0;
  const onTile = (): void => {
    seconds.push(now() - last);
    last = now();
    send({ type: 'step', id, step: ++done, steps, seconds: seconds.at(-1)! });
  };
  const options = { tile, signal, onTile }, large = await upscaler.runTo(image, height, width, options);
  // Transparency is a picture of its own, so that its edges grow as those of the colours do.
  const mask = alpha && await upscaler.runTo(alpha, height, width, options);
  const peakBytes = process.resourceUsage().maxRSS * 1024, stepSeconds = seconds.reduce((sum, s) => sum + s, 0) / seconds.length;
  return { pixels: pixelsOf(large, mask), timings: { openSeconds: opened - began, stepSeconds, decodeSeconds: 0, peakBytes }, notices: [], embeddings: [] };
}

/** [1, 3, H, W] in 0…1 of its colours, and of its transparency where it has any: grey, three times. */
async function decoded(path: string): Promise<{ image: Tensor; alpha: Tensor | undefined }> {
  const { width, height, channels, data } = await decodeKept(path), size = width * height;
  const plane = (channel: (color: number) => number): Tensor => {
    const image = float32([1, 3, height, width]);
    for (let color = 0; color < 3; color++) for (let i = 0; i < size; i++) image.data[color * size + i] = data[channels * i + channel(color)]! / 255;
    return image;
  };
  let isOpaque = true;
  for (let i = 3; i < data.length && channels === 4 && isOpaque; i += 4) isOpaque = data[i] === 255;
  return { image: plane((color) => color), alpha: isOpaque ? undefined : plane(() => 3) };
}

function pixelsOf({ dims: [, , height = 0, width = 0], data }: Tensor, mask: Tensor | undefined): Pixels {
  const size = width * height, rgb = new Uint8Array(3 * size), byte = (value: number): number => Math.round(255 * value);
  for (let color = 0; color < 3; color++) for (let i = 0; i < size; i++) rgb[3 * i + color] = byte(data[color * size + i]!);
  // The three answers for one grey differ a little.
  const alpha = mask && Uint8Array.from({ length: size }, (_, i) => byte((mask.data[i]! + mask.data[size + i]! + mask.data[2 * size + i]!) / 3));
  return { width, height, rgb, ...(alpha && { alpha }) };
}
