// From prompts to what the U-Net is told, with encoders that are formulas.
import { describe, expect, test } from 'vitest';
import { conditionOn, type Encoders } from '../../../main/engine/pipeline/conditioning';
import type { Inserts } from '../../../main/engine/pipeline/networks';
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
  beside: (pooled, negative) => ({ y: float32([1, 2], Float32Array.of(pooled!.data[0]!, negative ? 1 : 0)) }),
};
const textOnly: Encoders = { widths: [2, 3], encode: async (rows, skip) => ({ ...await encoders.encode(rows, skip), pooled: null }), beside: () => ({}) };
const prompts = { prompt: 'a red house', negative: '', evaluations: 10, clipSkip: 1, guided: true };
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
  expect(elsewhere.uncond).not.toHaveProperty('y');
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

describe("in ComfyUI's language", () => {
  const comfy = { ...prompts, emphasis: 'comfy' as const };
  test('a weighted token lies on the line from the empty prompt to its own, in each encoder, and the others stay to the bit', async () => {
    const rows: number[][] = [];
    const listening: Encoders = { ...encoders, encode: (given, ...rest) => { rows.push(...given.map((row) => [...row])); return encoders.encode(given, ...rest); } };
    const contextOf = async (prompt: string) => (await conditionOn(listening, vocabulary, { ...comfy, prompt, guided: false })).at(0).conds[0]!.condition;
    const plain = await contextOf('red house'), empty = await contextOf('');
    expect(rows).toHaveLength(2);
    for (const weight of [1.5, 0.25, 0, -1]) {
      const { context, y } = await contextOf(`red (house:${weight})`);
      token(context, 2).forEach((value, i) => {
        const base = token(empty.context, 2)[i]!;
        expect(value).toBeCloseTo(base + weight * (token(plain.context, 2)[i]! - base), 1);
      });
      for (const at of [0, 1, 3, 40, 76]) expect(token(context, at)).toEqual(token(plain.context, at));
      expect(y).toEqual(plain.y);
    }
    expect(rows.at(-1)!.filter((id) => id === vocabulary.endId)).toHaveLength(76);      // the empty prompt, asked for once more where there are weights
  });

  test('of several chunks each is weighed against the empty one', async () => {
    const context = async (prompt: string) => (await conditionOn(encoders, vocabulary, { ...comfy, prompt, guided: false })).at(0).conds[0]!.condition.context;
    const words = (n: number) => Array<string>(n).fill('cat').join(' ');
    const long = await context(`${words(75)} (dog:0)`);
    expect(long.dims).toEqual([1, 154, 5]);
    expect(token(long, 78)).toEqual(token(await context(''), 1));
    expect(token(long, 79)).toEqual(token(await context('dog'), 2));
  });

  test('there is nothing but weights: no editing, no AND, no tags, no comments', async () => {
    const prompt = 'a [cat:dog:0.5] AND [b|c]:2 BREAK d<lora:ink:0.8> # not said';
    const { at, notices } = await conditionOn(encoders, vocabulary, { ...comfy, prompt, negative: prompt });
    const { conds, uncond } = at(0);
    expect(conds.map(({ weight }) => weight)).toEqual([1]);
    expect(at(9)).toEqual(at(0));
    for (const { context } of [conds[0]!.condition, uncond!]) {
      expect(context.dims).toEqual([1, 77, 5]);
      vocabulary.encode(prompt).forEach((id, i) => { expect(token(context, i + 1)[0]).toBe(id); });
    }
    expect(notices).toEqual([]);
  });

  test('an empty negative prompt is an empty text, also where a pooled vector is read', async () => {
    const { uncond } = (await conditionOn(encoders, vocabulary, comfy)).at(0);
    expect(uncond!.context.data[0]).toBe(vocabulary.startId);
    expect([...uncond!.y!.data]).toEqual([1, 1]);
  });

  test('trained words are called up by the name of their file; one that is not there, or does not fit, is told and is no text', async () => {
    const library = libraryOf(embedding('myword', 2, [2, 3]), embedding('narrow', 1, [2]));
    const { at, embeddings, notices } = await conditionOn(encoders, vocabulary, { ...comfy, prompt: 'myword embedding:MyWord.pt, embedding:nobody embedding:narrow x', negative: 'embedding:nobody' }, library);
    const { context } = at(0).conds[0]!.condition, ids = vocabulary.encode('myword');
    expect(embeddings.map(({ name }) => name)).toEqual(['myword']);
    expect([1, 2, 3, 4, 5, 6, 7].map((place) => token(context, place)[0])).toEqual([...ids, 0, 0, ...vocabulary.encode(', x'), vocabulary.endId, vocabulary.endId].slice(0, 7));
    expect(notices.map(({ code }) => code).sort()).toEqual(['embedding.missing', 'embedding.unfit']);
    expect(notices).toContainEqual({ code: 'embedding.missing', data: { name: 'nobody' } });
  });
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
  expect(notices).toEqual([{ code: 'embedding.unfit', data: { name: 'myword', vectors: '2', reads: '2 + 3' } }]);
  expect(token(at(0).conds[0]!.condition.context, 1)[0]).toBe(vocabulary.encode('myword')[0]);
});

