// Each embedded network against its own library (tests/golden/vision/make-references.mjs): the same input, the same answer.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { buildFaceLandmarks, LANDMARK_SIDE } from '../../../main/engine/families/faces/landmarks';
import { anchorsOf, buildSsdFaces, SSD_SIDE } from '../../../main/engine/families/faces/ssd-mobilenet';
import { buildHand, HAND_SIDE } from '../../../main/engine/families/pose/hand';
import { buildMoveNet, MOVENET_SIDE } from '../../../main/engine/families/pose/movenet';
import { buildResidualDense } from '../../../main/engine/families/upscalers/residual-dense';
import type { Graph } from '../../../main/engine/graph/graph';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { boxesOf } from '../../../main/engine/vision/faces';
import { nearestCenter, pointsAt } from '../../../main/engine/vision/people';
import { openEmbedded } from '../../../main/files/embedded-models';
import { ortRuntime } from '../../../main/worker/ort-runtime';

interface Reference { readonly dims: readonly number[]; readonly every: number; readonly values: readonly number[] }
const references = JSON.parse(readFileSync(new URL('../../golden/vision/references.json', import.meta.url), 'utf8')) as Record<string, Reference>;

async function run(graph: Graph, image: Tensor): Promise<Record<string, Tensor>> {
  const session = await ortRuntime({ threads: 1 }).open(graph);
  try {
    return await session.run({ image });
  } finally {
    await session.close();
  }
}

/** As the script's. */
function waves(height: number, width: number, most: number, finish: (value: number) => number = (value) => value): Tensor {
  const image = float32([1, 3, height, width]);
  for (let i = 0; i < image.data.length; i++) {
    const c = Math.floor(i / (height * width)), y = Math.floor(i / width) % height, x = i % width;
    image.data[i] = finish(Math.fround(most * (0.5 + 0.3 * Math.sin(x * 0.13 + c) + 0.2 * Math.cos(y * 0.29 - x * 0.05 * c))));
  }
  return image;
}

/** The library's values have their channels last. */
function largestDifference(name: string, { dims, data }: Tensor): number {
  const { dims: theirs, every, values } = references[name]!, [, channels = 1, height = 1, width = 1] = dims.length === 4 ? dims : [1, 1, 1, data.length];
  expect(theirs.reduce((a, b) => a * b)).toBe(data.length);
  return Math.max(...values.map((value, k) => {
    const i = k * every, c = i % channels, place = Math.floor(i / channels);
    return Math.abs(value - data[c * height * width + place]!);
  }));
}

test('MoveNet: what it says of each place, and whom it chooses', async () => {
  const maps = await run(buildMoveNet(await openEmbedded('pose'), MOVENET_SIDE), waves(MOVENET_SIDE, MOVENET_SIDE, 255, Math.round)) as unknown as Parameters<typeof pointsAt>[0];
  expect(largestDifference('movenet.center', maps.center)).toBeLessThan(5e-5);
  expect(largestDifference('movenet.heat', maps.heat)).toBeLessThan(5e-5);
  expect(largestDifference('movenet.regress', maps.regress)).toBeLessThan(5e-3);            // places, of 48
  expect(largestDifference('movenet.offset', maps.offset)).toBeLessThan(2e-3);
  // Its own graph multiplies with 1/48 as fp16 has it, which is a four-thousandth less.
  const points = pointsAt(maps, nearestCenter(maps.center, { x: 0.5, y: 0.5 }));
  expect(largestDifference('movenet.points', float32([51], Float32Array.from(points.flatMap(({ x, y, score }) => [y, x, score]))))).toBeLessThan(4e-4);
});

test('the hand', async () => {
  const { points, presence } = await run(buildHand(await openEmbedded('hand')), waves(HAND_SIDE, HAND_SIDE, 1));
  expect(largestDifference('hand.points', points!)).toBeLessThan(1e-3);                     // pixels, of 224
  expect(largestDifference('hand.presence', presence!)).toBeLessThan(1e-5);
});

test('the face detector: every box and score', async () => {
  const model = await openEmbedded('faces'), { boxes, scores } = await run(buildSsdFaces(model), waves(SSD_SIDE, SSD_SIDE, 255));
  const found = boxesOf(boxes!, scores!, anchorsOf(model), 0);
  expect(found.length).toBe(5118);
  expect(largestDifference('ssd.scores', float32([5118], Float32Array.from(found.map(({ score }) => score))))).toBeLessThan(1e-5);
  const corners = found.flatMap(({ box: { x, y, width, height } }) => [y, x, y + height, x + width]);
  expect(largestDifference('ssd.boxes', float32([corners.length], Float32Array.from(corners)))).toBeLessThan(1e-4);
});

test('the points of a face', async () => {
  const { points } = await run(buildFaceLandmarks(await openEmbedded('faceLandmarks')), waves(LANDMARK_SIDE, LANDMARK_SIDE, 255));
  expect(largestDifference('landmarks.points', points!)).toBeLessThan(1e-5);
});

test.each([2, 3, 4, 8] as const)('the upscaler ×%i', async (scale) => {
  const image = waves(12, 16, 1), { upscaled } = await run(buildResidualDense(await openEmbedded(`upscale${scale}`), { batch: 1, height: 12, width: 16 }), image);
  expect(upscaled!.dims).toEqual([1, 3, 12 * scale, 16 * scale]);
  expect(largestDifference(`slim.x${scale}`, float32(upscaled!.dims, upscaled!.data.map((value) => value * 255)))).toBeLessThan(2e-3);      // of 255
});
