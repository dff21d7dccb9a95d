// diffusers' folders as people have them: pickles, shards, variants, with parts missing. What is opened must be the same model, tensor by tensor.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import type { TensorEntry, WeightFile } from '../../../main/engine/weights/source';
import { openWeightFile, withFile } from '../../../main/files/weight-file';
import { openModel, openModelFolder } from '../../../main/files/model-folder';
import { folderOf, randomCheckpoint } from '../../support/checkpoints';
import { TestTensor, torchLegacy, torchZip, type Value } from '../../support/pickles';
import { encodeHeader } from '../../../main/engine/weights/safetensors';
import { refusalOf } from '../../support/words';

const source = await randomCheckpoint();
let root: string, whole: WeightFile;
beforeEach(async () => {
  root = await folderOf(source);
  whole = await openModelFolder(root);
  rmSync(join(root, 'model_index.json'));
});

const bytesOf = (file: WeightFile, { file: own, offset, byteLength }: TensorEntry): Promise<Uint8Array> => withFile(own ?? file.path, ({ read }) => read(offset, byteLength));

/** The same names, shapes and bytes. */
async function expectSame(opened: WeightFile): Promise<void> {
  expect([...opened.tensors].map(([name, { shape }]) => [name, shape]).sort()).toEqual([...whole.tensors].map(([name, { shape }]) => [name, shape]).sort());
  for (const entry of opened.tensors.values()) expect(sha256(await bytesOf(opened, entry)), entry.name).toBe(digests.get(entry.name));
  expect(identify(opened)).toMatchObject({ kind: 'checkpoint', family: 'sd1', problems: [] });
  expect(whyNotRunnable(opened)).toBeNull();
}
/** Read before the files change. */
const digests = new Map<string, string>();
beforeEach(async () => { for (const [name, entry] of whole.tensors) digests.set(name, sha256(await bytesOf(whole, entry))); });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Named { readonly name: string; readonly tensor: TensorEntry; readonly data: Uint8Array }
async function tensorsOf(path: string): Promise<Named[]> {
  const file = await openWeightFile(path);
  return Promise.all([...file.tensors.values()].map(async (tensor) => ({ name: tensor.name, tensor, data: await bytesOf(file, tensor) })));
}
const safetensors = (list: readonly Named[]): Buffer =>
  Buffer.concat([encodeHeader(list.map(({ name, tensor: { dtype, shape } }) => ({ name, dtype, shape }))).header, ...list.map(({ data }) => data)]);
const pickled = (list: readonly Named[], write: (value: Value) => Buffer = torchZip): Buffer =>
  write(Object.fromEntries(list.map(({ name, tensor: { dtype, shape }, data }) => [name, new TestTensor({ dtype, data }, shape)])) as Value);

/** Takes the one file of a network away, writes others in its place, and an index where it is given a name. */
async function rewrite(part: string, names: readonly string[], encode: (list: readonly Named[]) => Uint8Array, indexName?: string): Promise<void> {
  const folder = join(root, part), [file] = readdirSync(folder), list = await tensorsOf(join(folder, file!));
  rmSync(join(folder, file!));
  const size = Math.ceil(list.length / names.length), map: Record<string, string> = {};
  names.forEach((name, i) => {
    const share = list.slice(i * size, (i + 1) * size);
    for (const tensor of share) map[tensor.name] = name;
    writeFileSync(join(folder, name), encode(share));
  });
  if (indexName !== undefined) writeFileSync(join(folder, indexName), JSON.stringify({ metadata: { total_size: 1 }, weight_map: map }));
}

describe('is read', () => {
  test('from pickles, zipped and legacy', async () => {
    await rewrite('unet', ['diffusion_pytorch_model.bin'], pickled);
    await rewrite('vae', ['diffusion_pytorch_model.bin'], (list) => pickled(list, torchLegacy));
    await rewrite('text_encoder', ['pytorch_model.bin'], pickled);
    await expectSame(await openModel(root));
  });
  test.each([
    ['pickled shards', ['diffusion_pytorch_model-00001-of-00002.bin', 'diffusion_pytorch_model-00002-of-00002.bin'], 'diffusion_pytorch_model.bin.index.json'],
    ['pickled shards without an index', ['diffusion_pytorch_model-00001-of-00002.bin', 'diffusion_pytorch_model-00002-of-00002.bin'], undefined],
    ['only an fp16 variant', ['diffusion_pytorch_model.fp16.bin'], undefined],
    ['only non_ema', ['diffusion_pytorch_model.non_ema.bin'], undefined],
  ])('with %s', async (_, names, index) => {
    await rewrite('unet', names, pickled, index);
    await expectSame(await openModelFolder(root));
  });
  test.each([
    ['the variant before the numbers', ['m.fp16-00001-of-00002.safetensors', 'm.fp16-00002-of-00002.safetensors'], 'm.safetensors.index.fp16.json'],
    ['the variant behind them', ['m-00001-of-00002.fp16.safetensors', 'm-00002-of-00002.fp16.safetensors'], 'm.safetensors.fp16.index.json'],
    ['an index of other names', ['a.safetensors', 'b.safetensors'], 'm.safetensors.index.json'],
  ])('in shards with %s', async (_, names, index) => {
    await rewrite('unet', names, safetensors, index);
    await expectSame(await openModelFolder(root));
  });
});

