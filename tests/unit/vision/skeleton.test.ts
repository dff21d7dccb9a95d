// The skeleton is OpenCV's to the pixel, and OpenPose's points are where they belong; what is written down is read again.
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { readPoses, writePoses } from '../../../main/engine/vision/openpose-json';
import { bodyOf, drawPoses, NECK, type Spot } from '../../../main/engine/vision/skeleton';

const { width, height, poses } = JSON.parse(readFileSync(new URL('../../golden/vision/skeletons.json', import.meta.url), 'utf8')) as { width: number; height: number; poses: { body: Spot[]; hand: Spot[] }[] };

test.each(poses.map((pose, i) => ({ ...pose, i })))('drawing $i is OpenCV\'s, also beyond the edges', async ({ body, hand, i }) => {
  const drawn = drawPoses([{ body, ...(i % 2 === 1 && { rightHand: hand }) }], width, height);
  const theirs = await sharp(new URL(`../../golden/vision/skeleton-${i}.png`, import.meta.url).pathname).raw().toBuffer();
  expect(Buffer.compare(drawn.rgb, theirs)).toBe(0);
});

test('nobody is black', () => { expect(drawPoses([], 4, 3)).toEqual({ width: 4, height: 3, rgb: new Uint8Array(36) }); });

test('COCO\'s points as OpenPose\'s: the neck half-way between the shoulders, and nothing of what is not seen', () => {
  const points = Array.from({ length: 17 }, (_, i) => ({ x: i, y: 10 * i, score: i === 9 ? 0.1 : 0.9 })), body = bodyOf(points);
  expect(body.map((spot) => spot?.x)).toEqual([0, 5.5, 6, 8, 10, 5, 7, undefined, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3]);
  expect(body[NECK]).toEqual({ x: 5.5, y: 55 });
  expect(bodyOf(points.map((point, i) => (i === 5 ? { ...point, score: 0 } : point)))[NECK]).toBeNull();
});

describe('written down', () => {
  const written = { width, height, poses: [{ body: poses[0]!.body, leftHand: poses[0]!.hand, rightHand: undefined, face: undefined }, { body: poses[1]!.body, leftHand: undefined, rightHand: undefined, face: undefined }] };
  test('and read again', () => { expect(readPoses(writePoses(written))).toEqual(written); });
  test('in OpenPose\'s names', () => {
    const { people: [person], canvas_width } = JSON.parse(writePoses(written)) as { people: Record<string, number[]>[]; canvas_width: number };
    expect([person!['pose_keypoints_2d']!.length, person!['hand_left_keypoints_2d']!.length, person!['face_keypoints_2d'], canvas_width]).toEqual([54, 63, undefined, width]);
  });
  test('as shares of the canvas, and in a list', () => {
    const shares = [{ people: [{ pose_keypoints_2d: [0.5, 0.25, 1, ...Array<number>(51).fill(0)] }], canvas_width: 200, canvas_height: 400 }];
    expect(readPoses(JSON.stringify(shares)).poses[0]!.body.slice(0, 2)).toEqual([{ x: 100, y: 100 }, null]);
  });
  test('as OpenPose\'s body of 25, and without a canvas', () => {
    const body25 = Array.from({ length: 25 }, (_, i) => [10 * i + 2, 5, 0.5]).flat();
    expect(readPoses(JSON.stringify({ people: [{ pose_keypoints_2d: body25 }] }), { width: 300, height: 200 }).poses[0]!.body.map((spot) => spot!.x)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18].map((i) => 10 * i + 2));
  });
  test.each<[string, unknown, string]>([
    ['no JSON', '{', 'people'], ['nobody', '{}', 'people'], ['no canvas', '{"people":[]}', 'canvas_width'], ['a canvas of nothing', '{"people":[],"canvas_width":0,"canvas_height":9}', 'canvas_width'],
    ['too few points', '{"people":[{"pose_keypoints_2d":[1,2,3]}],"canvas_width":9,"canvas_height":9}', 'people[0].pose_keypoints_2d'],
    ['a point that is no number', `{"people":[{"hand_left_keypoints_2d":[${Array(62).fill(0).join()},"x"]}],"canvas_width":9,"canvas_height":9}`, 'people[0].hand_left_keypoints_2d'],
    ['null', 'null', 'people'],
  ])('%s is refused by name', (_, text, field) => { expect(() => readPoses(text as string)).toThrow(expect.objectContaining({ code: 'request.invalid', data: expect.objectContaining({ field }) as unknown })); });
});
