// Moves of pixels between space and channels.
import { expect, test } from 'vitest';
import { Graph, type Value } from '../../../main/engine/graph/graph';
import { pixelShuffle, pixelUnshuffle } from '../../../main/engine/nn/layers';
import { float32, sizeOf, type Dims } from '../../../main/engine/tensor';
import { ortRuntime } from '../../../main/worker/ort-runtime';

async function run(dims: Dims, build: (g: Graph, x: Value) => Value): Promise<number[]> {
  const g = new Graph('test');
  g.output('out', build(g, g.input('x', 'float32', dims)));
  const session = await ortRuntime({ threads: 1 }).open(g);
  const { out } = await session.run({ x: float32(dims, Float32Array.from({ length: sizeOf(dims) }, (_, i) => i)) });
  await session.close();
  return [...out!.data];
}

test('four channels of one pixel are a square, row by row, and each colour has its own', async () => {
  expect(await run([1, 8, 1, 1], (g, x) => pixelShuffle(g, x, 2))).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(await run([1, 4, 1, 2], (g, x) => pixelShuffle(g, x, 2))).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
});

test.each([2, 3, 4])('unfolding by %i what was folded changes nothing', async (factor) => {
  const dims = [2, 3, 2 * factor, 5 * factor];
  expect(await run(dims, (g, x) => pixelShuffle(g, pixelUnshuffle(g, x, factor), factor))).toEqual(Array.from({ length: sizeOf(dims) }, (_, i) => i));
});
