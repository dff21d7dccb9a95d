// From prompts to what the U-Net is told, with encoders that are formulas.
import { expect, test } from 'vitest';
import { conditionOn, type Encoders } from '../../../main/engine/pipeline/conditioning';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';

const vocabulary = new Tokenizer(await clipMerges());

/** Two encoders of widths 2 and 3 whose states are the token's id (plus a half), and a pooled vector that counts the row. */
const encoders: Encoders = {
  encode: (rows) => {
    const states = [2, 3].map((width, n) => float32([rows.length, 77, width], Float32Array.from({ length: rows.length * 77 * width }, (_, i) => rows.flat()[Math.floor(i / width)]! + n / 2)));
    return Promise.resolve({ states, pooled: float32([rows.length, 1], Float32Array.from(rows, (_, i) => i + 1)) });
  },
  vector: (pooled, negative) => float32([1, 2], Float32Array.of(pooled!.data[0]!, negative ? 1 : 0)),
};
const textOnly: Encoders = { encode: async (rows, skip) => ({ ...await encoders.encode(rows, skip), pooled: null }), vector: () => null };
const prompts = { prompt: 'a red house', negative: '', steps: 10, clipSkip: 1, guided: true };
const token = (context: Tensor, at: number): number[] => [...context.data.slice(at * 5, at * 5 + 5)];

test('the encoders\' states stand side by side, token by token', async () => {
  const { conds } = (await conditionOn(encoders, vocabulary, prompts))(0);
  const [id] = vocabulary.encode('house');
  expect(conds[0]!.condition.context.dims).toEqual([1, 77, 5]);
  expect(token(conds[0]!.condition.context, 3)).toEqual([id, id, id! + 0.5, id! + 0.5, id! + 0.5]);
});

test('an empty negative prompt is zeros where a pooled vector is read (SDXL), and an empty text elsewhere', async () => {
  const { conds, uncond } = (await conditionOn(encoders, vocabulary, { ...prompts, prompt: '' }))(0);
  expect(uncond!.context.data.every((value) => value === 0)).toBe(true);
  expect([...uncond!.y!.data]).toEqual([0, 1]);
  expect(conds[0]!.condition.context.data[0]).toBe(vocabulary.startId);
  const elsewhere = (await conditionOn(textOnly, vocabulary, prompts))(0);
  expect(elsewhere.uncond!.context.data[0]).toBe(vocabulary.startId);
  expect(elsewhere.uncond!.y).toBeNull();
});

test('of several chunks the first gives the pooled vector, and both prompts get as many', async () => {
  const { conds, uncond } = (await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'red house, '.repeat(60), negative: 'blurry' }))(0);
  expect(conds[0]!.condition.context.dims).toEqual([1, 231, 5]);
  expect(uncond!.context.dims).toEqual([1, 231, 5]);
  expect([...conds[0]!.condition.y!.data]).toEqual([1, 0]);
});