test('what a prompt calls up and cannot have is told, and is no text', async () => {
  const told = await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'a red house<lora:ink:0.8><hypernet:dust:1>' });
  expect(told.notices).toEqual([{ code: 'network.unsupported', data: { kind: 'hypernet', name: 'dust' } }]);
  expect(told.embeddings).toEqual([]);
  const plain = await conditionOn(encoders, vocabulary, prompts);
  expect(plain.notices).toEqual([]);
  expect(told.at(0)).toEqual(plain.at(0));
});

test('each evaluation has its text, the first one more, and what is encoded is encoded before the first', async () => {
  let calls = 0;
  const counted: Encoders = { ...encoders, encode: (...given) => { calls++; return encoders.encode(...given); } };
  const { at } = await conditionOn(counted, vocabulary, { ...prompts, prompt: 'a [cat:dog:0.5]' });
  const animal = (evaluation: number) => token(at(evaluation).conds[0]!.condition.context, 2)[0];
  expect([0, 5, 6, 9, 10, 50].map(animal)).toEqual(['cat', 'cat', 'dog', 'dog', 'dog', 'dog'].map((word) => vocabulary.encode(word)[0]));
  expect(calls).toBe(3);
});

test('parts of an AND change and alternate each for itself', async () => {
  const { at } = await conditionOn(encoders, vocabulary, { ...prompts, prompt: '[cat:dog:2] AND [red|blue|]:-0.5' });
  const words = (evaluation: number) => at(evaluation).conds.map(({ condition, weight }) => [vocabulary.decode([token(condition.context, 1)[0]!]).trim(), weight]);
  expect([0, 1, 2, 3, 4].map(words)).toEqual([
    [['cat', 1], ['red', -0.5]], [['cat', 1], ['red', -0.5]], [['cat', 1], ['blue', -0.5]], [['dog', 1], ['<|endoftext|>', -0.5]], [['dog', 1], ['red', -0.5]],
  ]);
});

test('a weight needs the negative prompt even where guidance is off', async () => {
  const off = { ...prompts, guided: false };
  expect((await conditionOn(encoders, vocabulary, off)).at(0).uncond).toBeNull();
  for (const prompt of ['a cat:0.7', 'a cat AND a dog']) expect((await conditionOn(encoders, vocabulary, { ...off, prompt })).at(0).uncond).not.toBeNull();
});

