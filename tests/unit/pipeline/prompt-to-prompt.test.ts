// Attending as another picture does: the hooks against the maps written out, and on whole networks of every family.
import { describe, expect, test } from 'vitest';
import { Graph } from '../../../main/engine/graph/graph';
import { attention } from '../../../main/engine/nn/layers';
import type { UnetConfig } from '../../../main/engine/families/unet';
import { maskOf } from '../../../main/engine/pipeline/local-blend';
import { composeModel, type Model } from '../../../main/engine/pipeline/model';
import { attendAsSource, type WordsTaken } from '../../../main/engine/pipeline/prompt-to-prompt';
import { watchWords } from '../../../main/engine/pipeline/word-maps';
import type { UnetCall } from '../../../main/engine/pipeline/extensions';
import { float32, sizeOf, type Dims, type Tensor } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { randomFamilyCheckpoint, tinyFamilies } from '../../support/checkpoints';
import { randomValues } from '../../support/weights';

const random = (dims: Dims, seed: number): Tensor => float32(dims, Float32Array.from(randomValues(sizeOf(dims), seed)));
const identity = (n: number): Tensor => float32([n, n], Float32Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0)));
const filled = (dims: Dims, value: number): Tensor => { const out = float32(dims); out.data.fill(value); return out; };
const nothing = (n: number): WordsTaken => ({ taken: float32([n, n]), own: filled([n, 1], 1) });
const everything = (n: number): WordsTaken => ({ taken: identity(n), own: float32([n, 1]) });
const ort = ortRuntime({ threads: 1 });

/** softmax(q·kᵀ/√d) of one row and head: q and k [rows, L, heads·d]. */
function map(q: Tensor, k: Tensor, row: number, head: number, heads: number): number[][] {
  const [, lq, width] = q.dims as [number, number, number], lk = k.dims[1]!, d = width / heads;
  return Array.from({ length: lq }, (_, i) => {
    const scores = Array.from({ length: lk }, (_unused, j) => Array.from({ length: d }, (_also, c) => q.data[(row * lq + i) * width + head * d + c]! * k.data[(row * lk + j) * width + head * d + c]!).reduce((a, b) => a + b, 0) / Math.sqrt(d));
    const e = scores.map(Math.exp), sum = e.reduce((a, b) => a + b, 0);
    return e.map((value) => value / sum);
  });
}

describe('an attention', () => {
  const heads = 2, width = 8, tokens = 5, places = 6, batch = 4;
  const call = { rows: ['cond', 'uncond', 'cond', 'uncond'], sigma: 1, progress: 0, condition: { context: float32([batch, tokens, 3]) } } as unknown as UnetCall;

  async function attended(path: string, lk: number, words: WordsTaken, self: boolean): Promise<{ q: Tensor; k: Tensor; v: Tensor; out: Tensor }> {
    const extension = attendAsSource({ words: () => words, self: () => self });
    const g = new Graph('attention', extension.hooks({ batch, height: 1, width: 1, tokens }, {} as UnetConfig));
    const q = random([batch, places, width], 1), k = random([batch, lk, width], 2), v = random([batch, lk, width], 3);
    const value = (name: string, { dims }: Tensor) => g.input(name, 'float32', dims);
    g.output('out', attention(g, { path, q: value('q', q), k: value('k', k), v: value('v', v), heads }));
    const session = await ort.open(g), fed = Object.fromEntries(Object.entries(await extension.feeds(call)).filter(([name]) => g.inputs.some((input) => input.name === name)));
    const { out } = await session.run({ q, k, v, ...fed });
    await session.close();
    return { q, k, v, out: out! };
  }
  /** Row 2, the edited picture's with the prompt, from a map for each head. */
  const expectEdited = ({ v, out }: { v: Tensor; out: Tensor }, mapOf: (head: number) => number[][]): void => {
    const lk = v.dims[1]!, d = width / heads;
    for (let head = 0; head < heads; head++) mapOf(head).forEach((row, i) => {
      for (let c = head * d; c < (head + 1) * d; c++) expect(out.data[(2 * places + i) * width + c]).toBeCloseTo(row.reduce((sum, share, j) => sum + share * v.data[(2 * lk + j) * width + c]!, 0), 5);
    });
  };

  test("to the text: the edited picture's map is the source's columns as they are taken, and what is left of its own", async () => {
    const taken = float32([tokens, tokens]), own = float32([tokens, 1], Float32Array.of(0, 1, 0, 0.25, -2));
    for (const [from, to, share] of [[0, 0, 1], [3, 2, 0.5], [1, 2, 2], [2, 3, 0.75]] as const) taken.data[from * tokens + to] = share;
    const run = await attended('x.attn2', tokens, { taken, own }, true);
    expectEdited(run, (head) => {
      const source = map(run.q, run.k, 0, head, heads), edited = map(run.q, run.k, 2, head, heads);
      return edited.map((row, i) => row.map((share, to) => share * own.data[to]! + source[i]!.reduce((sum, value, from) => sum + value * taken.data[from * tokens + to]!, 0)));
    });
  });
  test("of the picture to itself: the source's map over the edited picture's values", async () => {
    const run = await attended('x.attn1', places, nothing(tokens), true);
    expectEdited(run, (head) => map(run.q, run.k, 0, head, heads));
  });
  test.each(['x.attn1', 'x.attn2'])('%s is left alone to the bit where nothing is taken; the source and the sides without prompt always are', async (path) => {
    const lk = path === 'x.attn1' ? places : tokens, plain = await attended('x.attn1.never', lk, nothing(tokens), false), off = await attended(path, lk, nothing(tokens), false), on = await attended(path, lk, everything(tokens), true);
    expect([...off.out.data]).toEqual([...plain.out.data]);
    for (const row of [0, 1, 3]) expect([...on.out.data.slice(row * places * width, (row + 1) * places * width)]).toEqual([...plain.out.data.slice(row * places * width, (row + 1) * places * width)]);
    expect([...on.out.data]).not.toEqual([...plain.out.data]);
  });
});

