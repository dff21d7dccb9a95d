// Model files that were made to do harm: each is refused, by name where it asks for code, without running anything, hanging or filling the memory.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { AppError } from '../../main/engine/errors';
import { sizeOf } from '../../main/engine/tensor';
import { parseTorchCheckpoint } from '../../main/engine/weights/pickle/checkpoint';
import { dtypeBytes } from '../../main/engine/weights/safetensors';
import type { ByteSource } from '../../main/engine/weights/source';
import { openWeightFile } from '../../main/files/weight-file';
import { memoryFile, scratchFolder } from '../support/checkpoints';
import { bytesOf, countingStorage, op, reordered, tensorOf, TestTensor, torchLegacy, torchParts, torchZip, Tuple, zipOf, type Part } from '../support/pickles';
import { fuzzRuns } from '../support/fuzz';

const folder = scratchFolder();
const witness = join(folder, 'it-ran');
const command = bytesOf(op.unicode(`touch ${witness}`), op.tuple1);
const harmless = op.global('collections', 'OrderedDict');

async function refusal(bytes: Uint8Array): Promise<AppError> {
  const error = await parseTorchCheckpoint(memoryFile(bytes, '/models/evil.ckpt')).then(() => null, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  expect((error as AppError).message).toContain('evil.ckpt');
  expect((error as AppError).hint).toBeTruthy();
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
        expect([form, error.code, error.data?.['global']]).toEqual([form, 'weights.forbiddenGlobal', name]);
        expect(error.message).toContain(`asks for ${name}`);
        expect(error.message).toMatch(/did not run/);
      }
    }
    expect(existsSync(witness)).toBe(false);
  });

  test('on disk, with any ending and in protocol 0', async () => {
    const parts: [string, Uint8Array][] = [['a.ckpt', bytesOf('cos\nsystem\n(S\'touch x\'\ntR.')], ['b.bin', bytesOf("(S'ls'\nios\nsystem\n.")], ['c.safetensors', torchZip(bytesOf(op.proto(2), op.global('os', 'system'), op.stop))], ['d.pt', bytesOf(op.proto(5), op.global('os', 'system'), op.stop)]];
    for (const [name, bytes] of parts) {
      writeFileSync(join(folder, name), bytes);
      await expect(openWeightFile(join(folder, name)), name).rejects.toMatchObject({ code: 'weights.forbiddenGlobal', message: expect.stringContaining('os.system') });
    }
  });
  test('a name that tries to rewrite the message is shown without its tricks', async () => {
    const error = await refusal(torchZip(bytesOf(op.global(`os\x1b[2K\rall is well\u0085${'x'.repeat(5000)}`, 'system'), op.stop)));
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(400);
  });
});

