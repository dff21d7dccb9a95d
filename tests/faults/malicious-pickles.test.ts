// Model files that were made to do harm: each is refused, by name where it asks for code, without running anything, hanging or filling the memory.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../main/engine/errors';
import { sizeOf } from '../../main/engine/tensor';
import { parseTorchCheckpoint } from '../../main/engine/weights/pickle/checkpoint';
import { dtypeBytes } from '../../main/engine/weights/dtypes';
import type { ByteSource } from '../../main/engine/weights/source';
import { openWeightFile } from '../../main/files/weight-file';
import { memoryFile, scratchFolder } from '../support/checkpoints';
import { bytesOf, countingStorage, deviceTensor, numpyArray, op, reordered, tensorOf, TestTensor, torchLegacy, torchParts, torchZip, Tuple, zipOf, type Part } from '../support/pickles';
import { fuzzRuns } from '../support/fuzz';
import { expectBounded, expectLinear } from '../support/growth';
import { refusalOf, wordsFor } from '../support/words';

const folder = scratchFolder();
const witness = join(folder, 'it-ran');
const command = bytesOf(op.unicode(`touch ${witness}`), op.tuple1);
const harmless = op.global('collections', 'OrderedDict');

async function refusal(bytes: Uint8Array): Promise<AppError> {
  const error = await parseTorchCheckpoint(memoryFile(bytes, '/models/evil.ckpt')).then(() => null, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect(wordsFor(error)).toMatchObject({ message: expect.stringContaining('evil.ckpt'), hint: expect.stringMatching(/\S/) });
  return error as AppError;
}

/** The same pickle in each place where a program might load it: in a zip, in the old format, and bare. */
const wrapped = (pickle: Uint8Array): [string, Uint8Array][] => [['zip', torchZip(pickle)], ['legacy', torchLegacy(pickle)], ['bare', pickle]];

describe('code is never run, and named', () => {
  const attacks: [string, string, Part[]][] = [
    ['GLOBAL and REDUCE', 'os.system', [op.global('os', 'system'), command, op.reduce]],
    ['STACK_GLOBAL', 'posix.system', [op.unicode('posix'), op.unicode('system'), op.stackGlobal, command, op.reduce]],
    ['STACK_GLOBAL with names from the memo', 'nt.system', [op.unicode('nt'), op.binput(1), op.unicode('system'), op.binput(2), op.pop, op.pop, op.binget(1), op.binget(2), op.stackGlobal]],
    ['INST', 'os.system', ['(', op.unicode('ls'), op.inst('os', 'system')]],
    ['OBJ', 'subprocess.Popen', ['(', op.global('subprocess', 'Popen'), op.unicode('ls'), op.obj]],
    ['NEWOBJ', 'subprocess.Popen', [op.global('subprocess', 'Popen'), command, op.newobj]],
    ['NEWOBJ_EX', 'subprocess.Popen', [op.global('subprocess', 'Popen'), command, '}', op.newobjEx]],
    ['BUILD with __setstate__', 'some.Thing', [op.global('some', 'Thing'), ')', op.reduce, '}', op.build]],
    ['builtins.eval', 'builtins.eval', [op.global('builtins', 'eval'), op.unicode('1+1'), op.tuple1, op.reduce]],
    ['__builtin__.exec', '__builtin__.exec', [op.global('__builtin__', 'exec')]],
    ['getattr, to reach further', 'builtins.getattr', [op.global('builtins', 'getattr'), op.global('torch', 'Size')]],
    ['a dotted name below a module that is allowed', 'torch.os.system', [op.global('torch', 'os.system'), command, op.reduce]],
    ['a dotted name in the module', 'torch.os.system', [op.global('torch.os', 'system')]],
    ['a dotted name by STACK_GLOBAL', 'collections.OrderedDict.__reduce__', [op.unicode('collections'), op.unicode('OrderedDict.__reduce__'), op.stackGlobal]],
    ['a nested reduce', 'os.system', [harmless, '(]', '(', op.global('os', 'system'), command, op.reduce, 'tat', op.reduce]],
    ['a reduce inside of a tensor\'s arguments', 'os.system', [op.global('torch._utils', '_rebuild_tensor_v2'), '(', op.global('os', 'system'), command, op.reduce]],
    ['torch.load inside of torch.load', 'torch.storage._load_from_bytes', [op.global('torch.storage', '_load_from_bytes'), op.bytes(new Uint8Array(4)), op.tuple1, op.reduce]],
    ['a call of a class that may only be mentioned', 'pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint', [op.global('pytorch_lightning.callbacks.model_checkpoint', 'ModelCheckpoint'), ')', op.reduce]],
    ['a number of the copyreg registry', 'copyreg extension 7', [[0x82, 7]]],
    ['an import for its side effects', 'antigravity.x', [op.global('antigravity', 'x'), op.pop]],
    ['a name behind a valid state dict', 'os.system', ['}(', op.unicode('epoch'), 'K\x01u', '0', op.global('os', 'system')]],
    ['a name of an object\'s property', '__proto__.constructor', [op.global('__proto__', 'constructor')]],
    ['a rebuild that calls anything', 'os.system', [op.global('torch._tensor', '_rebuild_from_type_v2'), '(', op.global('os', 'system')]],
  ];
  test.each(attacks)('%s', async (_, name, parts) => {
    for (const proto of [2, 4]) {
      for (const [form, bytes] of wrapped(bytesOf(op.proto(proto), ...parts, op.stop))) {
        const error = await refusal(bytes);
        expect([form, error.info]).toEqual([form, { code: 'weights.forbiddenGlobal', data: { file: '/models/evil.ckpt', global: name } }]);
        expect(wordsFor(error).message).toContain(`asks for ${name}`);
        expect(wordsFor(error).message).toMatch(/did not run/);
      }
    }
    expect(existsSync(witness)).toBe(false);
  });

  test('on disk, with any ending and in protocol 0', async () => {
    const parts: [string, Uint8Array][] = [['a.ckpt', bytesOf('cos\nsystem\n(S\'touch x\'\ntR.')], ['b.bin', bytesOf("(S'ls'\nios\nsystem\n.")], ['c.safetensors', torchZip(bytesOf(op.proto(2), op.global('os', 'system'), op.stop))], ['d.pt', bytesOf(op.proto(5), op.global('os', 'system'), op.stop)]];
    for (const [name, bytes] of parts) {
      writeFileSync(join(folder, name), bytes);
      expect(await refusalOf(openWeightFile(join(folder, name)))).toMatchObject({ code: 'weights.forbiddenGlobal', message: expect.stringContaining('os.system') });
    }
  });
  test('a name that tries to rewrite the message is shown without its tricks', async () => {
    const error = await refusal(torchZip(bytesOf(op.global(`os\x1b[2K\rall is well\u0085${'x'.repeat(5000)}`, 'system'), op.stop)));
    expect(wordsFor(error).message).not.toMatch(/\p{Cc}/u);
    expect(wordsFor(error).message.length).toBeLessThan(400);
  });
});

describe('nothing hangs or fills the memory', () => {
  const times = (part: Part, count: number): Buffer => { const bytes = bytesOf(part); return Buffer.alloc(bytes.length * count, bytes); };
  // a = [x, x], b = [a, a], … : forty lists whose walk takes 2⁴⁰ steps.
  const doubling = bytesOf(']', ...Array.from({ length: 40 }, () => bytesOf(op.binput(1), op.pop, ']', op.binget(1), 'a', op.binget(1), 'a')));
  /** A tensor on the stack; its function and arguments are in the memo at 1 and 2. */
  const tensorCall = (shape: readonly number[]): Buffer => {
    const sizes = bytesOf('(', ...shape.map(op.int), 't');
    return bytesOf(op.global('torch._utils', '_rebuild_tensor_v2'), op.binput(1), '((', op.unicode('storage'), op.global('torch', 'FloatStorage'), op.unicode('0'), op.unicode('cpu'), op.int(1), 't', op.persid, op.int(0), sizes, sizes, op.false, 'Nt', op.binput(2), op.reduce);
  };
  const longNames = (n: number): Buffer => bytesOf(...Array.from({ length: n }, (_, i) => bytesOf(op.unicode(String(i).padStart(450, 'x')), op.binget(3))));
  /** Each of a size: a refusal takes time in proportion to it, or the same time however much further it goes. */
  const bombs: [string, (n: number) => Uint8Array, number, 'linear' | 'same'][] = [
    ['lists in lists', (n) => bytesOf(times(']', n), times('a', n - 1)), 200_000, 'linear'],
    ['values on the stack', (n) => times('N', n), 3_000_000, 'linear'],
    ['DUP and APPEND without end', (n) => bytesOf(']', times('2', n), times('a', n)), 1_100_000, 'linear'],
    ['dictionaries', (n) => times('}', n), 3_000_000, 'linear'],
    ['a huge memo', (n) => bytesOf('N', times(op.memoize, n)), 3_000_000, 'linear'],
    ['marks without end', (n) => times('(', n), 3_000_000, 'linear'],
    ['a big list copied again and again', (n) => bytesOf('(', times('N', 1_000_000), 'l', op.binput(1), op.pop, times(bytesOf(op.global('builtins', 'set'), op.binget(1), op.tuple1, op.reduce, op.pop), n)), 1000, 'same'],
    ['a big text turned to bytes again and again', (n) => bytesOf(op.unicode('x'.repeat(1_000_000)), op.binput(1), op.pop, times(bytesOf(op.global('_codecs', 'encode'), op.binget(1), op.unicode('latin1'), op.tuple2, op.reduce, op.pop), n)), 1000, 'same'],
    ['LONG of digits', (n) => bytesOf(`L${'9'.repeat(n)}L\n`), 1_000_000, 'linear'],
    ['a long line', (n) => bytesOf("S'", Buffer.alloc(n, '\\x41'), "'\n"), 6_000_000, 'same'],
    ['an array\'s bytes decoded again and again', (n) => bytesOf(op.unicode('x'.repeat(1_000_000)), op.binput(1), op.pop, op.global('numpy.core.multiarray', '_reconstruct'), '(tR', op.binput(2), op.pop, op.global('numpy', 'dtype'), op.unicode('u1'), op.tuple1, op.reduce, op.binput(3), op.pop,
      times(bytesOf(op.binget(2), '(', op.int(1), op.int(1_000_000), op.tuple1, op.binget(3), op.false, op.binget(1), 't', op.build, op.pop), n)), 1000, 'same'],
    ['tensors of 64 axes', (n) => bytesOf(']', tensorCall(Array<number>(64).fill(1)), op.pop, times(bytesOf(op.binget(1), op.binget(2), op.reduce, 'a'), n)), 400_000, 'linear'],
    ['a tensor under long names', (n) => bytesOf(tensorCall([1]), op.binput(3), op.pop, '}', op.mark, longNames(n), 'u', op.binput(3), op.pop, '}', op.mark, longNames(n), 'u'), 990, 'same'],
  ];
  describe.each(bombs)('%s', (_, body, n, growth) => {
    const zip = (size: number): Uint8Array => torchZip(bytesOf(op.proto(2), body(size), op.stop));
    test('is refused', async () => {
      for (const bytes of [zip(n), torchLegacy(bytesOf(op.proto(2), body(n), op.stop))]) expect((await refusal(bytes)).code).toBe('weights.badHeader');
    });
    test(`takes ${growth === 'linear' ? 'linear' : 'the same'} time`, () => {
      const made = new Map<number, Uint8Array>();
      const read = (size: number): Promise<unknown> => {
        const bytes = made.get(size) ?? zip(size);
        made.set(size, bytes);
        return parseTorchCheckpoint(memoryFile(bytes)).catch(() => null);
      };
      return growth === 'linear' ? expectLinear(read, n / 40) : expectBounded(read, n);
    });
  });
  test.each<[string, Uint8Array, string]>([
    ['a list that holds itself', bytesOf(']', op.dup, 'a'), 'weights.badHeader'],
    ['a dictionary that holds itself', bytesOf('}', op.dup, op.unicode('a'), op.binput(1), op.pop, op.binget(1), 'N', 's', op.binput(2), op.pop, '}', op.binput(3), op.unicode('a'), op.binget(3), 's'), 'weights.badHeader'],
    ['lists that double, forty times', doubling, 'weights.badHeader'],
    ['a rebuild of itself', bytesOf(op.global('torch._tensor', '_rebuild_from_type_v2'), ']', op.binput(1), op.global('torch._tensor', '_rebuild_from_type_v2'), 'a', 'Na', op.binget(1), 'a', op.reduce), 'weights.badHeader'],
    ['LONG4 of two billion bytes', bytesOf([0x8b, 0xff, 0xff, 0xff, 0x7f]), 'weights.badHeader'],
    ['a text of four billion bytes', bytesOf('X', [0xff, 0xff, 0xff, 0xff]), 'weights.truncated'],
    ['bytes of 2⁶³', bytesOf([0x96, 0, 0, 0, 0, 0, 0, 0, 0x80]), 'weights.truncated'],
  ])('%s', async (_, body, code) => {
    for (const bytes of [torchZip(bytesOf(op.proto(2), body, op.stop)), torchLegacy(bytesOf(op.proto(2), body, op.stop))]) expect((await refusal(bytes)).code).toBe(code);
  });

  test('PUT with a huge index takes no more room than any other', async () => {
    const pickle = bytesOf(op.proto(2), '}', op.longBinput(0xffff_ffff), 'p9007199254740991\n', op.stop);
    expect((await refusal(torchZip(pickle))).code).toBe('model.notACheckpoint');
  });
  test('a long name for a thousand tensors', async () => {
    const { data } = countingStorage('F32', 1), tensor = new TestTensor({ dtype: 'F32', data }, [1]);
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [String(i), tensor]));
    expect((await refusal(torchZip({ ['x'.repeat(1_000_000)]: many }))).data).toMatchObject({ why: 'longName', length: 1_000_002 });
  });
  test('a huge shape claims nothing', async () => {
    const storage = { ...countingStorage('F32', 4), claims: 2 ** 40 };
    expect((await refusal(torchZip({ w: new TestTensor(storage, [2 ** 20, 2 ** 20]) }))).code).toBe('weights.badOffsets');
    expect((await refusal(torchLegacy({ w: new TestTensor(storage, [2 ** 20, 2 ** 20]) }))).code).toBe('weights.truncated');
  });
});

