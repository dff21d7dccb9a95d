// PyTorch's files, zip and legacy, as weight files: names, shapes and bytes where they lie; and what they are said to be.
import { createHash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../main/cli/golden/networks';
import { identify } from '../../../main/engine/identify/identify';
import { conv, linear } from '../../../main/engine/nn/layers';
import { Weights } from '../../../main/engine/nn/weights';
import { Graph } from '../../../main/engine/graph/graph';
import { float32, sizeOf, type Dims } from '../../../main/engine/tensor';
import { parseTorchCheckpoint } from '../../../main/engine/weights/pickle/checkpoint';
import type { StoredDType, WeightFile } from '../../../main/engine/weights/source';
import { hashModel } from '../../../main/services/models/file-hashes';
import { openWeightFile, scanNotFinite, withFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { memoryFile, randomCheckpoint, referenceTensors, scratchFolder } from '../../support/checkpoints';
import {
  bytesOf, countingStorage, elementsOf, op, orderedDict, Raw, reordered, stateDictFrom, tensorOf, TestTensor, torchLegacy, torchParts, torchZip, Tuple, zipOf, type Value,
} from '../../support/pickles';
import { refusalOf } from '../../support/words';

const forms: [string, (value: Value) => Buffer][] = [['zip', torchZip], ['zip64', (value) => torchZip(value, { wide: true })], ['legacy', torchLegacy]];
const parse = (bytes: Uint8Array): Promise<WeightFile> => parseTorchCheckpoint(memoryFile(bytes, '/models/test.ckpt'));
const namesOf = (file: WeightFile): string[] => [...file.tensors.keys()];

describe.each(forms)('%s', (_, write) => {
  test('every type, at its bytes', async () => {
    const dtypes: StoredDType[] = ['F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2', 'I64', 'I32', 'I16', 'I8', 'U8', 'BOOL'];
    const tensors = Object.fromEntries(dtypes.map((dtype, i) => [`${dtype}.weight`, tensorOf(dtype, [i + 1, 3], i)]));
    const bytes = write(tensors), file = await parse(bytes);
    expect(file).toMatchObject({ path: '/models/test.ckpt', sizeBytes: bytes.length, dataOffset: 0 });
    expect([...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual(dtypes.map((dtype, i) => [`${dtype}.weight`, dtype, [i + 1, 3]]));
    for (const [name, tensor] of Object.entries(tensors)) expect(elementsOf(bytes, file.tensors.get(name)!)).toEqual(tensor.storage.data);
  });

  test('scalars, empty tensors, parameters, and tensors that share a storage', async () => {
    const shared = countingStorage('F32', 100);
    const bytes = write({ scalar: tensorOf('F32', []), empty: tensorOf('F16', [0, 4]), first: new TestTensor(shared, [10, 2]), second: new TestTensor(shared, [5, 4], { offset: 80 }), tied: new TestTensor(shared, [10, 2], { parameter: true }) });
    const file = await parse(bytes);
    expect(file.tensors.get('empty')).toMatchObject({ shape: [0, 4], byteLength: 0 });
    expect(file.tensors.get('scalar')).toMatchObject({ shape: [], byteLength: 4 });
    expect(elementsOf(bytes, file.tensors.get('first')!)).toEqual(shared.data.subarray(0, 80));
    expect(elementsOf(bytes, file.tensors.get('second')!)).toEqual(shared.data.subarray(320));
    expect(file.tensors.get('tied')!.offset).toBe(file.tensors.get('first')!.offset);
  });

  test('any order of the axes in memory (property)', () => {
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
    const cases = shapes.chain((shape) => fc.tuple(fc.constant(shape), fc.shuffledSubarray(shape.map((_, axis) => axis), { minLength: shape.length }), fc.constantFrom<StoredDType>('F32', 'F16')));
    return fc.assert(fc.asyncProperty(cases, async ([shape, order, dtype]) => {
      const { data } = countingStorage(dtype, sizeOf(shape));
      const bytes = write({ w: reordered(dtype, shape, data, order) }), { w } = Object.fromEntries((await parse(bytes)).tensors);
      expect(w!.shape).toEqual(shape);
      expect(elementsOf(bytes, w!)).toEqual(data);
    }), { numRuns: 150 });
  });
  test('strides of axes of size 1 mean nothing', async () => {
    const file = await parse(write({ w: new TestTensor(countingStorage('F32', 6), [1, 6, 1], { strides: [77, 1, 12345] }) }));
    expect(file.tensors.get('w')).not.toHaveProperty('layout');
  });
  test.each<[string, Dims, Dims]>([['repeated', [3, 4], [0, 1]], ['repeated along its last axis', [4, 3], [1, 0]], ['overlapping', [3, 4], [2, 1]], ['overlapping itself', [2, 2, 2], [3, 2, 1]], ['a bomb', [2 ** 20, 2 ** 20], [0, 0]]])('a tensor that is %s is refused', async (_what, shape, strides) => {
    expect(await refusalOf(parse(write({ 'a.w': new TestTensor(countingStorage('F32', 20), shape, { strides }) })))).toMatchObject({ code: 'weights.unsupportedLayout', message: expect.stringContaining('“a.w”') });
  });
  test.each<[string, Dims, Dims, number]>([['by its shape', [21], [1], 0], ['by its offset', [4], [1], 17], ['by its strides', [2, 2], [100, 1], 0], ['beyond all numbers', [2 ** 30, 2 ** 30], [2 ** 30, 1], 0]])(
    'a tensor that reaches behind its storage %s is refused', async (_what, shape, strides, offset) => {
      expect(await refusalOf(parse(write({ 'a.w': new TestTensor(countingStorage('F32', 20), shape, { strides, offset }) })))).toMatchObject({ code: 'weights.badOffsets', message: expect.stringContaining('“a.w”') });
    });

  test('a storage that is shorter than its pickle claims is refused', async () => {
    const storage = { ...countingStorage('F32', 20), claims: 40 };
    await expect(parse(write({ w: new TestTensor(storage, [40]) }))).rejects.toMatchObject({ code: expect.stringMatching(/badOffsets|truncated/) });
  });
  test('every shorter file is refused', async () => {
    const bytes = write({ a: tensorOf('F16', [4]), b: tensorOf('F32', [3]) });
    for (let length = 1; length < bytes.length; length++) await expect(parse(bytes.subarray(0, length)), `${length}`).rejects.toMatchObject({ code: expect.stringMatching(/^(?:weights|model)\./) });
  });
  test('metadata: what stands beside the tensors', async () => {
    const file = await parse(write({ state_dict: { w: tensorOf('F32', [1]) }, epoch: 7, ratio: 0.5, flag: true, none: null, name: 'Ü', layer_structure: [1, 2, 1], deep: { a: 1 }, long: 'x'.repeat(20_000) }));
    expect(file.metadata).toEqual({ epoch: '7', ratio: '0.5', flag: 'True', name: 'Ü', layer_structure: '[1,2,1]' });
  });
});

describe('names', () => {
  const w = tensorOf('F32', [2]);
  test.each<[string, Value, string[]]>([
    ['a state dict', { 'a.w': w }, ['a.w']], ['state_dict, with optimizer beside it', { state_dict: { a: w }, optimizer_states: [{ state: { 0: { exp_avg: w } } }], epoch: 3 }, ['a']],
    ['an upscaler\'s averaged weights', { params: { a: w }, params_ema: { b: w } }, ['b']], ['model beside its EMA', { model: { a: w }, model_ema: { a: w } }, ['a']],
    ['DataParallel', { state_dict: { 'module.a': w, 'module.b.c': w } }, ['a', 'b.c']], ['a module that is only one of many', { 'module.a': w, b: w }, ['module.a', 'b']],
    ['compiled and parallel', { '_orig_mod.module.a': w }, ['a']], ['dictionaries in dictionaries', { image_proj: { 'proj.weight': w }, ip_adapter: { '1.to_k_ip.weight': w } }, ['image_proj.proj.weight', 'ip_adapter.1.to_k_ip.weight']],
    ['numbers and tuples', new Map<Value, Value>([[768, new Tuple({ 'linear.0.weight': w }, { 'linear.0.weight': w })], ['step', 5]]), ['768.0.linear.0.weight', '768.1.linear.0.weight']],
    ['a lone tensor', w, ['tensor']], ['a key that is an object\'s property', { constructor: w, __proto__x: w }, ['constructor', '__proto__x']],
  ])('%s', async (_, value, names) => { expect(namesOf(await parse(torchZip(value)))).toEqual(names); });

  test('two tensors of one name are refused', async () => {
    expect(await refusalOf(parse(torchZip({ 'a.b': w, a: { b: w } })))).toMatchObject({ code: 'weights.badHeader', message: expect.stringContaining('“a.b”') });
  });
  test('a file without tensors is no model', async () => {
    await expect(parse(torchZip({ learning_rate: 1e-4 }))).rejects.toMatchObject({ code: 'model.notACheckpoint' });
  });
});

describe('zip', () => {
  const value = { 'a.w': tensorOf('F16', [4, 3]) };
  const changed = (change: (parts: ReturnType<typeof torchParts>) => void): Buffer => { const parts = torchParts(value); change(parts); return zipOf(parts); };
  const part = (parts: ReturnType<typeof torchParts>, name: string) => parts.find((p) => p.name.endsWith(name))!;
  test('with a comment, without byteorder and without a folder', async () => {
    expect(namesOf(await parse(torchZip(value, { comment: 'hello' })))).toEqual(['a.w']);
    expect(namesOf(await parse(zipOf(torchParts(value).filter((p) => !p.name.endsWith('byteorder')))))).toEqual(['a.w']);
    expect(namesOf(await parse(zipOf(torchParts(value).map((p) => ({ ...p, name: p.name.replace('archive/', '') })))))).toEqual(['a.w']);
  });
  test.each<[string, Buffer, string, RegExp]>([
    ['compressed weights', changed((parts) => { part(parts, 'data/0').deflate = true; }), 'weights.unsupportedLayout', /“archive\/data\/0” compressed/],
    ['a compressed pickle', changed((parts) => { part(parts, 'data.pkl').deflate = true; }), 'weights.unsupportedLayout', /data\.pkl” compressed/],
    ['big-endian numbers', changed((parts) => { part(parts, 'byteorder').data = Buffer.from('big'); }), 'weights.unsupportedLayout', /big-endian/],
    ['a storage that is not there', changed((parts) => { part(parts, 'data/0').name = 'archive/data/1'; }), 'weights.badOffsets', /lacks the storage 0/],
    ['two pickles', changed((parts) => { parts.push({ name: 'other/data.pkl', data: new Uint8Array(3) }); }), 'model.notACheckpoint', /no model that PyTorch saved/],
    ['a name given twice', changed((parts) => { parts.push(part(parts, 'data/0')); }), 'weights.badHeader', /“archive\/data\/0” twice/],
    ['another zip', zipOf([{ name: 'cat.png', data: new Uint8Array(9) }]), 'model.notACheckpoint', /zip file/],
  ])('%s', async (_, bytes, code, message) => {
    expect(await refusalOf(parse(bytes))).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.any(String) });
  });
});

describe('legacy', () => {
  test('big-endian is refused', async () => {
    await expect(parse(torchLegacy({ w: tensorOf('F32', [1]) }, { littleEndian: false }))).rejects.toMatchObject({ code: 'weights.unsupportedLayout' });
  });
  test('a view of a storage begins where it says', async () => {
    const storage = { ...countingStorage('F32', 20), view: { start: 5, count: 10 } };
    const bytes = torchLegacy({ w: new TestTensor(storage, [4, 2], { offset: 2 }) }), { w } = Object.fromEntries((await parse(bytes)).tensors);
    expect(elementsOf(bytes, w!)).toEqual(storage.data.subarray(4 * 7, 4 * 15));
    await expect(parse(torchLegacy({ w: new TestTensor(storage, [10], { offset: 2 }) }))).rejects.toMatchObject({ code: 'weights.badOffsets' });
  });
  test('a pickle longer than the first megabyte', async () => {
    const bytes = torchLegacy({ note: 'x'.repeat(3_000_000), w: tensorOf('F32', [2]) });
    expect(namesOf(await parse(bytes))).toEqual(['w']);
  });
  test('a pickle that PyTorch did not write is no model', async () => {
    await expect(parse(bytesOf(op.proto(2), ']', op.stop))).rejects.toMatchObject({ code: 'model.notACheckpoint' });
  });
});

describe('what people have', () => {
  const callback = new Raw(op.global('pytorch_lightning.callbacks.model_checkpoint', 'ModelCheckpoint'));
  const number = (value: string): Raw => new Raw(op.global('numpy.core.multiarray', 'scalar'), '(', op.global('numpy', 'dtype'), op.unicode('f8'), 'K\x00K\x01', op.tuple3, op.reduce, op.bytes(Buffer.from(value)), 't', op.reduce);
  const listed = (name: string): Record<string, TestTensor> => {
    // No weights behind the names: all tensors share one small storage's first bytes, by shapes of size 0.
    return Object.fromEntries(referenceTensors(name).map(([key, shape, dtype]) => [key, new TestTensor(tiny(dtype), [0, ...shape.slice(1)])]));
  };
  const storages = new Map<StoredDType, ReturnType<typeof countingStorage>>();
  const tiny = (dtype: StoredDType) => storages.get(dtype) ?? storages.set(dtype, countingStorage(dtype, 1)).get(dtype)!;

  test('Stable Diffusion 1.4 as it came: a Lightning checkpoint with callbacks, optimizer and numpy numbers; no class of them is run', async () => {
    const file = await parse(torchZip({
      epoch: 11, global_step: 470000, 'pytorch-lightning_version': '1.4.2', state_dict: { ...listed('sd15-checkpoint') },
      callbacks: new Map<Value, Value>([[callback, { monitor: 'val/loss', best_model_score: tensorOf('F32', []), best_model_path: '/x', current_score: number('12345678') }]]),
      optimizer_states: [{ state: { 0: { step: 3, exp_avg: tensorOf('F32', [4]) } }, param_groups: [{ lr: 1e-4, betas: new Tuple(0.9, 0.999) }] }], lr_schedulers: [{ base_lrs: [1e-4] }],
    }));
    expect(namesOf(file)).toEqual(referenceTensors('sd15-checkpoint').map(([name]) => name));
    expect(file.metadata).toEqual({ epoch: '11', global_step: '470000', 'pytorch-lightning_version': '1.4.2' });
  });

  test.each<[string, Value, object]>([
    ['an embedding of AUTOMATIC1111', { string_to_token: { '*': 265 }, string_to_param: { '*': tensorOf('F32', [4, 768]) }, name: 'cat-toy', step: 1499, sd_checkpoint: '4bdfc29c', sd_checkpoint_name: 'v1-5' },
      { kind: 'embedding', family: 'sd1', parameters: 3072, metadata: { name: 'cat-toy', step: '1499', sd_checkpoint: '4bdfc29c', sd_checkpoint_name: 'v1-5' } }],
    ['an embedding of the first trainer, a ParameterDict', { string_to_token: { '*': tensorOf('I64', []) }, string_to_param: new Raw(op.global('torch.nn.modules.container', 'ParameterDict'), ')', op.newobj, '}(', op.unicode('training'), op.true,
      op.unicode('_parameters'), '}(', op.unicode('*'), tensorOf('F32', [2, 768]), 'u', 'u', op.build) }, { kind: 'embedding', family: 'sd1', parameters: 1536 }],
    ['a diffusers embedding', { '<cat-toy>': tensorOf('F32', [1024]) }, { kind: 'embedding', family: 'sd2' }],
    ['a hypernetwork', new Map<Value, Value>([...[768, 320, 640, 1280].map((width) => [width, new Tuple(
      { 'linear.0.weight': tensorOf('F32', [2 * width, 4]), 'linear.0.bias': tensorOf('F32', [2]) }, { 'linear.0.weight': tensorOf('F32', [2, 4]) })] as [Value, Value]), ['step', 2000], ['name', 'ink'], ['layer_structure', [1, 2, 1]]]),
      { kind: 'hypernetwork', family: 'sd1', metadata: { step: '2000', name: 'ink', layer_structure: '[1,2,1]' } }],
    ['an ESRGAN upscaler of the old layout', Object.fromEntries([['model.0.weight', [64, 3, 3, 3]], ['model.1.sub.0.RDB1.conv1.0.weight', [32, 64, 3, 3]], ...[3, 6, 8, 10].map((i) => [`model.${i}.weight`, [64, 64, 3, 3]])]
      .map(([name, shape]) => [name, tensorOf('F32', shape as Dims)])), { kind: 'upscaler', scale: 4 }],
    ['a Real-ESRGAN upscaler', { params_ema: Object.fromEntries(['conv_first.weight', 'body.0.rdb1.conv1.weight', 'conv_up1.weight', 'conv_up2.weight', 'conv_last.weight'].map((name) => [name, tensorOf('F32', [8, 3, 3, 3])])) }, { kind: 'upscaler', scale: 4 }],
  ])('%s', async (_, value, expected) => {
    for (const [, write] of forms) expect(identify(await parse(write(value)))).toMatchObject(expected);
  });

  test('the OrderedDict of a state dict, with the versions that torch puts on it', async () => {
    const dictionary = new Raw(orderedDict({}), '}(', op.unicode('_metadata'), orderedDict({ version: '1' }), 'u', op.build);
    expect(namesOf(await parse(torchZip({ state_dict: { w: tensorOf('F32', [1]) }, hooks: dictionary })))).toEqual(['w']);
  });
});

describe('on disk', () => {
  const folder = scratchFolder();
  const write = (name: string, bytes: Uint8Array): string => { const path = join(folder, name); writeFileSync(path, bytes); return path; };

  test('a whole checkpoint is the same in every form', async () => {
    const path = await randomCheckpoint(), bytes = readFileSync(path), original = await openWeightFile(path), value = { state_dict: stateDictFrom(original, bytes), global_step: 5 };
    const { metadata: _m, sizeBytes: _s, ...said } = identify(original);
    for (const [form, writeForm] of forms) {
      const pickled = writeForm(value), file = await openWeightFile(write(`${form}.ckpt`, pickled));
      expect(identify(file), form).toMatchObject(said);
      expect(said).toMatchObject({ kind: 'checkpoint', family: 'sd1', runnable: true, problems: [] });
      for (const entry of original.tensors.values()) expect(Buffer.compare(elementsOf(pickled, file.tensors.get(entry.name)!), elementsOf(bytes, entry)), entry.name).toBe(0);
      expect(await scanNotFinite(file)).toEqual([]);
      expect(identify(file, { prediction: 'v' }).prediction).toBe('v');
    }
  });

  test('a zip of more than 4 GB', async () => {
    const hole = 5 * 2 ** 30, values = { a: tensorOf('F32', [3]), b: tensorOf('F16', [4], 5) }, zip = torchZip(values, { wide: true });
    const cut = zip.indexOf('PK\x03\x04', 1), record = zip.indexOf('PK\x06\x06');
    const move = (at: number): unknown => zip.writeBigUInt64LE(zip.readBigUInt64LE(at) + BigInt(hole), at);
    for (let at = zip.indexOf('PK\x01\x02', zip.indexOf('PK\x01\x02') + 1); at >= 0; at = zip.indexOf('PK\x01\x02', at + 1)) move(at + 46 + zip.readUInt16LE(at + 28) + 20);
    move(record + 48);
    move(zip.indexOf('PK\x06\x07') + 8);
    const path = join(folder, 'big.ckpt'), handle = openSync(path, 'w');
    writeSync(handle, zip, 0, cut, 0);
    writeSync(handle, zip, cut, zip.length - cut, cut + hole);     // a sparse file: the hole takes no room
    closeSync(handle);
    const file = await openWeightFile(path), { offset, byteLength } = file.tensors.get('b')!;
    expect(file.sizeBytes).toBe(zip.length + hole);
    expect(await withFile(path, (source) => source.read(offset, byteLength))).toEqual(values.b.storage.data);
  });

  test('AutoV3 of a pickle is of the whole file', async () => {
    const path = write('hash.pt', torchZip({ w: tensorOf('F32', [5]), sshs_model_hash: 'ab'.repeat(32) })), sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    expect(await hashModel(await openWeightFile(path))).toMatchObject({ sha256, autov2: sha256.slice(0, 10), autov3: sha256.slice(0, 12) });
  });

  test('networks compute the same from bytes in any order and at any place of the file', async () => {
    const shapes: Record<string, Dims> = { 'conv.weight': [6, 4, 3, 3], 'conv.bias': [6], 'point.weight': [5, 6, 1, 1], 'point.bias': [5], 'packed.weight': [10, 5] };
    const data = Object.fromEntries(Object.entries(shapes).map(([name, shape], n) => [name, new Uint8Array(Float32Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + n)).buffer)]));
    const stored = (order: (shape: Dims) => Dims | null): Record<string, TestTensor> => Object.fromEntries(Object.entries(shapes).map(([name, shape]) => {
      const axes = order(shape);
      return [name, axes ? reordered('F32', shape, data[name]!, axes) : new TestTensor({ dtype: 'F32', data: data[name]! }, shape)];
    }));
    const straight = stored(() => null), turned = stored((shape) => (shape.length === 4 ? [0, 2, 3, 1] : shape.length === 2 ? [1, 0] : null));
    const x = float32([1, 4, 5, 5], Float32Array.from({ length: 100 }, (_, i) => Math.cos(i)));
    const run = async (path: string): Promise<number[]> => {
      const file = await openWeightFile(path), g = new Graph('turned'), w = new Weights(g, file);
      const h = conv(g, w.at('point'), conv(g, w.at('conv'), g.input('x', 'float32', x.dims), 6), 5, { kernel: 1 });          // [1, 5, 5, 5]
      g.output('out', g.apply('Linear', [h, w.at('packed').rows('weight', [10, 5], 3, 4)]));
      g.output('tokens', linear(g, w.at('point'), g.apply('Reshape', [g.input('y', 'float32', [4, 6])], { dims: [4, 6] }), 5, { as1x1: true }));
      const results = await evaluate(ortRuntime({ threads: 1 }), g, { x, y: float32([4, 6], x.data.slice(0, 24)) });
      return [...results['out']!.data, ...results['tokens']!.data];
    };
    const want = await run(write('straight.pt', torchZip(straight)));
    expect(want.some((value) => Math.abs(value) > 0.5)).toBe(true);
    // A byte in front moves the legacy file's floats off every alignment.
    for (const [name, bytes] of [['turned.pt', torchZip(turned)], ['old.pt', torchLegacy({ a: 'x', ...turned })], ['odd.pt', torchLegacy({ a: 'xy', ...straight })], ['odd3.pt', torchLegacy({ a: 'xyz', ...straight })]] as const) {
      const got = await run(write(name, bytes));
      expect(Math.max(...got.map((value, i) => Math.abs(value - want[i]!))), name).toBeLessThan(1e-5);
    }
  });
});
