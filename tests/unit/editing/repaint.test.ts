// What is shown to a model of a picture that it repaints in part, and the picture that comes of its answer.
import { describe, expect, test } from 'vitest';
import { fillFromAround } from '../../../main/engine/editing/infill';
import { repaint } from '../../../main/engine/editing/repaint';
import { blendLatents, changedParts, maskAt, turnsAt } from '../../../main/engine/editing/soft';
import { stableDiffusionTable as table, tToSigma } from '../../../main/engine/sampling/model-sampling';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { Inpaint, SoftInpaint } from '../../../preload/contract/editing';
import { refusalOf } from '../../support/words';

const byte = (value: number): number => value / 127.5 - 1;
/** Every pixel another colour. */
const colours = (width: number, height: number, channels: 3 | 4 = 3): Tensor =>
  float32([1, channels, height, width], Float32Array.from({ length: channels * width * height }, (_, i) => byte((i * 37) % 256)));
const maskOf = (width: number, height: number, white: (x: number, y: number) => number): Tensor =>
  float32([1, 1, height, width], Float32Array.from({ length: width * height }, (_, i) => white(i % width, Math.floor(i / width))));
const painted = (width: number, height: number): Tensor => float32([1, 3, height, width], new Float32Array(3 * width * height).fill(0.123));
const job = { width: 64, height: 64 };

/** Indices of numbers that differ. */
const changed = (a: Tensor, b: Tensor): number[] => [...a.data.keys()].filter((i) => a.data[i] !== b.data[i]);

describe.each(['whole', 'masked'] as const)('of %s', (area) => {
  test.each([[3, 100, 80], [4, 100, 80], [3, 33, 207], [4, 64, 64]] as const)('with %i channels and %i × %i pixels, nothing that is not masked changes, and all that is does', (channels, width, height) => {
    const picture = colours(width, height, channels), white = (x: number, y: number) => (x > 10 && x < 25 && y > 30 && y < 55 ? 1 : 0);
    const { paste, init, mask } = repaint({ picture, mask: maskOf(width, height, white) }, Inpaint.parse({ area }), job);
    expect([init.dims, mask.dims]).toEqual([[1, 3, 64, 64], [1, 1, 64, 64]]);
    const out = paste(painted(64, 64)), size = width * height;
    expect(out.dims).toEqual(picture.dims);
    expect(changed(out, picture).every((i) => white(i % width, Math.floor((i % size) / width)) === 1)).toBe(true);
    for (let i = 0; i < size; i++) if (white(i % width, Math.floor(i / width))) expect(out.data[i]).toBe(Math.fround(byte(Math.round(1.123 * 127.5))));
    if (channels === 4) expect(out.data[3 * size + 40 * width + 15], 'what is new is opaque').toBe(1);
  });
  test('a blurred edge is between the two, and beyond it nothing changes', () => {
    const picture = colours(100, 80), canvas = { picture, mask: maskOf(100, 80, (x) => (x < 40 ? 1 : 0)) };
    const out = repaint(canvas, Inpaint.parse({ area, blur: 4 }), job).paste(painted(64, 64));
    expect(Math.max(...changed(out, picture).map((i) => i % 100))).toBeLessThan(50);
    expect(Math.max(...changed(out, picture).map((i) => i % 100))).toBeGreaterThan(45);
  });
});

test('of the masked part, the model is shown that part as large as the job', () => {
  const picture = colours(200, 200), { init } = repaint({ picture, mask: maskOf(200, 200, (x, y) => (x >= 80 && x < 112 && y >= 100 && y < 132 ? 1 : 0)) }, Inpaint.parse({ area: 'masked', padding: 16 }), job);
  // 64 × 64 from (64, 84): as it is, pixel by pixel.
  for (const [x, y] of [[0, 0], [63, 63], [20, 40]] as const) expect(init.data[y * 64 + x]).toBe(picture.data[(84 + y) * 200 + 64 + x]);
});