describe('zips that mislead', () => {
  const value = { a: tensorOf('F32', [16]), b: tensorOf('F32', [16], 3) };
  const central = 0x0201_4b50, local = 0x0403_4b50;
  /** Positions of a signature in the zip. */
  const find = (zip: Buffer, signature: number): number[] => Array.from({ length: zip.length - 4 }, (_, at) => at).filter((at) => zip.readUInt32LE(at) === signature);
  const entryOf = (zip: Buffer, name: string): number => find(zip, central).find((at) => zip.toString('latin1', at + 46, at + 46 + zip.readUInt16LE(at + 28)) === name)!;
  const edited = (edit: (zip: Buffer) => void, wide = false): Buffer => { const zip = torchZip(value, { wide }); edit(zip); return zip; };
  const end = (zip: Buffer): number => zip.length - 22;

  test.each<[string, Buffer, string, RegExp]>([
    ['entries that overlap', edited((zip) => zip.copy(zip, entryOf(zip, 'archive/data/1') + 42, entryOf(zip, 'archive/data/0') + 42, entryOf(zip, 'archive/data/0') + 46)), 'weights.badOffsets', /over other parts/],
    ['an entry behind the end', edited((zip) => zip.writeUInt32LE(0x7fff_ffff, entryOf(zip, 'archive/data/1') + 42)), 'weights.badOffsets', /over other parts/],
    ['an entry that swallows the rest', edited((zip) => { for (const at of [20, 24]) zip.writeUInt32LE(0x7fff_0000, entryOf(zip, 'archive/data/0') + at); }), 'weights.badOffsets', /over other parts/],
    ['an entry that begins inside another\'s data', edited((zip) => { zip.writeUInt16LE(0xff00, find(zip, local)[2]! + 28); }), 'weights.badOffsets', /over other parts/],
    ['a local header that is none', edited((zip) => zip.writeUInt32LE(0, find(zip, local)[2]!)), 'weights.badHeader', /no “archive\/data\/0”/],
    ['a storage shorter than claimed', edited((zip) => { for (const at of [20, 24]) zip.writeUInt32LE(60, entryOf(zip, 'archive/data/1') + at); }), 'weights.badOffsets', /60 bytes in storage 1, but its pickle claims 64/],
    ['an encrypted entry', edited((zip) => zip.writeUInt16LE(1, entryOf(zip, 'archive/data.pkl') + 8)), 'weights.unsupportedLayout', /encrypted/],
    ['a directory of four gigabytes', edited((zip) => zip.writeUInt32LE(0xffff_fff0, end(zip) + 12)), 'weights.badHeader', /directory/],
    ['a directory behind the end', edited((zip) => zip.writeUInt32LE(0x7fff_ffff, end(zip) + 16)), 'weights.badHeader', /directory/],
    ['a zip64 locator that leads nowhere', edited((zip) => zip.fill(0xff, end(zip) - 12, end(zip) - 4), true), 'weights.badHeader', /locator/],
    ['zip64 sizes of 2⁶⁴ − 1', edited((zip) => zip.fill(0xff, end(zip) - 20 - 56 + 40, end(zip) - 20), true), 'weights.badHeader', /directory/],
    ['zip64 without its extra field', edited((zip) => zip.writeUInt16LE(9, entryOf(zip, 'archive/data/0') + 46 + 'archive/data/0'.length), true), 'weights.badHeader', /lacks the size/],
    ['a bomb: a megabyte of zeros in a kilobyte', zipOf(torchParts(value).map((part) => (part.name.endsWith('data.pkl') ? { ...part, data: new Uint8Array(1 << 20), deflate: true } : part))), 'weights.unsupportedLayout', /compressed/],
  ])('%s', async (_, bytes, code, message) => {
    const error = await refusal(bytes);
    expect(error.code).toBe(code);
    expect(wordsFor(error).message).toMatch(message);
  });

  test('a pickle of a hundred megabytes is not read', async () => {
    const bytes = zipOf(torchParts(value).map((part) => (part.name.endsWith('data.pkl') ? { ...part, data: new Uint8Array(100 << 20) } : part)));
    const source = memoryFile(bytes), read = vi.fn(source.read);
    await expect(parseTorchCheckpoint({ ...source, read })).rejects.toMatchObject({ code: 'weights.badHeader' });
    expect(Math.max(...read.mock.calls.map(([, length]) => length))).toBeLessThan(1 << 20);
  });
});