describe('of several', () => {
  const unet = (...names: string[]): void => { for (const name of names) writeFileSync(join(root, 'unet', name), 'not weights'); };
  const good = 'diffusion_pytorch_model.safetensors';

  test('.safetensors come before pickles, and files of other programs are left alone', async () => {
    unet('diffusion_pytorch_model.bin', 'diffusion_pytorch_model.fp16.bin', 'openvino_model.bin', 'training_args.bin', 'config.json', 'model.onnx');
    await expectSame(await openModelFolder(root));
  });
  test('fp16 comes before plain, plain before non_ema, one file before shards', async () => {
    unet('diffusion_pytorch_model.non_ema.safetensors', 'diffusion_pytorch_model-00001-of-00002.safetensors', 'diffusion_pytorch_model-00002-of-00002.safetensors');
    await expectSame(await openModelFolder(root));
    renameSync(join(root, 'unet', good), join(root, 'unet', 'diffusion_pytorch_model.fp16.safetensors'));
    unet(good);
    await expectSame(await openModelFolder(root));
  });
  test('a set that is not whole gives way to one that is', async () => {
    unet('diffusion_pytorch_model.fp16-00001-of-00002.safetensors');
    await expectSame(await openModelFolder(root));
  });
});

describe('says what is missing', () => {
  const names = [1, 2, 3].map((n) => `diffusion_pytorch_model-0000${n}-of-00003.safetensors`);

  test.each([['an index', 'diffusion_pytorch_model.safetensors.index.json'], ['numbers', undefined]])('a shard, by %s', async (_, index) => {
    await rewrite('unet', names, safetensors, index);
    rmSync(join(root, 'unet', names[1]!));
    expect(await refusalOf(openModelFolder(root))).toMatchObject({ code: 'model.shard', message: `unet is not whole: ${names[1]!}, one of its 3 files, is not there`, hint: expect.any(String) });
  });
  test('all shards, of which only the index is there', async () => {
    await rewrite('unet', names, safetensors, 'diffusion_pytorch_model.safetensors.index.json');
    for (const name of names) rmSync(join(root, 'unet', name));
    expect(await refusalOf(openModelFolder(root))).toMatchObject({ code: 'model.shard', message: expect.stringContaining(names[0]!) });
  });
  test('a network', async () => {
    rmSync(join(root, 'vae'), { recursive: true });
    expect(await refusalOf(openModelFolder(root))).toMatchObject({ code: 'model.notACheckpoint', message: expect.stringContaining('no vae folder') });
  });
  test.each([['no JSON', '{'], ['no map', '{}'], ['a list', '[]'], ['null', 'null'], ['numbers', '{"weight_map":{"a":1}}'], ['a way out', '{"weight_map":{"a":"../vae/diffusion_pytorch_model.safetensors"}}']])(
    'an index of %s is worth nothing more than the files themselves', async (_, text) => {
      writeFileSync(join(root, 'unet', 'diffusion_pytorch_model.safetensors.index.json'), text);
      await expectSame(await openModelFolder(root));
    });
  test('a pickle that would run something is refused by name', async () => {
    rmSync(join(root, 'vae', readdirSync(join(root, 'vae'))[0]!));
    writeFileSync(join(root, 'vae', 'diffusion_pytorch_model.bin'), 'cos\nsystem\n(S"true"\ntR.');
    expect(await refusalOf(openModelFolder(root))).toMatchObject({ code: 'weights.forbiddenGlobal', message: expect.stringContaining('os.system') });
  });
  test('a shard cut off', async () => {
    await rewrite('unet', names, safetensors);
    const path = join(root, 'unet', names[2]!), bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 10));
    expect(await refusalOf(openModelFolder(root))).toMatchObject({ code: 'weights.truncated', message: expect.stringContaining(names[2]!) });
  });
});
