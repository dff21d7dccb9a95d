// Golden cases of networks that make pictures larger, whole and in tiles as Real-ESRGAN's own program cuts them.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { upscalerNetwork } from '../../engine/families/upscalers/network';
import { tilesOf, type Span } from '../../engine/pipeline/tiles';
import { Upscaler } from '../../engine/pipeline/upscaler';
import { openWeightFile } from '../../files/weight-file';
import { ortRuntime } from '../../worker/ort-runtime';
import { caseTensors, compareTensor, relativeTolerance } from './networks';
import type { CaseFolder, Checker } from './types';

export const checkUpscalers: Checker = async function* (folder) {
  const io = await caseTensors(join(folder.path, 'io.safetensors')), tolerance = relativeTolerance(folder);
  const files = (await readdir(folder.path)).filter((name) => name.endsWith('.safetensors') && name !== 'io.safetensors').sort();
  for (const name of files) {
    const upscaler = await open(folder, name), own = name.replace('.safetensors', ''), set = io.has(`${own}.in`) ? own : /^(?:srvgg|x\d)/.exec(own)![0];
    yield compareTensor(`${own}.out`, await upscaler.run(io.float(`${set}.in`)), io.stored(`${set}.out`), tolerance);
    await upscaler.close();
  }
  if (!io.has('tiled.in')) return;
  const { tile, pad } = folder.config['config'].tiled as { tile: number; pad: number };
  const upscaler = await open(folder, 'x4_new_basicsr.safetensors'), image = io.float('tiled.in'), [, , height, width] = image.dims as [number, number, number, number];
  const cells = (length: number): Span[] => Array.from({ length: Math.ceil(length / tile) }, (_, i) => cell(i, length, tile, pad));
  yield compareTensor('tiled.out', await upscaler.runTiles(image, tilesOf(cells(height), cells(width))), io.stored('tiled.out'), tolerance);
  yield compareTensor('tiled.untiled', await upscaler.run(image), io.stored('tiled.untiled'), tolerance);
  await upscaler.close();
};

/** Each pixel comes from one tile, which reads `pad` more on each side where the picture has them. */
function cell(i: number, length: number, tile: number, pad: number): Span {
  const start = i * tile, end = Math.min(length, start + tile);
  return { from: Math.max(0, start - pad), to: Math.min(length, end + pad), enter: [start, start], leave: [end, end] };
}

const open = async ({ path }: CaseFolder, name: string): Promise<Upscaler> => new Upscaler(upscalerNetwork(await openWeightFile(join(path, name))), ortRuntime());
