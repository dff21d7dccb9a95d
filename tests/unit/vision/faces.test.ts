// Faces are found where they are, at any size, several, and none where there is none.
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { overlap, type Box } from '../../../main/engine/vision/squares';
import { Vision } from '../../../main/engine/vision/vision';
import { openEmbedded } from '../../../main/files/embedded-models';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { crowd, photograph } from '../../support/photographs';

const vision = new Vision(ortRuntime({ threads: 2 }), openEmbedded);
afterAll(() => vision.close());

/** Where the library finds it in the astronaut's photograph of 512×512. */
const references = JSON.parse(readFileSync(new URL('../../golden/vision/references.json', import.meta.url), 'utf8')) as { 'ssd.astronaut': { score: number; box: Box }; 'landmarks.astronaut': [number, number][] };
const { score: known, box: face } = references['ssd.astronaut'];
const faceIn = (x: number, y: number, side: number, mirrored = false): Box => {
  const scale = side / 512, left = mirrored ? 512 - face.x - face.width : face.x;
  return { x: x + left * scale, y: y + face.y * scale, width: face.width * scale, height: face.height * scale };
};

test('the astronaut: box, score and points are the library\'s', async () => {
  const faces = await vision.faces(await photograph('astronaut'));
  expect(faces.length).toBe(1);
  const [{ box, score, landmarks }] = faces as [(typeof faces)[number]];
  for (const side of ['x', 'y', 'width', 'height'] as const) expect(Math.abs(box[side] - face[side])).toBeLessThan(0.05);
  expect(score).toBeCloseTo(known, 4);
  // The library resizes without averaging.
  const distances = landmarks.map(({ x, y }, i) => Math.hypot(x - references['landmarks.astronaut'][i]![0], y - references['landmarks.astronaut'][i]![1]));
  expect(landmarks.length).toBe(68);
  expect(Math.max(...distances)).toBeLessThan(2);
});

test('several, in a wide picture, of several sizes', async () => {
  const places = [{ x: 20, y: 60, side: 420 }, { x: 480, y: 10, side: 300, mirrored: true }, { x: 820, y: 200, side: 180 }];
  const faces = await vision.faces(await crowd(1040, 500, places));
  expect(faces.length).toBe(3);
  for (const { x, y, side, mirrored } of places) expect(Math.max(...faces.map(({ box }) => overlap(box, faceIn(x, y, side, mirrored))))).toBeGreaterThan(0.6);
});

test('one that fills the picture', async () => {
  const { x, y, width, height } = face, close = await photograph('astronaut', (picture) => picture.extract({ left: Math.round(x), top: Math.round(y), width: Math.round(width), height: Math.round(height) }).resize(480, 600, { fit: 'fill' }));
  const faces = await vision.faces(close);
  expect(faces.length).toBe(1);
  expect(overlap(faces[0]!.box, { x: 0, y: 0, width: 480, height: 600 })).toBeGreaterThan(0.7);
});

test('a small picture, and a tall one', async () => {
  const small = await vision.faces(await photograph('astronaut', (picture) => picture.resize(128)));
  expect(small.map(({ box }) => overlap(box, faceIn(0, 0, 128)) > 0.5)).toEqual([true]);
  const tall = await vision.faces(await crowd(300, 1500, [{ x: 0, y: 1100, side: 300 }]));
  expect(tall.map(({ box }) => overlap(box, faceIn(0, 1100, 300)) > 0.5)).toEqual([true]);
});

describe('none', () => {
  test.each(['chelsea', 'coffee'] as const)('in %s', async (name) => { expect(await vision.faces(await photograph(name))).toEqual([]); });
  test('in one colour, in one pixel', async () => {
    for (const side of [1, 200]) expect(await vision.faces({ width: side, height: side, rgb: new Uint8Array(3 * side * side).fill(120) })).toEqual([]);
  });
  test('that is as sure as is asked for', async () => { expect(await vision.faces(await photograph('astronaut'), { confidence: 0.99 })).toEqual([]); });
});
