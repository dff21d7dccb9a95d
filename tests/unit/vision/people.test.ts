// People and their points: as MoveNet itself says of one, and of several.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { COCO, SEEN, type Keypoints } from '../../../main/engine/vision/people';
import { Vision } from '../../../main/engine/vision/vision';
import { openEmbedded } from '../../../main/files/embedded-models';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { crowd, photograph } from '../../support/photographs';

const vision = new Vision(ortRuntime({ threads: 2 }), openEmbedded);
afterAll(() => vision.close());

/** MoveNet's own answer for the astronaut's photograph: y, x and score of each point, as shares of its sides. */
const { values } = (JSON.parse(readFileSync(new URL('../../golden/vision/references.json', import.meta.url), 'utf8')) as { 'movenet.astronaut': { values: number[] } })['movenet.astronaut'];
const theirs: Keypoints = Array.from({ length: 17 }, (_, i) => ({ y: values[3 * i]!, x: values[3 * i + 1]!, score: values[3 * i + 2]! }));

/** Of the points that both see, the largest distance, as a share of the picture's side. */
const furthest = (points: Keypoints, at: { x: number; y: number; side: number }): number =>
  Math.max(...points.map((point, i) => (Math.min(point.score, theirs[i]!.score) < 0.5 ? 0 : Math.hypot((point.x - at.x) / at.side - theirs[i]!.x, (point.y - at.y) / at.side - theirs[i]!.y))));

test('the astronaut: the points are where MoveNet has them', async () => {
  const people = await vision.people(await photograph('astronaut'));
  expect(people.length).toBe(1);
  const [{ points, box }] = people as [(typeof people)[number]];
  // A closer look moves them a little.
  expect(furthest(points, { x: 0, y: 0, side: 512 })).toBeLessThan(0.04);
  for (const name of ['nose', 'leftEye', 'rightEye', 'leftShoulder', 'rightShoulder'] as const) expect(points[COCO[name]]!.score).toBeGreaterThan(SEEN);
  // Her right is on our left, and her knees are not in the picture.
  expect(points[COCO.rightShoulder]!.x).toBeLessThan(points[COCO.leftShoulder]!.x);
  expect(points[COCO.leftKnee]!.score).toBeLessThan(SEEN);
  expect(box.x).toBeGreaterThan(0);
  expect(box.x + box.width).toBeLessThan(512);
});

test('several, side by side', async () => {
  const places = [{ x: 0, y: 40, side: 400 }, { x: 420, y: 0, side: 400 }, { x: 840, y: 60, side: 340 }];
  const people = await vision.people(await crowd(1200, 440, places));
  expect(people.length).toBe(3);
  for (const place of places) expect(Math.min(...people.map(({ points }) => furthest(points, place)))).toBeLessThan(0.05);
});

describe('none', () => {
  test.each(['chelsea', 'coffee'] as const)('in %s', async (name) => { expect(await vision.people(await photograph(name))).toEqual([]); });
  test('in one colour, in one pixel', async () => {
    for (const side of [1, 200]) expect(await vision.people({ width: side, height: side, rgb: new Uint8Array(3 * side * side).fill(120) })).toEqual([]);
  });
});
