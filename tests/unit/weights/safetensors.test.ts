// The safetensors reader: what it says of good files, and that bad ones end in a typed error and never in a crash, a hang or a huge allocation.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import { findDuplicateKey } from '../../../main/engine/weights/duplicate-keys';
import { encodeHeader, parseHeader } from '../../../main/engine/weights/safetensors';
import type { ByteSource, StoredDType } from '../../../main/engine/weights/source';
import { memoryFile, rawFile, zeroFile } from '../../support/checkpoints';
import { fuzzRuns } from '../../support/fuzz';
import { wordsFor } from '../../support/words';

const entry = (dtype: string, shape: number[], begin: number, end: number) => ({ dtype, shape, data_offsets: [begin, end] });
const fileOf = (header: Record<string, unknown>, dataBytes: number): ByteSource => memoryFile(rawFile(JSON.stringify(header), dataBytes));

/** The error that reading ends with. */
async function refusal(source: ByteSource): Promise<AppError> {
  const error = await parseHeader(source).then(() => null, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

describe('reads', () => {
  test('names, dtypes, shapes, absolute offsets and metadata', async () => {
    const bytes = zeroFile([{ name: 'a', dtype: 'F16', shape: [2, 3] }, { name: 'b', dtype: 'F32', shape: [] }, { name: 'v_pred', dtype: 'F16', shape: [0] }], { title: 'Ü' });
    const file = await parseHeader(memoryFile(bytes));
    expect(file.metadata).toEqual({ title: 'Ü' });
    expect(file.tensors.get('b')).toEqual({ name: 'b', dtype: 'F32', shape: [], offset: file.dataOffset, byteLength: 4 });
    expect(file.tensors.get('a')).toMatchObject({ shape: [2, 3], offset: file.dataOffset + 4, byteLength: 12 });
    expect(file.tensors.get('v_pred')?.byteLength).toBe(0);
    expect(file.sizeBytes).toBe(bytes.length);
  });
  test('a file without tensors, spaces behind the JSON, and tensors that are not aligned', async () => {
    expect((await parseHeader(memoryFile(rawFile('{}   ')))).tensors.size).toBe(0);
    const file = await parseHeader(fileOf({ a: entry('U8', [3], 0, 3), b: entry('F32', [1], 3, 7) }, 7));
    expect(file.tensors.get('b')!.offset - file.dataOffset).toBe(3);
  });
  test('a tensor named __proto__ like any other', async () => {
    const file = await parseHeader(memoryFile(rawFile('{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1)));
    expect([...file.tensors.keys()]).toEqual(['__proto__']);
  });
  test('what encodeHeader wrote (property)', async () => {
    const dtype = fc.constantFrom<StoredDType>('F64', 'F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2', 'I64', 'I32', 'I16', 'I8', 'U8', 'BOOL');
    const tensors = fc.uniqueArray(fc.record({ name: fc.string({ minLength: 1 }).filter((n) => n !== '__metadata__'), dtype, shape: fc.array(fc.nat(5), { maxLength: 4 }) }),
      { selector: (t) => t.name, maxLength: 12 });
    await fc.assert(fc.asyncProperty(tensors, fc.dictionary(fc.string(), fc.string()), async (specs, metadata) => {
      const file = await parseHeader(memoryFile(zeroFile(specs, metadata)));
      expect(new Map([...file.tensors].map(([name, t]) => [name, [t.dtype, t.shape]]))).toEqual(new Map(specs.map((t) => [t.name, [t.dtype, t.shape]])));
      expect(file.metadata).toEqual(metadata);
      expect([...file.tensors.values()].every((t) => (t.dtype === 'F32' ? t.offset % 4 === 0 : t.dtype === 'F16' ? t.offset % 2 === 0 : true))).toBe(true);
    }), { numRuns: fuzzRuns(200) });
  });
});

describe('refuses, naming file and tensor', () => {
  const layouts: [string, Record<string, unknown>, number, string, RegExp][] = [
    ['overlapping tensors', { a: entry('F16', [4], 0, 8), b: entry('F16', [4], 4, 12) }, 12, 'weights.badOffsets', /“b” over the bytes of “a”/],
    ['a hole between tensors', { a: entry('F16', [4], 0, 8), b: entry('F16', [2], 12, 16) }, 16, 'weights.badOffsets', /4 bytes between “a” and “b”/],
    ['a tensor behind the end', { a: entry('F16', [4], 0, 8), b: entry('F16', [2], 1000, 1004) }, 12, 'weights.badOffsets', /“b”.*behind its end/],
    ['offsets backwards', { a: entry('F16', [0], 8, 0) }, 8, 'weights.badOffsets', /“a”/],
    ['negative offsets', { a: entry('F16', [4], -8, 0) }, 8, 'weights.badOffsets', /“a”/],
    ['offsets that are no numbers', { a: { dtype: 'F16', shape: [4], data_offsets: ['0', '8'] } }, 8, 'weights.badOffsets', /“a”/],
    ['a length that disagrees with the shape', { a: entry('F16', [2, 2], 0, 6) }, 6, 'weights.badOffsets', /6 bytes.*\[2, 2\] takes 8/],
    ['a shape whose product is beyond all numbers', { a: entry('F16', Array.from({ length: 40 }, () => 2 ** 40), 0, 8) }, 8, 'weights.badOffsets', /“a”/],
    ['a fractional size', { a: entry('F16', [1.5], 0, 3) }, 3, 'weights.badHeader', /“a”/],
    ['a negative size', { a: entry('F16', [-1, -4], 0, 8) }, 8, 'weights.badHeader', /“a”/],
    ['a shape that is no list', { a: { dtype: 'F16', shape: 4, data_offsets: [0, 8] } }, 8, 'weights.badHeader', /“a”/],
    ['an unknown dtype', { a: entry('F7', [4], 0, 8) }, 8, 'weights.unsupportedDtype', /“a” as F7/],
    ['a dtype named like an object property', { a: entry('toString', [4], 0, 8) }, 8, 'weights.unsupportedDtype', /“a”/],
    ['an entry that is null', { a: null }, 0, 'weights.badHeader', /“a”/],
    ['metadata that is not text', { __metadata__: { steps: 3 } }, 0, 'weights.badHeader', /“steps”/],
    ['metadata that is a list', { __metadata__: [] }, 0, 'weights.badHeader', /__metadata__/],
    ['bytes missing at the end', { a: entry('F16', [4], 0, 8) }, 5, 'weights.truncated', /bytes are there, \d+ expected/],
    ['bytes too many at the end', { a: entry('F16', [4], 0, 8) }, 9, 'weights.badOffsets', /1 bytes behind its last tensor/],
  ];
  test.each(layouts)('%s', async (_, header, dataBytes, code, message) => {
    const error = await refusal(fileOf(header, dataBytes));
    expect(error.code).toBe(code);
    expect(wordsFor(error).message).toMatch(message);
    expect(wordsFor(error).message).toContain('test.safetensors');
    expect(error.info.data).toMatchObject({ file: '/models/test.safetensors' });
  });

  const files: [string, Uint8Array, string, RegExp][] = [
    ['an empty file', new Uint8Array(), 'weights.truncated', /empty/],
    ['seven bytes', new Uint8Array(7), 'weights.notSafetensors', /not a safetensors/],
    ['a header longer than the file', rawFile('{}', 0, 1000), 'weights.truncated', /inside its header: 10 bytes are there, at least 1008/],
    ['a header longer than is allowed', rawFile('{}', 0, 100_000_001), 'weights.badHeader', /100000001 bytes/],
    ['a header of 2⁶⁴ − 1 bytes', rawFile('{}', 0).fill(0xff, 0, 8), 'weights.badHeader', /bytes/],
    ['a header that is a list', rawFile('[]'), 'weights.notSafetensors', /not a safetensors/],
    ['JSON that breaks off', rawFile('{"a":'), 'weights.badHeader', /not valid JSON/],
    ['bytes that are not UTF-8', rawFile('{"a":0}').fill(0xff, 11, 12), 'weights.badHeader', /not valid JSON/],
    ['a name given twice', rawFile('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'), 'weights.badHeader', /“a” twice/],
    ['a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]), 'model.notACheckpoint', /picture/],
    ['a zipped pickle', new TextEncoder().encode('PK\x03\x04 archive/data.pkl'), 'weights.notSafetensors', /pickled/],
    ['a bare pickle', new Uint8Array([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]), 'weights.notSafetensors', /pickled/],
    ['a page that asks to log in', new TextEncoder().encode('<!DOCTYPE html><title>Log in</title>'), 'weights.notSafetensors', /web page/],
    ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\noid'), 'weights.notSafetensors', /pointer/],
    ['GGUF', new TextEncoder().encode('GGUF\x03\0\0\0....'), 'weights.notSafetensors', /GGUF/],
  ];
  test.each(files)('%s', async (_, bytes, code, message) => {
    const error = await refusal(memoryFile(bytes));
    expect(error.code).toBe(code);
    expect(wordsFor(error).message).toMatch(message);
  });
});

describe('fuzz', () => {
  /** Reads like a real file and fails the test when more is asked for than there is. */
  const strict = (bytes: Uint8Array): ByteSource => ({ ...memoryFile(bytes), read: async (offset, length) => {
    if (offset + length > bytes.length) throw new Error(`read ${length} bytes at ${offset} of ${bytes.length}`);
    return bytes.slice(offset, offset + length);
  } });
  const readsOrRefuses = async (bytes: Uint8Array): Promise<void> => {
    await parseHeader(strict(bytes)).catch((error: unknown) => { if (!(error instanceof AppError)) throw error; });
  };
  const valid = zeroFile([{ name: 'a.weight', dtype: 'F16', shape: [4, 3] }, { name: 'a.bias', dtype: 'F32', shape: [4] }, { name: 'n', dtype: 'I64', shape: [1] }], { format: 'pt' });

  test('random bytes end in an AppError', () => fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), readsOrRefuses), { numRuns: fuzzRuns(1000) }));

  test('random JSON in the header ends in an AppError', () => fc.assert(fc.asyncProperty(fc.json(), fc.nat(64), (json, size) => readsOrRefuses(rawFile(json, size))), { numRuns: fuzzRuns(1000) }));

  test('random entries end in an AppError', () => {
    const value = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constantFrom('F16', 'F32', 'I64'), fc.array(fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.string()), { maxLength: 4 }), fc.constant(null));
    const header = fc.dictionary(fc.string(), fc.record({ dtype: value, shape: value, data_offsets: value }, { requiredKeys: [] }));
    return fc.assert(fc.asyncProperty(header, fc.nat(64), (object, size) => readsOrRefuses(rawFile(JSON.stringify(object), size))), { numRuns: fuzzRuns(1000) });
  });

  test('a valid file with bytes changed, cut or added ends in an AppError or is read', () => {
    const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 8 });
    return fc.assert(fc.asyncProperty(edits, fc.nat(valid.length), fc.uint8Array({ maxLength: 8 }), async (changes, keep, extra) => {
      const bytes = new Uint8Array([...valid.subarray(0, keep), ...extra]);
      for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
      await readsOrRefuses(bytes);
    }), { numRuns: fuzzRuns(1000) });
  });

  test('every shorter file is refused', async () => {
    for (let length = 0; length < valid.length; length++) await refusal(memoryFile(valid.subarray(0, length)));
  });

  test('a million open brackets are refused', async () => {
    expect((await refusal(memoryFile(rawFile(`{"a":${'['.repeat(1_000_000)}`)))).code).toBe('weights.badHeader');
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect((await refusal(memoryFile(rawFile(`{"a":${deep}}`)))).code).toBe('weights.badHeader');
    expect((await refusal(memoryFile(rawFile(`{"a":{"dtype":"U8","shape":[0],"data_offsets":${deep}}}`)))).code).toBe('weights.badOffsets');
  });
});

describe('findDuplicateKey', () => {
  test.each([
    ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}', null], ['{"a":"b","b":"a"}', null], ['{"x":["a","a"]}', null], ['{"a\\"":1,"a\\\\":2}', null],
    ['{"a":1,"a":2}', 'a'], ['{"x":{"k" :1,"k"\n:2}}', 'k'], ['{"x":[{"\\u006b":1,"k":2}]}', 'k'],
  ])('%s', (json, key) => { expect(findDuplicateKey(json)).toBe(key); });
});

test('encodeHeader pads to 8 bytes and keeps the order it promises', () => {
  const { header, entries } = encodeHeader([{ name: 'half', dtype: 'F16', shape: [3] }, { name: 'full', dtype: 'F32', shape: [1] }]);
  expect(header.length % 8).toBe(0);
  expect(entries.map((t) => [t.name, t.offset - header.length])).toEqual([['full', 0], ['half', 4]]);
});