/** Of the level that is nearest to 16×16 and reads text. */
const side = { sd1: 8, sd2: 8, sdxl: 4, 'sdxl-refiner': 4 };

describe.each(Object.keys(tinyFamilies) as (keyof typeof tinyFamilies)[])('a whole network of %s', (family) => {
  async function withModel<T>(use: (model: Model, ask: (batch: number, rows: UnetCall['rows'], extensions?: Parameters<Model['predict']>[4]) => Promise<Tensor>) => Promise<T>): Promise<T> {
    const file = await openWeightFile(await randomFamilyCheckpoint(tinyFamilies[family])), model = composeModel({ unet: file, text: file, vae: file }, ort);
    const { contextDim, inChannels, vectorDim } = model.unet, one = random([1, inChannels, 8, 8], 1), contexts = random([4, 77, contextDim], 2), y = random([4, vectorDim], 3);
    const ask = (batch: number, rows: UnetCall['rows'], extensions: Parameters<Model['predict']>[4] = []): Promise<Tensor> => {
      const x = float32([batch, inChannels, 8, 8], Float32Array.from({ length: batch * one.data.length }, (_, i) => one.data[i % one.data.length]!));
      const part = ({ dims, data }: Tensor): Tensor => float32([batch, ...dims.slice(1)], data.slice(0, (batch * data.length) / 4));
      return model.predict(x, filled([batch], 500), { context: part(contexts), ...(vectorDim > 0 && { y: part(y) }) }, { rows, sigma: 2, progress: 0.5 }, extensions);
    };
    try { return await use(model, ask); } finally { await model.close(); }
  }
  const rows = ['cond', 'uncond', 'cond', 'uncond'] as const;

  test('taking nothing changes nothing, and taking everything changes the edited picture alone', async () => {
    await withModel(async (_, ask) => {
      const plain = await ask(4, rows), off = await ask(4, rows, [attendAsSource({ words: () => nothing(77), self: () => false })]), on = await ask(4, rows, [attendAsSource({ words: () => everything(77), self: () => true })]);
      const row = ({ data }: Tensor, i: number): number[] => [...data.slice((i * data.length) / 4, ((i + 1) * data.length) / 4)];
      expect([...off.data]).toEqual([...plain.data]);
      for (const i of [0, 1, 3]) expect(row(on, i)).toEqual(row(plain, i));
      expect(row(on, 2)).not.toEqual(row(plain, 2));
    });
  });
  test('what each word attended to is told and changes nothing', async () => {
    await withModel(async (_, ask) => {
      const told: Tensor[] = [], plain = await ask(2, ['cond', 'uncond']), watch = (): Promise<Tensor> => ask(2, ['cond', 'uncond'], [watchWords((shares) => { told.push(shares); })]);
      expect([...(await watch()).data]).toEqual([...plain.data]);
      await watch();                                   // by another watcher, whose hooks nobody has asked: the graph is open
      const [shares, again] = told as [Tensor, Tensor];
      expect(again).toEqual(shares);
      expect(shares.dims).toEqual([2, side[family], side[family], 77]);
      for (let place = 0; place < 2 * side[family] ** 2; place++) expect(shares.data.slice(place * 77, (place + 1) * 77).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
    });
  });
});

test('the mask of a blend: places near those that stand out, of either picture, stretched to the latents', () => {
  const sums = float32([2, 4, 4]);
  sums.data[0] = 10;
  sums.data[2] = 2;                                    // 0.2 of the highest
  sums.data[16 + 15] = 0.5;                            // the highest of its own picture
  const rows = (mask: Tensor): string[] => Array.from({ length: mask.dims[2]! }, (_, y) => [...mask.data.slice(y * mask.dims[3]!, (y + 1) * mask.dims[3]!)].join(''));
  expect(rows(maskOf(sums, 0.3, 4, 4))).toEqual(['1100', '1100', '0011', '0011']);
  expect(rows(maskOf(sums, 0.1, 4, 4))).toEqual(['1111', '1111', '0011', '0011']);
  expect(rows(maskOf(sums, 0.3, 8, 4))).toEqual(['1100', '1100', '1100', '1100', '0011', '0011', '0011', '0011']);
  expect(rows(maskOf(float32([2, 2, 2]), 0.3, 2, 2))).toEqual(['00', '00']);
});
