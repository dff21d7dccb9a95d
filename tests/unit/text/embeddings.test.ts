// Trained words: in every form of file, in any prompt, and through the real text encoder.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, parse } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { identify } from '../../../main/engine/identify/identify';
import { conditionOn, type Encoders, type Prompts } from '../../../main/engine/pipeline/conditioning';
import { generate } from '../../../main/engine/pipeline/generate';
import { composeModel } from '../../../main/engine/pipeline/model';
import { float32, sizeOf, type Dims } from '../../../main/engine/tensor';
import { chunkPrompt } from '../../../main/engine/text/chunks';
import { wordsIn } from '../../../main/engine/text/embedding-words';
import { loadEmbeddings, WordIndex, type Embedding, type EmbeddingLibrary, type FindEmbedding } from '../../../main/engine/text/embeddings';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { toFloat32 } from '../../../main/engine/weights/half';
import { readEmbedding } from '../../../main/worker/embeddings/file';
import { openEmbeddings } from '../../../main/worker/embeddings/embeddings';
import { openWeightFile, withFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';
import { scratchFolder, weightFile } from '../../support/checkpoints';
import { demoJob, demoPath } from '../../support/demo';
import { asPng, asWebp, hideInPixels, noisePicture, pngWithText, trainedJson } from '../../support/embedding-pictures';
import { tensorOf, TestTensor, torchLegacy, torchZip, type Value } from '../../support/pickles';
import { writeWeights } from '../../support/weights';
import { fuzzRuns } from '../../support/fuzz';
import { refusalOf } from '../../support/words';

const vocabulary = new Tokenizer(await clipMerges());
const write = (name: string, bytes: Uint8Array, folder = scratchFolder()): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  return path;
};
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const counting = (count: number): number[] => Array.from({ length: count }, (_, i) => Math.fround(i / 8));
const vectorsTensor = (dims: Dims, options: { strides?: Dims } = {}): TestTensor =>
  new TestTensor({ dtype: 'F32', data: new Uint8Array(Float32Array.from(counting(sizeOf(dims))).buffer) }, dims, options);
const plain = (embedding: Embedding): unknown => [...embedding.vectors].map(([width, { dims, data }]) => [width, [...dims], [...data]]);

