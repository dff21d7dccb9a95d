// From prompts to what the U-Net is told, with encoders that are formulas.
import { expect, test } from 'vitest';
import { conditionOn, type Encoders } from '../../../main/engine/pipeline/conditioning';
import type { Inserts } from '../../../main/engine/pipeline/model';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { WordIndex, type Embedding, type EmbeddingLibrary } from '../../../main/engine/text/embeddings';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';

const vocabulary = new Tokenizer(await clipMerges());

/** Two encoders of widths 2 and 3 whose states are the token's id (plus a half), and a pooled vector that counts the row. */
const encoders: Encoders = {
  widths: [2, 3],
  encode: (rows) => {
    const states = [2, 3].map((width, n) => float32([rows.length, 77, width], Float32Array.from({ length: rows.length * 77 * width }, (_, i) => rows.flat()[Math.floor(i / width)]! + n / 2)));
    return Promise.resolve({ states, pooled: float32([rows.length, 1], Float32Array.from(rows, (_, i) => i + 1)) });
  },
  vector: (pooled, negative) => float32([1, 2], Float32Array.of(pooled!.data[0]!, negative ? 1 : 0)),
};
const textOnly: Encoders = { widths: [2, 3], encode: async (rows, skip) => ({ ...await encoders.encode(rows, skip), pooled: null }), vector: () => null };
const prompts = { prompt: 'a red house', negative: '', steps: 10, clipSkip: 1, guided: true };
const token = (context: Tensor, at: number): number[] => [...context.data.slice(at * 5, at * 5 + 5)];

test('the encoders\' states stand side by side, token by token', async () => {
  const { conds } = (await conditionOn(encoders, vocabulary, prompts)).at(0);
  const [id] = vocabulary.encode('house');
  expect(conds[0]!.condition.context.dims).toEqual([1, 77, 5]);
  expect(token(conds[0]!.condition.context, 3)).toEqual([id, id, id! + 0.5, id! + 0.5, id! + 0.5]);
});

test('an empty negative prompt is zeros where a pooled vector is read (SDXL), and an empty text elsewhere', async () => {
  const { conds, uncond } = (await conditionOn(encoders, vocabulary, { ...prompts, prompt: '' })).at(0);
  expect(uncond!.context.data.every((value) => value === 0)).toBe(true);
  expect([...uncond!.y!.data]).toEqual([0, 1]);
  expect(conds[0]!.condition.context.data[0]).toBe(vocabulary.startId);
  const elsewhere = (await conditionOn(textOnly, vocabulary, prompts)).at(0);
  expect(elsewhere.uncond!.context.data[0]).toBe(vocabulary.startId);
  expect(elsewhere.uncond!.y).toBeNull();
});

test('of several chunks the first gives the pooled vector, and both prompts get as many', async () => {
  const { conds, uncond } = (await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'red house, '.repeat(60), negative: 'blurry' })).at(0);
  expect(conds[0]!.condition.context.dims).toEqual([1, 231, 5]);
  expect(uncond!.context.dims).toEqual([1, 231, 5]);
  expect([...conds[0]!.condition.y!.data]).toEqual([1, 0]);
});

test('brackets do what the job says: weight with or without the mean kept, nothing, or they are text', async () => {
  const contextOf = async (prompt: string, emphasis?: 'original' | 'no_norm' | 'ignore' | 'none') =>
    (await conditionOn(encoders, vocabulary, { ...prompts, prompt, guided: false, emphasis })).at(0).conds[0]!.condition.context;
  const mean = ({ data }: Tensor, width: number) => [...data].filter((_, i) => i % 5 === width).reduce((sum, value) => sum + value, 0) / 77;
  const [plain, kept, loud] = [await contextOf('red house'), await contextOf('red (house:1.5)'), await contextOf('red (house:1.5)', 'no_norm')];
  expect(token(loud, 1)).toEqual(token(plain, 1));
  token(loud, 2).forEach((value, i) => expect(value).toBeCloseTo(1.5 * token(plain, 2)[i]!, 1));
  expect(kept.data[10]! / kept.data[5]!).toBeCloseTo(loud.data[10]! / loud.data[5]!, 5);
  for (const column of [0, 4]) {      // by encoder
    expect(mean(kept, column)).toBeCloseTo(mean(plain, column), 0);
    expect(mean(loud, column) - mean(plain, column)).toBeGreaterThan(1);
  }
  expect(await contextOf('red (house:1.5)', 'original')).toEqual(kept);
  expect(await contextOf('red (house:1.5)', 'ignore')).toEqual(plain);
  expect(token(await contextOf('(red', 'none'), 1)[0]).toBe(vocabulary.encode('(red')[0]);
});

const embedding = (name: string, count: number, widths: readonly number[]): Embedding =>
  ({ name, hash: name, count, vectors: new Map(widths.map((width) => [width, float32([count, width])])) });
const libraryOf = (...embeddings: Embedding[]): EmbeddingLibrary => ({
  words: new WordIndex(embeddings.map(({ name }) => name), (text) => vocabulary.encode(text)), load: async (name) => embeddings.find((each) => each.name === name)!,
});

test('a trained word stands in the row of its prompt, and is told with its picture', async () => {
  const given: Inserts[] = [];
  const listening: Encoders = { ...encoders, encode: (rows, skip, inserts) => { given.push(inserts!); return encoders.encode(rows, skip, inserts); } };
  const both = embedding('myword', 2, [2, 3]), unused = embedding('unused', 1, [2, 3]);
  const { at, embeddings, notices } = await conditionOn(listening, vocabulary, { ...prompts, prompt: 'a red myword' }, libraryOf(both, unused));
  expect(given).toEqual([[[{ at: 3, embedding: both }]], [[]]]);
  expect(token(at(0).conds[0]!.condition.context, 3)).toEqual([0, 0, 0.5, 0.5, 0.5]);
  expect(embeddings).toEqual([both]);
  expect(notices).toEqual([]);
});

test('a trained word must fit each encoder, and is text where it does not', async () => {
  const { at, embeddings, notices } = await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'myword' }, libraryOf(embedding('myword', 2, [2])));
  expect(embeddings).toEqual([]);
  expect(notices).toEqual([{ code: 'embedding.unfit', message: expect.stringContaining('myword') }]);
  expect(token(at(0).conds[0]!.condition.context, 1)[0]).toBe(vocabulary.encode('myword')[0]);
});

test('what a prompt calls up and cannot have is told, and is no text', async () => {
  const told = await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'a red house<lora:ink:0.8><hypernet:dust:1>' });
  expect(told.notices.map(({ code, message }) => [code, message.split(' ')[0]])).toEqual([['network.unsupported', '<lora:ink>'], ['network.unsupported', '<hypernet:dust>']]);
  expect(told.embeddings).toEqual([]);
  const plain = await conditionOn(encoders, vocabulary, prompts);
  expect(plain.notices).toEqual([]);
  expect(told.at(0)).toEqual(plain.at(0));
});

test('each step has its text, and what is encoded is encoded before the first', async () => {
  let calls = 0;
  const counted: Encoders = { ...encoders, encode: (...given) => { calls++; return encoders.encode(...given); } };
  const { at } = await conditionOn(counted, vocabulary, { ...prompts, prompt: 'a [cat:dog:0.5]' });
  const animal = (step: number) => token(at(step).conds[0]!.condition.context, 2)[0];
  expect([0, 4, 5, 9, 10].map(animal)).toEqual(['cat', 'cat', 'dog', 'dog', 'dog'].map((word) => vocabulary.encode(word)[0]));
  expect(calls).toBe(3);
});