test('a mask that is black everywhere is refused, also one that shrank to nothing', async () => {
  const canvas = { picture: colours(64, 64), mask: maskOf(64, 64, (x) => (x < 3 ? 1 : 0)) }, at = async (settings: object) => repaint(canvas, Inpaint.parse(settings), job);
  expect(await refusalOf(at({ grow: -10 }))).toMatchObject({ code: 'job.emptyMask', message: expect.stringContaining('black everywhere') as string });
  await expect(at({ grow: -1 })).resolves.toBeDefined();
});

describe('the colours around fill the mask', () => {
  test('a flat picture stays flat, also far from what is kept', () => {
    const flat = float32([1, 3, 40, 90], new Float32Array(3 * 3600).fill(0.25));
    expect(fillFromAround(flat, maskOf(90, 40, (x) => (x > 10 ? 1 : 0))).data.every((value) => Math.abs(value - 0.25) < 1e-5)).toBe(true);
  });
  test('near the edge they are those of the edge, and what is kept is kept', () => {
    const halves = float32([1, 3, 60, 60], Float32Array.from({ length: 3 * 3600 }, (_, i) => (i % 60 < 30 ? -1 : 1)));
    const filled = fillFromAround(halves, maskOf(60, 60, (x) => (x >= 10 && x < 50 ? 1 : 0)));
    expect(filled.data[30 * 60 + 11]).toBeLessThan(-0.9);
    expect(filled.data[30 * 60 + 48]).toBeGreaterThan(0.9);
    expect(filled.data[30 * 60 + 5]).toBe(-1);
  });
});

describe('soft inpainting', () => {
  const soft = SoftInpaint.parse({}), mask = maskOf(4, 1, (x) => [0, 0.25, 0.5, 1][x]!);
  test("A1111's mask opens as noise goes: pow(mask, sigma^bias · preservation)", () => {
    expect([...maskAt(mask, 4, soft).data]).toEqual([0, 0.0625, 0.25, 1]);
    expect([...maskAt(mask, 0.25, { ...soft, bias: 2, preservation: 8 }).data].map((value) => value.toFixed(4))).toEqual(['0.0000', '0.5000', '0.7071', '1.0000']);
  });
  test('a blend is as long as the power mean of both, and at the ends it is the one or the other to the bit', () => {
    const [a, b] = [float32([1, 4, 1, 4], Float32Array.from({ length: 16 }, (_, i) => Math.sin(i))), float32([1, 4, 1, 4], Float32Array.from({ length: 16 }, (_, i) => Math.cos(3 * i)))];
    const out = blendLatents(a, b, mask, 4), length = (x: Tensor, i: number): number => Math.hypot(...[0, 1, 2, 3].map((c) => x.data[4 * c + i]!));
    expect([0, 1, 2, 3].map((c) => out.data[4 * c])).toEqual([0, 1, 2, 3].map((c) => a.data[4 * c]));
    expect([0, 1, 2, 3].map((c) => out.data[4 * c + 3])).toEqual([0, 1, 2, 3].map((c) => b.data[4 * c + 3]));
    expect(length(out, 1)).toBeCloseTo((0.75 * length(a, 1) ** 4 + 0.25 * length(b, 1) ** 4) ** 0.25, 4);
  });
  test('of the answer what has become another picture is taken, and none of what has not', () => {
    const original = float32([1, 4, 12, 12]), other = float32([1, 4, 12, 12], Float32Array.from({ length: 576 }, (_, i) => (i % 12 < 4 ? 2 : 0)));
    const { data } = changedParts(original, other, maskOf(12, 12, () => 1), soft, 96, 96);
    expect(data[48 * 96 + 10]).toBeGreaterThan(0.95);
    expect(data[48 * 96 + 85]).toBeLessThan(0.02);
  });
  test('in differential diffusion, white parts go first and dark ones join at the end', () => {
    const at = (t: number): number[] => [...turnsAt(mask, tToSigma(table, t), { first: tToSigma(table, 999), last: 0, table }).data];
    expect([999, 600, 400, 200].map(at)).toEqual([[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1]]);
  });
});