describe('files', () => {
  const a1111 = (vectors: TestTensor): Value => ({
    string_to_token: { '*': tensorOf('I64', []) }, string_to_param: { '*': vectors }, name: 'word', step: 500, sd_checkpoint: null, sd_checkpoint_name: 'v1-5',
  });
  it.each<[string, string, Uint8Array]>([
    ['A1111, zip', 'word.pt', torchZip(a1111(vectorsTensor([2, 768])))],
    ['A1111, legacy', 'word.pt', torchLegacy(a1111(vectorsTensor([2, 768])))],
    ['diffusers, pickled', 'word.bin', torchZip({ '<word>': vectorsTensor([2, 768]) })],
  ])('%s', async (_, name, bytes) => {
    const embedding = await readEmbedding(write(name, bytes));
    expect(plain(embedding)).toEqual([[768, [2, 768], counting(2 * 768)]]);
    expect(embedding).toMatchObject({ name: 'word', count: 2, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it.each(['emb_params', '<word>', 'clip_l'])('safetensors with %s', async (key) => {
    const embedding = await readEmbedding(writeWeights({ [key]: { dims: [3, 768], values: counting(3 * 768), dtype: 'F16' } }));
    expect(embedding.count).toBe(3);
    expect(embedding.vectors.get(768)!.data[17]).toBe(17 / 8);
  });
  it('one vector without a row', async () => {
    expect(plain(await readEmbedding(writeWeights({ '<word>': { dims: [1024], values: counting(1024) } })))).toEqual([[1024, [1, 1024], counting(1024)]]);
  });
  it('SDXL: one for each encoder', async () => {
    const embedding = await readEmbedding(writeWeights({ clip_l: { dims: [2, 768], values: counting(1536) }, clip_g: { dims: [2, 1280], values: counting(2560) } }));
    expect([...embedding.vectors.keys()].sort()).toEqual([1280, 768]);
    expect(embedding.count).toBe(2);
  });
  it.each<[string, Uint8Array | Value, string, unknown]>([
    ['several tokens of diffusers', { '<a>': vectorsTensor([768]), '<b>': vectorsTensor([2, 768]) }, '<b>', [[768, [2, 768], counting(1536)]]],
    ['several parameters of the first trainer', { string_to_token: { a: 1, b: 2 }, string_to_param: { a: vectorsTensor([1, 4]), b: vectorsTensor([2, 4]) } }, 'a', [[4, [1, 4], counting(4)]]],
    ['a list of dictionaries', [{ '*': vectorsTensor([1, 4]) }, { '*': vectorsTensor([4]) }], 'word', [[4, [2, 4], [...counting(4), ...counting(4)]]]],
    ['a tensor alone', vectorsTensor([2, 4]), 'word', [[4, [2, 4], counting(8)]]],
    ['output vectors besides', { clip_l: vectorsTensor([1, 768]), clip_l_out: vectorsTensor([1, 768]) }, 'word', [[768, [1, 768], counting(768)]]],
  ])('pickled: %s', async (_, value, word, want) => {
    expect(plain(await readEmbedding(write('word.pt', torchZip(value as Value)), word))).toEqual(want);
  });
  it('a row of a large matrix, of which no more is read', async () => {
    const matrix = { dtype: 'F32' as const, data: new Uint8Array(Float32Array.from(counting(4000)).buffer) };
    const row = await readEmbedding(write('word.bin', torchZip({ '<word>': new TestTensor(matrix, [4], { offset: 100 }) })));
    expect(plain(row)).toEqual([[4, [1, 4], counting(104).slice(100)]]);
  });
  it.each<[string, [string, Dims][], object]>([
    ['several tokens', [['<a>', [768]], ['<b>', [2, 768]]], { kind: 'embedding', family: 'sd1' }], ['a list', [['0.*', [2, 1024]], ['1.*', [1, 1024]]], { kind: 'unknown' }],
    ['SDXL with output vectors', [['clip_l', [1, 768]], ['clip_g', [1, 1280]], ['clip_l_out', [1, 768]]], { kind: 'embedding', family: 'sdxl' }],
    ['parameters', [['string_to_param.a', [1, 1024]], ['string_to_param.b', [1, 1024]]], { kind: 'embedding', family: 'sd2' }],
  ])('are told by inspect: %s', (_, tensors, want) => expect(identify(weightFile(tensors))).toMatchObject(want));
  it('words bundled in a LoRA, each by its name', async () => {
    const one = (count: number, width: number) => ({ dims: [count, width], values: counting(count * width) });
    const path = writeWeights({
      'lora_te_x.lora_down.weight': one(4, 768), 'lora_te_x.lora_up.weight': { dims: [768, 4], values: counting(3072) },
      'bundle_emb.ink.string_to_param.*': one(2, 768), 'bundle_emb.v1.5.clip_l': one(1, 768), 'bundle_emb.v1.5.clip_g': one(1, 1280), 'bundle_emb.v1.5.clip_l_out': one(1, 768),
      'bundle_emb.bare': one(1, 768), 'bundle_emb.<tok>.clip_l': one(3, 768), 'bundle_emb.cat.<cat-toy>': one(1, 768), 'bundle_emb.broken.emb_params': one(80, 4),
    }, {}, join(scratchFolder(), 'style.safetensors'));
    expect(wordsIn(await openWeightFile(path)).map(({ name, entries }) => [name, entries.length])).toEqual([['ink', 1], ['v1.5', 2], ['bare', 1], ['<tok>', 1], ['cat', 1]]);
    expect([...(await readEmbedding(path, 'v1.5')).vectors.keys()]).toEqual([768, 1280]);
    expect(await readEmbedding(path, 'ink')).toMatchObject({ name: 'ink', count: 2, hash: sha256(readFileSync(path)) });
    expect(await refusalOf(readEmbedding(path, 'style'))).toMatchObject({ code: 'weights.unsupportedLayout', message: expect.stringContaining('“style”') });
  });
  it('vectors that were saved in columns', async () => {
    const embedding = await readEmbedding(write('t.pt', torchZip({ '*': vectorsTensor([2, 3], { strides: [1, 2] }) })));
    expect([...embedding.vectors.get(3)!.data]).toEqual([0, 2, 4, 1, 3, 5].map((n) => n / 8));
  });

  it.each<[string, [string, Dims][]]>([
    ['two tensors', [['a', [1, 768]], ['b', [1, 768]]]], ['none', []], ['a picture', [['a', [1, 3, 8, 8]]]], ['too many vectors', [['emb_params', [76, 768]]]],
    ['counts that differ', [['clip_l', [1, 768]], ['clip_g', [2, 1280]]]], ['a LoRA', [['lora_te_x.lora_down.weight', [8, 768]], ['lora_te_x.lora_up.weight', [768, 8]]]],
    ['vectors wider than any', [['emb_params', [1, 9000]]]], ['no vector', [['emb_params', [0, 768]]]], ['vectors of nothing', [['emb_params', [2, 0]]]],
  ])('refuses %s', (_, tensors) => expect(() => wordsIn(weightFile(tensors))).toThrow(expect.objectContaining({ code: 'weights.unsupportedLayout' })));
  it('refuses values that are not numbers, and whole numbers', async () => {
    await expect(readEmbedding(writeWeights({ emb_params: { dims: [1, 2], values: [1, NaN] } }))).rejects.toMatchObject({ code: 'weights.notFinite' });
    await expect(readEmbedding(writeWeights({ emb_params: { dims: [1, 2], values: [1, 2], dtype: 'I64' } }))).rejects.toMatchObject({ code: 'weights.notFloats' });
  });
  it('refuses anything else with an error of ours', () => fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.constantFrom('x.pt', 'x.bin', 'x.safetensors'), async (bytes, name) => {
    await expect(readEmbedding(write(name, bytes))).rejects.toMatchObject({ code: expect.stringMatching(/^(?:weights|file|model)\./) });
  }), { numRuns: fuzzRuns(100) }));
});

test('a folder: by stem, in subfolders, safetensors before pickles, any case', async () => {
  const folder = scratchFolder();
  const one = torchZip({ '*': vectorsTensor([1, 4]) }), two = torchZip({ '*': vectorsTensor([2, 4]) });
  write('EasyNegative.pt', one, folder);
  write('sub/deep/Bad-Hands-5.bin', two, folder);
  write('twice.bin', one, folder);
  write('sub/twice.pt', two, folder);
  write('notes.txt', one, folder);
  const library = (await openEmbeddings(folder, vocabulary))!;
  const find = (text: string): string | undefined => library.words.find(vocabulary.encode(text), 0)?.word;
  expect([find('easynegative'), find('EASYNEGATIVE, x'), find('bad-hands-5'), find('Twice'), find('notes')]).toEqual(['EasyNegative', 'EasyNegative', 'Bad-Hands-5', 'twice', undefined]);
  expect((await library.load('twice')).count).toBe(2);
  expect(await openEmbeddings(join(folder, 'not there'), vocabulary)).toBeUndefined();
});

test('a folder: pictures by the name within, bundles by theirs, diffusers\' files by folder and token', async () => {
  const folder = scratchFolder(), vectors = (): TestTensor => vectorsTensor([1, 4]);
  write('from-a-site.png', await pngWithText('sd-ti-embedding', Buffer.from(trainedJson([[1, 2, 3, 4]], 'inkish')).toString('base64')), folder);
  write('nameless.webp', await asWebp(hideInPixels(trainedJson([[1, 2, 3, 4]], null))), folder);
  write('holiday.png', await asPng(noisePicture(40, 30)), folder);
  write('damaged.png', await pngWithText('sd-ti-embedding', 'bm90IEpTT04='), folder);
  write('shown.pt', torchZip({ '*': vectors() }), folder);
  for (const preview of ['shown.png', 'shown.preview.png', 'other.preview.png']) write(preview, await asPng(hideInPixels(trainedJson([[9, 9, 9, 9]], preview))), folder);
  writeWeights({ 'lora_te_x.alpha': { dims: [1], values: [1] }, 'bundle_emb.bundled.emb_params': { dims: [1, 4], values: [1, 2, 3, 4] } }, {}, join(folder, 'lora.safetensors'));
  write('cat-toy/learned_embeds.bin', torchZip({ '<cat>': vectors() }), folder);
  write('learned_embeds-500.bin', torchZip({ '<dog>': vectors() }), folder);
  write('two.bin', torchZip({ '<one>': vectors(), '<two>': vectors() }), folder);
  write('empty.pt', new Uint8Array(), folder);
  const library = (await openEmbeddings(folder, vocabulary))!;
  const called = (text: string): string | undefined => library.words.find(vocabulary.encode(text), 0)?.word;
  const words = ['inkish', 'nameless', 'damaged', 'shown', 'bundled', 'learned_embeds', 'cat-toy', '<cat>', 'learned_embeds-500', '<dog>', '<one>', '<two>'];
  expect(words.map(called)).toEqual(words);
  for (const name of words.filter((word) => word !== 'damaged')) expect((await library.load(name)).vectors.get(4)!.data).toHaveLength(4);
  expect(['from-a-site', 'holiday', 'other.preview', 'lora', parse(folder).name, 'two', 'empty'].map(called)).toEqual(Array(7).fill(undefined));
  expect([...(await library.load('shown')).vectors.get(4)!.data]).toEqual(counting(4));
  expect(await refusalOf(library.load('damaged'))).toMatchObject({ code: 'weights.badHeader', message: expect.stringContaining('damaged.png') });

  write('two.bin', torchZip({ '<three>': vectors(), '<four>': vectorsTensor([2, 4]) }), folder);
  const again = (await openEmbeddings(folder, vocabulary))!;
  expect((await again.load('<four>')).count).toBe(2);
  expect(again.words.find(vocabulary.encode('<one>'), 0)).toBeUndefined();
});

const embeddingOf = (name: string, count: number, width = 4): Embedding =>
  ({ name, hash: name, count, vectors: new Map([[width, float32([count, width], Float32Array.from({ length: count * width }, (_, i) => i + 1))]]) });
const libraryOf = (...embeddings: Embedding[]): EmbeddingLibrary => ({
  words: new WordIndex(embeddings.map(({ name }) => name), (text) => vocabulary.encode(text)),
  load: (name) => Promise.resolve(embeddings.find((embedding) => embedding.name === name)!),
});
const finderOf = async (...embeddings: Embedding[]): Promise<FindEmbedding> =>
  (await loadEmbeddings(libraryOf(...embeddings), embeddings.map(({ name }) => vocabulary.encode(name)), [4])).find;

describe('in a chunk', () => {
  it('takes its slots where the name stands, with the weight of its brackets', async () => {
    const { chunks: [chunk], tokenCount } = chunkPrompt('a (myword:1.5), cat', vocabulary, 20, { find: await finderOf(embeddingOf('myword', 3)) });
    expect(chunk!.inserts!.map(({ at, embedding }) => [at, embedding.name])).toEqual([[2, 'myword']]);
    expect(chunk!.ids.slice(1, 7)).toEqual([...vocabulary.encode('a'), 0, 0, 0, vocabulary.commaId, ...vocabulary.encode('cat')]);
    expect(chunk!.multipliers.slice(1, 6)).toEqual([1, 1.5, 1.5, 1.5, 1]);
    expect(tokenCount).toBe(6);
  });
  it('the longest name counts', async () => {
    const find = await finderOf(embeddingOf('bad', 1), embeddingOf('bad hands', 2));
    const names = (text: string): string[] => chunkPrompt(text, vocabulary, 20, { find }).chunks[0]!.inserts?.map(({ embedding }) => embedding.name) ?? [];
    expect([names('bad hands'), names('bad feet'), names('Bad Hands bad'), names('good')]).toEqual([['bad hands'], ['bad'], ['bad hands', 'bad'], []]);
  });
  it('moves on to the next chunk whole, with its phrase where a comma is near', async () => {
    const find = await finderOf(embeddingOf('myword', 10));
    const [first, second] = chunkPrompt(`${'cat '.repeat(70)}myword`, vocabulary, 20, { find }).chunks;
    expect([first!.inserts, second!.inserts![0]!.at]).toEqual([undefined, 1]);
    const torn = chunkPrompt(`${'cat '.repeat(60)}, myword ${'dog '.repeat(8)}`, vocabulary, 20, { find }).chunks;
    expect(torn[0]!.inserts).toBeUndefined();
    expect([torn[1]!.inserts![0]!.at, torn[1]!.ids.slice(1, 12)]).toEqual([1, [...Array<number>(10).fill(0), ...vocabulary.encode('dog')]]);
  });
  it('is never torn, whatever stands around it, and nothing is lost', async () => {
    const sizes = [1, 7, 40, 75], find = await finderOf(...sizes.map((count) => embeddingOf(`emb${count}x`, count)));
    const prompt = fc.array(fc.constantFrom('cat', ',', ' dog, ', ' BREAK ', '(', ':1.2)', ...sizes.map((count) => ` emb${count}x `)), { maxLength: 120 }).map((parts) => parts.join(''));
    fc.assert(fc.property(prompt, fc.nat(40), (text, backtrack) => {
      const { chunks } = chunkPrompt(text, vocabulary, backtrack, { find });
      for (const { ids, inserts = [] } of chunks) {
        expect(ids).toHaveLength(77);
        for (const { at, embedding: { count } } of inserts) expect(ids.slice(at, at + count)).toEqual(Array(count).fill(0));
        expect(ids.filter((id) => id === 0)).toHaveLength(inserts.reduce((sum, { embedding: { count } }) => sum + count, 0));
      }
      const named = (text.match(/emb\d+x/g) ?? []).length;
      expect(chunks.flatMap(({ inserts = [] }) => inserts)).toHaveLength(named);
    }));
  });
});

describe('in prompts', () => {
  const seen: unknown[] = [];
  const encoders: Encoders = {
    widths: [4], beside: () => ({}),
    encode: (rows, _, inserts) => {
      seen.push(inserts?.flat().map(({ at, embedding }) => [at, embedding.name]));
      return Promise.resolve({ states: [float32([rows.length, 77, 4])], pooled: null });
    },
  };
  const prompts: Prompts = { prompt: 'myword', negative: 'easynegative', evaluations: 4, clipSkip: 1, guided: true };
  it('are told with the picture, from both prompts and all their schedules', async () => {
    const library = libraryOf(embeddingOf('myword', 1), embeddingOf('easynegative', 2), embeddingOf('later', 1), embeddingOf('unused', 1));
    const { embeddings, notices } = await conditionOn(encoders, vocabulary, { ...prompts, prompt: '[myword:later:0.5] myword' }, library);
    expect(embeddings.map(({ name }) => name).sort()).toEqual(['easynegative', 'later', 'myword']);
    expect(notices).toEqual([]);
  });
  it('of another width are left as text, with a notice; a shorter name may then count', async () => {
    seen.length = 0;
    const xl: Embedding = { ...embeddingOf('my word', 2), vectors: new Map([[4, float32([2, 4])], [1280, float32([2, 1280])]]) };
    const { embeddings, notices } = await conditionOn(encoders, vocabulary, { ...prompts, prompt: 'my word', guided: false }, libraryOf(xl, embeddingOf('my', 1)));
    expect(embeddings.map(({ name }) => name)).toEqual(['my']);
    expect(notices).toEqual([{ code: 'embedding.unfit', data: expect.objectContaining({ name: 'my word' }) }]);
    expect(seen).toEqual([[[1, 'my']]]);
  });
  it('that cannot be read are left as text, with a notice', async () => {
    const folder = scratchFolder();
    write('myword.pt', Buffer.from('cos\nsystem\n(S"true"\ntR.'), folder);
    const { embeddings, notices } = await conditionOn(encoders, vocabulary, { ...prompts, guided: false }, await openEmbeddings(folder, vocabulary));
    expect([embeddings, notices.map(({ code }) => code)]).toEqual([[], ['embedding.unreadable']]);
  });
});

test('the words of a known text, as an embedding, say to the encoder what the text says, to the bit', async () => {
  const file = await openWeightFile(demoPath);
  const model = composeModel({ unet: file, text: file, vae: file }, ortRuntime());
  const { dtype, offset, shape } = file.tensors.get('cond_stage_model.transformer.text_model.embeddings.token_embedding.weight')!;
  const width = shape[1]!;
  const rowOf = (id: number): Promise<Float32Array> => withFile(demoPath, async (source) => toFloat32(dtype, await source.read(offset + id * width * 2, width * 2)));
  const rows = await Promise.all(vocabulary.encode('red house').map(rowOf));
  const folder = scratchFolder();
  writeWeights({ emb_params: { dims: [2, width], values: rows.flatMap((row) => [...row]) } }, {}, join(folder, 'zzhouse.safetensors'));

  const library = await openEmbeddings(folder, vocabulary);
  const encoders: Encoders = { widths: model.textWidths, beside: () => ({}), encode: (ids, skip, inserts) => model.encodeText(ids, skip, inserts) };
  const contextOf = async (prompt: string, from?: EmbeddingLibrary) => {
    const { at } = await conditionOn(encoders, vocabulary, { prompt, negative: '', evaluations: 1, clipSkip: 1, guided: false }, from);
    return at(0).conds[0]!.condition.context.data;
  };
  const want = await contextOf('a red house on grass', library);
  expect(await contextOf('a ZZhouse on grass', library)).toEqual(want);
  expect(await contextOf('a zzhouse on grass')).not.toEqual(want);

  const paint = (prompt: string) => generate(demoJob({ prompt, steps: 1, width: 64, height: 64 }), model, {}, {
    vocabulary, embeddings: library, now: () => 0, signal: new AbortController().signal, onPhase: () => {}, onStep: () => {},
  });
  const [plainly, trained] = [await paint('a red house on grass'), await paint('a zzhouse on grass<lora:film:1>')];
  expect(trained.image.data).toEqual(plainly.image.data);
  expect([plainly.embeddings, plainly.notices]).toEqual([[], []]);
  expect(trained.embeddings.map(({ name, hash }) => [name, hash])).toEqual([['zzhouse', sha256(readFileSync(join(folder, 'zzhouse.safetensors')))]]);
  expect(trained.notices).toEqual([]);
  await model.close();
});