describe('lengths', () => {
  const chunksOf = async (prompt: string, negative: string) => {
    const { conds, uncond } = (await conditionOn(textOnly, vocabulary, { ...prompts, prompt, negative })).at(0);
    const firsts = (context: Tensor) => Array.from({ length: context.dims[1]! / 77 }, (_, i) => vocabulary.decode([token(context, 77 * i + 1)[0]!]).trim());
    return { conds: conds.map(({ condition }) => firsts(condition.context)), uncond: firsts(uncond!.context) };
  };
  const nothing = '<|endoftext|>';

  test('the shorter of prompt and negative prompt is repeated, which attention does not notice', async () => {
    expect(await chunksOf('a BREAK b', 'n')).toEqual({ conds: [['a', 'b']], uncond: ['n', 'n'] });
    expect(await chunksOf('a', 'n BREAK m BREAK o')).toEqual({ conds: [['a', 'a', 'a']], uncond: ['n', 'm', 'o'] });
    expect(await chunksOf('a BREAK b', 'n BREAK m BREAK o')).toEqual({ conds: [['a', 'b', 'a', 'b', 'a', 'b']], uncond: ['n', 'm', 'o', 'n', 'm', 'o'] });
  });
  test('where that would be far longer than both, empty chunks fill up', async () => {
    const { conds, uncond } = await chunksOf('a BREAK b BREAK c BREAK d BREAK e BREAK f BREAK g', 'n BREAK m BREAK o BREAK p BREAK q');
    expect(conds[0]).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    expect(uncond).toEqual(['n', 'm', 'o', 'p', 'q', nothing, nothing]);
  });
  test('a text of a schedule is filled up with empty chunks, a part of an AND with its last vector', async () => {
    expect((await chunksOf('[a: BREAK b:5] c', '')).conds).toEqual([['a', nothing]]);
    const { conds } = (await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'a BREAK b AND c' })).at(0);
    const [, shorter] = conds.map(({ condition }) => condition.context);
    expect(shorter!.dims).toEqual([1, 154, 5]);
    for (let i = 77; i < 154; i++) expect(token(shorter!, i)).toEqual(token(shorter!, 76));
  });
  test('they are the same at each evaluation', async () => {
    const { at } = await conditionOn(encoders, vocabulary, { ...prompts, prompt: '[a|b BREAK c] AND [d:e BREAK f BREAK g:0.5]', negative: '[|n BREAK m]' });
    for (let i = 0; i < 12; i++) for (const { condition } of [...at(i).conds, { condition: at(i).uncond! }]) expect(condition.context.dims).toEqual([1, 6 * 77, 5]);
  });
});

test('the mean that emphasis keeps is that of all texts of a schedule, each as often as it holds', async () => {
  const ratio = async (prompt: string) => {
    const { at } = await conditionOn(encoders, vocabulary, { ...prompts, prompt, guided: false });
    const plain = (await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'cat', guided: false })).at(0);
    return at(0).conds[0]!.condition.context.data[0]! / plain.conds[0]!.condition.context.data[0]!;      // at the start token, which has no weight of its own
  };
  const sum = (word: string, weight = 1) => vocabulary.startId + weight * vocabulary.encode(word)[0]! + 75 * vocabulary.endId;
  expect(await ratio('(cat:1.5)')).toBeCloseTo(sum('cat') / sum('cat', 1.5), 5);
  expect(await ratio('[(cat:1.5):dog:2]')).toBeCloseTo((sum('cat') + sum('dog')) / (sum('cat', 1.5) + sum('dog')), 5);
  expect(await ratio('[(cat:1.5)|dog|dog]')).toBeCloseTo((4 * sum('cat') + 6 * sum('dog')) / (4 * sum('cat', 1.5) + 6 * sum('dog')), 5);
});

test('an empty negative prompt is zeros only where it stays empty', async () => {
  const later = (await conditionOn(encoders, vocabulary, { ...prompts, negative: '[blurry:5]' })).at(0);
  expect(later.uncond!.context.data[0]).toBe(vocabulary.startId);
  const noted = (await conditionOn(encoders, vocabulary, { ...prompts, negative: '# nothing yet' })).at(0);
  expect(noted.uncond!.context.data[0]).toBe(0);
});
