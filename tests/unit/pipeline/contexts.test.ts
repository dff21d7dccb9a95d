// Contexts of other lengths, made equally long: what the U-Net makes of it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { maxAbs } from '../../../main/cli/golden/measure';
import { evaluate, headsOf, prefixOf } from '../../../main/cli/golden/networks';
import { readCase } from '../../../main/cli/golden/read';
import { buildUnet, timestepEmbedding, unetConfig } from '../../../main/engine/families/unet';
import { repeatLast, repeatWhole } from '../../../main/engine/pipeline/contexts';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';

/** Deterministic, about −1…1. */
const wavy = (dims: readonly number[]): Tensor => float32(dims, Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i * 1.7 + (i % 13))));

test('a context that stands there three times is to the U-Net the same as once; a fill is not', async () => {
  const folder = await readCase(fileURLToPath(new URL('../../golden/cases/unet_sd15_tiny', import.meta.url)));
  const file = await openWeightFile(join(folder.path, folder.config['weights'].file));
  const config = unetConfig(file, prefixOf(folder, 'model.diffusion_model'), headsOf(folder.config['config']))!;
  const context = wavy([1, 77, config.contextDim]);
  const outputFor = async (text: Tensor): Promise<Tensor> => {
    const graph = buildUnet(file, config, { batch: 1, height: 8, width: 8, tokens: text.dims[1]! });
    return (await evaluate(ortRuntime(), graph, { x: wavy([1, 4, 8, 8]), t: timestepEmbedding([500], config.modelChannels), context: text }))['out']!;
  };
  const [once, thrice, filled] = [await outputFor(context), await outputFor(repeatWhole(context, 231)), await outputFor(repeatLast(context, 231))];
  expect(maxAbs(thrice.data, once.data)).toBeLessThan(1e-4);
  expect(maxAbs(filled.data, once.data)).toBeGreaterThan(1e-2);
});