describe('nothing hangs or fills the memory', () => {
  const times = (part: Part, count: number): Buffer => { const bytes = bytesOf(part); return Buffer.alloc(bytes.length * count, bytes); };
  const deepList = bytesOf(times(']', 200_000), times('a', 199_999));
  // a = [x, x], b = [a, a], … : forty lists whose walk takes 2⁴⁰ steps.
  const doubling = bytesOf(']', ...Array.from({ length: 40 }, () => bytesOf(op.binput(1), op.pop, ']', op.binget(1), 'a', op.binget(1), 'a')));
  /** A tensor on the stack; its function and arguments are in the memo at 1 and 2. */
  const tensorCall = (shape: readonly number[]): Buffer => {
    const sizes = bytesOf('(', ...shape.map(op.int), 't');
    return bytesOf(op.global('torch._utils', '_rebuild_tensor_v2'), op.binput(1), '((', op.unicode('storage'), op.global('torch', 'FloatStorage'), op.unicode('0'), op.unicode('cpu'), op.int(1), 't', op.persid, op.int(0), sizes, sizes, op.false, 'Nt', op.binput(2), op.reduce);
  };
  const longNames = bytesOf(...Array.from({ length: 990 }, (_, i) => bytesOf(op.unicode(String(i).padStart(450, 'x')), op.binget(3))));
  const bombs: [string, Uint8Array, string][] = [
    ['a list that holds itself', bytesOf(']', op.dup, 'a'), 'weights.badHeader'],
    ['a dictionary that holds itself', bytesOf('}', op.dup, op.unicode('a'), op.binput(1), op.pop, op.binget(1), 'N', 's', op.binput(2), op.pop, '}', op.binput(3), op.unicode('a'), op.binget(3), 's'), 'weights.badHeader'],
    ['lists in lists, 200,000 deep', deepList, 'weights.badHeader'],
    ['lists that double, forty times', doubling, 'weights.badHeader'],
    ['three million values on the stack', bytesOf(times('N', 3_000_000)), 'weights.badHeader'],
    ['DUP and APPEND without end', bytesOf(']', times('2', 1_100_000), times('a', 1_100_000)), 'weights.badHeader'],
    ['three million dictionaries', bytesOf(times('}', 3_000_000)), 'weights.badHeader'],
    ['a huge memo', bytesOf('N', times(op.memoize, 3_000_000)), 'weights.badHeader'],
    ['marks without end', times('(', 3_000_000), 'weights.badHeader'],
    ['a big list copied again and again', bytesOf('(', times('N', 1_000_000), 'l', op.binput(1), op.pop, times(bytesOf(op.global('builtins', 'set'), op.binget(1), op.tuple1, op.reduce, op.pop), 1000)), 'weights.badHeader'],
    ['a big text turned to bytes again and again', bytesOf(op.unicode('x'.repeat(1_000_000)), op.binput(1), op.pop, times(bytesOf(op.global('_codecs', 'encode'), op.binget(1), op.unicode('latin1'), op.tuple2, op.reduce, op.pop), 1000)), 'weights.badHeader'],
    ['a rebuild of itself', bytesOf(op.global('torch._tensor', '_rebuild_from_type_v2'), ']', op.binput(1), op.global('torch._tensor', '_rebuild_from_type_v2'), 'a', 'Na', op.binget(1), 'a', op.reduce), 'weights.badHeader'],
    ['LONG4 of two billion bytes', bytesOf([0x8b, 0xff, 0xff, 0xff, 0x7f]), 'weights.badHeader'],
    ['LONG of a million digits', bytesOf(`L${'9'.repeat(1_000_000)}L\n`), 'weights.badHeader'],
    ['a line of fifty megabytes', bytesOf("S'", Buffer.alloc(50_000_000, '\\x41'), "'\n"), 'weights.badHeader'],
    ['four hundred thousand tensors of 64 axes', bytesOf(']', tensorCall(Array<number>(64).fill(1)), op.pop, times(bytesOf(op.binget(1), op.binget(2), op.reduce, 'a'), 400_000)), 'weights.badHeader'],
    ['a tensor under a million long names', bytesOf(tensorCall([1]), op.binput(3), op.pop, '}', op.mark, longNames, 'u', op.binput(3), op.pop, '}', op.mark, longNames, 'u'), 'weights.badHeader'],
    ['a text of four billion bytes', bytesOf('X', [0xff, 0xff, 0xff, 0xff]), 'weights.truncated'],
    ['bytes of 2⁶³', bytesOf([0x96, 0, 0, 0, 0, 0, 0, 0, 0x80]), 'weights.truncated'],
  ];
  test.each(bombs)('%s', async (_, body, code) => {
    for (const bytes of [torchZip(bytesOf(op.proto(2), body, op.stop)), torchLegacy(bytesOf(op.proto(2), body, op.stop))]) {
      const started = performance.now(), error = await refusal(bytes);
      expect(error.code).toBe(code);
      expect(performance.now() - started).toBeLessThan(10_000);
    }
  });

  test('PUT with a huge index takes no more room than any other', async () => {
    const pickle = bytesOf(op.proto(2), '}', op.longBinput(0xffff_ffff), 'p9007199254740991\n', op.stop);
    expect((await refusal(torchZip(pickle))).code).toBe('model.notACheckpoint');
  });
  test('a long name for a thousand tensors', async () => {
    const { data } = countingStorage('F32', 1), tensor = new TestTensor({ dtype: 'F32', data }, [1]);
    const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [String(i), tensor]));
    expect((await refusal(torchZip({ ['x'.repeat(1_000_000)]: many }))).message).toMatch(/1,?000,?00\d characters/);
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
    ['a local header that is none', edited((zip) => zip.writeUInt32LE(0, find(zip, local)[2]!)), 'weights.badHeader', /no "archive\/data\/0"/],
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
    expect(error.message).toMatch(message);
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
    for (const { shape, dtype, offset, byteLength, layout } of file?.tensors.values() ?? []) {
      expect(byteLength).toBe(sizeOf(shape) * dtypeBytes[dtype]);
      expect(offset >= 0 && offset + byteLength <= bytes.length).toBe(true);
      if (layout) expect(layout.perm.map((axis) => layout.shape[axis])).toEqual(shape);
    }
  };
  const runs = fuzzRuns(1000);
  const state = {
    state_dict: { 'a.w': tensorOf('F16', [4, 3]), 'a.b': tensorOf('F32', [4]), t: reordered('F32', [2, 3], countingStorage('F32', 6).data, [1, 0]), e: tensorOf('F8_E4M3', [3]) },
    epoch: 3, pairs: new Tuple(1, 'x'), ids: [1, 2], shared: new TestTensor(countingStorage('I64', 4), [2], { offset: 1 }),
  };
  const valid = [torchZip(state), torchZip(state, { wide: true }), torchLegacy(state)];

  test('random bytes', () => fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), readsOrRefuses), { numRuns: runs }));
  test('random bytes as the pickle of a zip', () => fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), (bytes) => readsOrRefuses(torchZip(bytes))), { numRuns: runs }));
  test('random instructions', () => {
    const some = fc.constantFrom<Part>(...'(0N2]})aelutdsbRqr.', op.tuple1, op.tuple2, op.tuple3, op.newobj, op.obj, op.emptySet, op.addItems, op.frozenset, op.memoize, op.binput(0), op.binget(0), op.persid, 'K\x01', op.true,
      op.unicode('storage'), op.unicode('0'), op.unicode('_parameters'), op.global('torch', 'FloatStorage'), op.global('torch._utils', '_rebuild_tensor_v2'), op.global('torch._utils', '_rebuild_parameter'), harmless,
      op.global('builtins', 'set'), op.global('_codecs', 'encode'), op.global('torch.nn.modules.container', 'ParameterDict'), op.global('numpy', 'dtype'), op.global('torch._tensor', '_rebuild_from_type_v2'), op.global('torch', 'Size'));
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