describe('fuzz', () => {
  /** Reads like a real file and fails the test when more is asked for than there is. */
  const strict = (bytes: Uint8Array): ByteSource => ({ ...memoryFile(bytes), read: async (offset, length) => {
    if (!(offset >= 0 && length >= 0 && offset + length <= bytes.length)) throw new Error(`read ${length} bytes at ${offset} of ${bytes.length}`);
    return bytes.slice(offset, offset + length);
  } });
  /** A file that is read must be sound: every tensor inside of the file, and as long as its shape says. */
  const readsOrRefuses = async (bytes: Uint8Array): Promise<void> => {
    const file = await parseTorchCheckpoint(strict(bytes)).catch((error: unknown) => { if (!(error instanceof AppError)) throw error; return null; });
    for (const { shape, dtype, offset, byteLength, layout, strides, data } of file?.tensors.values() ?? []) {
      const size = dtypeBytes[dtype], reach = strides ? shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, 1) : sizeOf(shape);
      expect([byteLength, sizeOf(shape) <= reach]).toEqual([reach * size, true]);
      expect(data ? data.length >= byteLength : offset >= 0 && offset + byteLength <= bytes.length).toBe(true);
      if (layout) expect(layout.perm.map((axis) => layout.shape[axis])).toEqual(shape);
    }
  };
  const runs = fuzzRuns(1000);
  const state = {
    state_dict: { 'a.w': tensorOf('F16', [4, 3]), 'a.b': tensorOf('F32', [4]), t: reordered('F32', [2, 3], countingStorage('F32', 6).data, [1, 0]), e: tensorOf('F8_E4M3', [3]) },
    epoch: 3, pairs: new Tuple(1, 'x'), ids: [1, 2], shared: new TestTensor(countingStorage('I64', 4), [2], { offset: 1 }),
  };
  const device = { w: deviceTensor(numpyArray('f4', [2, 3], countingStorage('F32', 6).data)), f: deviceTensor(numpyArray('f2', [2, 2], countingStorage('F16', 4).data, { isFortran: true, order: '>' })), v: new TestTensor(countingStorage('F16', 12), [3, 2], { strides: [4, 1] }) };
  const valid = [torchZip(state), torchZip(state, { wide: true }), torchLegacy(state), torchZip(device), torchLegacy(device)];

  test('random bytes', () => fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), readsOrRefuses), { numRuns: runs }));
  test('random bytes as the pickle of a zip', () => fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => readsOrRefuses(torchZip(bytes))), { numRuns: runs }));
  test('random instructions', () => {
    const some = fc.constantFrom<Part>(...'(0N2]})aelutdsbRqr.', op.tuple1, op.tuple2, op.tuple3, op.newobj, op.obj, op.emptySet, op.addItems, op.frozenset, op.memoize, op.binput(0), op.binget(0), op.persid, 'K\x01', op.true,
      op.unicode('storage'), op.unicode('0'), op.unicode('_parameters'), op.global('torch', 'FloatStorage'), op.global('torch._utils', '_rebuild_tensor_v2'), op.global('torch._utils', '_rebuild_parameter'), harmless,
      op.global('builtins', 'set'), op.global('_codecs', 'encode'), op.global('torch.nn.modules.container', 'ParameterDict'), op.global('numpy', 'dtype'), op.global('torch._tensor', '_rebuild_from_type_v2'), op.global('torch', 'Size'),
      op.global('numpy.core.multiarray', '_reconstruct'), op.global('numpy', 'ndarray'), op.global('numpy._core.multiarray', 'scalar'), op.global('numpy.core.numeric', '_frombuffer'), op.global('torch._utils', '_rebuild_device_tensor_from_numpy'), op.unicode('f4'), op.unicode('<'), op.build);
    return fc.assert(fc.asyncProperty(fc.array(some, { maxLength: 60 }), (parts) => readsOrRefuses(torchZip(bytesOf(op.proto(2), ...parts, op.stop)))), { numRuns: 3 * runs });
  });
  test('valid files with bytes changed, cut or added', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });
    return fc.assert(fc.asyncProperty(fc.constantFrom(...valid), edits, fc.option(fc.nat()), fc.uint8Array({ maxLength: 8 }), async (file, changes, keep, extra) => {
      const bytes = new Uint8Array([...file.subarray(0, keep === null ? file.length : keep % file.length), ...extra]);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      await readsOrRefuses(bytes);
    }), { numRuns: 3 * runs });
  });
  test('every single byte of a valid file set to 0, 1, 127 and 255', async () => {
    for (const file of valid) {
      for (let at = 0; at < file.length; at++) {
        for (const byte of [0, 1, 127, 255]) {
          const bytes = Uint8Array.from(file);
          bytes[at] = byte;
          await readsOrRefuses(bytes);
        }
      }
    }
  });
});
