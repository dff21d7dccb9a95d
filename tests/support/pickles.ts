// Pickles and PyTorch files for tests: an assembler for single instructions, and a writer of the two forms that torch.save has had.
import { crc32, deflateRawSync } from 'node:zlib';
import { sizeOf, type Dims } from '../../main/engine/tensor';
import { dtypeBytes } from '../../main/engine/weights/dtypes';
import type { StoredDType, TensorEntry, WeightFile } from '../../main/engine/weights/source';

export type Part = Uint8Array | readonly number[] | string;

/** Instructions and their arguments, one after the other; text is Latin-1. */
export const bytesOf = (...parts: readonly Part[]): Buffer => Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

const u16 = (value: number): Buffer => { const b = Buffer.alloc(2); b.writeUInt16LE(value); return b; };
const u32 = (value: number): Buffer => { const b = Buffer.alloc(4); b.writeUInt32LE(value); return b; };
const u64 = (value: number | bigint): Buffer => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); return b; };

/** pickletools' names in small. */
export const op = {
  proto: (version: number) => bytesOf([0x80, version]),
  global: (module: string, name: string) => bytesOf(`c${module}\n${name}\n`),
  inst: (module: string, name: string) => bytesOf(`i${module}\n${name}\n`),
  unicode: (text: string) => { const b = Buffer.from(text, 'utf8'); return bytesOf('X', u32(b.length), b); },
  bytes: (data: Uint8Array) => bytesOf('B', u32(data.length), data),
  int: (value: number) => { const b = Buffer.alloc(5); b[0] = 0x4a; b.writeInt32LE(value, 1); return b; },
  long: (value: bigint) => bytesOf([0x8a, 16], u64(BigInt.asUintN(64, value)), u64(BigInt.asUintN(64, value >> 64n))),
  float: (value: number) => { const b = Buffer.alloc(9); b[0] = 0x47; b.writeDoubleBE(value, 1); return b; },
  stackGlobal: [0x93], newobj: [0x81], newobjEx: [0x92], memoize: [0x94], emptySet: [0x8f], addItems: [0x90], frozenset: [0x91], none: 'N', true: [0x88], false: [0x89],
  mark: '(', tuple: 't', tuple1: [0x85], tuple2: [0x86], tuple3: [0x87], emptyTuple: ')', emptyList: ']', emptyDict: '}', append: 'a', appends: 'e', setitem: 's', setitems: 'u',
  reduce: 'R', build: 'b', obj: 'o', persid: 'Q', dup: '2', pop: '0', stop: '.',
  binput: (index: number) => bytesOf('q', [index]), binget: (index: number) => bytesOf('h', [index]), longBinput: (index: number) => bytesOf('r', u32(index)),
} as const;

/** A row of elements in the file; tensors of one storage share it. */
export interface TestStorage { readonly dtype: StoredDType; readonly data: Uint8Array; /** Elements that the pickle claims. */ readonly claims?: number; readonly view?: { start: number; count: number } }
export class TestTensor {
  readonly storage: TestStorage; readonly shape: Dims; readonly strides: Dims; readonly offset: number; readonly parameter: boolean;
  constructor(storage: TestStorage, shape: Dims, { strides = rowMajor(shape), offset = 0, parameter = false }: { strides?: Dims; offset?: number; parameter?: boolean } = {}) {
    this.storage = storage; this.shape = shape; this.strides = strides; this.offset = offset; this.parameter = parameter;
  }
}
export class Tuple { readonly items: readonly Value[]; constructor(...items: Value[]) { this.items = items; } }
/** Instructions, tensors among them, that leave one value on the stack. */
export class Raw { readonly parts: readonly (Part | Raw | TestTensor)[]; constructor(...parts: (Part | Raw | TestTensor)[]) { this.parts = parts; } }
export type Value = null | boolean | number | string | readonly Value[] | ReadonlyMap<Value, Value> | { readonly [key: string]: Value } | Tuple | Raw | TestTensor;

const rowMajor = (shape: Dims): number[] => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));

/** Bytes that tell where they are: a counter, so that a range read in the wrong place shows. */
export const countingStorage = (dtype: StoredDType, count: number, first = 0): TestStorage =>
  ({ dtype, data: Uint8Array.from({ length: count * dtypeBytes[dtype] }, (_, i) => (first + i * 7) & 0xff) });
export const tensorOf = (dtype: StoredDType, shape: Dims, first = 0): TestTensor => new TestTensor(countingStorage(dtype, sizeOf(shape), first), shape);

const storageClasses: Partial<Record<StoredDType, string>> = {
  F64: 'DoubleStorage', F32: 'FloatStorage', F16: 'HalfStorage', BF16: 'BFloat16Storage', I64: 'LongStorage', I32: 'IntStorage', I16: 'ShortStorage', I8: 'CharStorage', U8: 'ByteStorage', BOOL: 'BoolStorage',
};
const torchDtypes: Partial<Record<StoredDType, string>> = { F8_E4M3: 'float8_e4m3fn', F8_E5M2: 'float8_e5m2', F8_E4M3FNUZ: 'float8_e4m3fnuz', U16: 'uint16', U32: 'uint32' };

/** Pickles as torch.save does, at protocol 2, and collects the storages in the order of their keys. */
class Pickler {
  readonly storages: TestStorage[] = [];
  private readonly legacy: boolean;
  constructor(legacy = false) { this.legacy = legacy; }

  dump(value: Value): Buffer { return bytesOf(op.proto(2), this.value(value), op.stop); }

  private value(value: Value): Part {
    if (value === null) return op.none;
    if (typeof value === 'boolean') return value ? op.true : op.false;
    if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 31 ? op.int(value) : op.float(value);
    if (typeof value === 'string') return op.unicode(value);
    if (value instanceof Raw) return bytesOf(...value.parts.map((part) => (part instanceof Raw || part instanceof TestTensor ? this.value(part) : part)));
    if (value instanceof Tuple) return this.tuple(...value.items);
    if (value instanceof TestTensor) return this.tensor(value);
    if (Array.isArray(value)) return bytesOf(op.emptyList, op.mark, ...value.map((item) => this.value(item as Value)), op.appends);
    const entries = value instanceof Map ? [...value as Map<Value, Value>] : Object.entries(value as Record<string, Value>);
    return bytesOf(op.emptyDict, op.mark, ...entries.flat().map((item) => this.value(item)), op.setitems);
  }

  private tuple(...items: readonly Value[]): Buffer { return bytesOf(op.mark, ...items.map((item) => this.value(item)), op.tuple); }

  private tensor({ storage, shape, strides, offset, parameter }: TestTensor): Buffer {
    if (!this.storages.includes(storage)) this.storages.push(storage);
    const key = this.storages.indexOf(storage), { dtype, data } = storage, type = storageClasses[dtype];
    const count = storage.claims ?? data.length / (type ? dtypeBytes[dtype] : 1), view = storage.view;
    const viewPart: Value[] = this.legacy ? [view ? new Tuple(`${key}-view`, view.start, view.count) : null] : [];
    const id = this.tuple('storage', new Raw(type ? op.global('torch', type) : op.global('torch.storage', 'UntypedStorage')), String(key), 'cpu', count, ...viewPart);
    const common: Value[] = [new Raw(id, op.persid), offset, new Tuple(...shape), new Tuple(...strides), false, orderedDict({})];
    const rebuilt = type ? bytesOf(op.global('torch._utils', '_rebuild_tensor_v2'), this.tuple(...common), op.reduce)
      : bytesOf(op.global('torch._utils', '_rebuild_tensor_v3'), this.tuple(...common, new Raw(op.global('torch', torchDtypes[dtype]!)), null), op.reduce);
    return parameter ? bytesOf(op.global('torch._utils', '_rebuild_parameter'), this.tuple(new Raw(rebuilt), true, orderedDict({})), op.reduce) : rebuilt;
  }
}

/** An OrderedDict without tensors, as torch writes for hooks and _metadata. */
export const orderedDict = (entries: Readonly<Record<string, string>>): Raw => new Raw(op.global('collections', 'OrderedDict'), op.emptyTuple, op.reduce,
  op.mark, ...Object.entries(entries).flat().map(op.unicode), op.setitems);

interface NumpyOptions { readonly module?: 'numpy.core' | 'numpy._core'; readonly order?: '<' | '>' | '|'; readonly isFortran?: boolean; readonly asText?: boolean; readonly claims?: readonly number[] }

/** A numpy array as protocol 2 writes it: made empty, then given shape, type and bytes. `code`: numpy's, such as f4. */
export function numpyArray(code: string, shape: Dims, data: Uint8Array, { module = 'numpy.core', order = '<', isFortran = false, asText = true, claims = shape }: NumpyOptions = {}): Raw {
  const latin1 = (bytes: Uint8Array): Part => (asText ? bytesOf(op.global('_codecs', 'encode'), op.unicode(Buffer.from(bytes).toString('latin1')), op.unicode('latin1'), op.tuple2, op.reduce) : op.bytes(bytes));
  const type = bytesOf(op.global('numpy', 'dtype'), op.unicode(code), op.false, op.true, op.tuple3, op.reduce, '(', op.int(3), op.unicode(order), 'NNN', op.int(-1), op.int(-1), op.int(0), 't', op.build);
  const empty = bytesOf(op.global(`${module}.multiarray`, '_reconstruct'), op.global('numpy', 'ndarray'), op.int(0), op.tuple1, latin1(bytesOf('b')), op.tuple3, op.reduce);
  return new Raw(empty, '(', op.int(1), '(', ...claims.map(op.int), 't', type, isFortran ? op.true : op.false, latin1(data), 't', op.build);
}

/** A tensor of a device that has no storages. */
export const deviceTensor = (array: Raw, dtype = 'float32', device = 'privateuseone:0'): Raw =>
  new Raw(op.global('torch._utils', '_rebuild_device_tensor_from_numpy'), '(', array, op.global('torch', dtype), op.unicode(device), op.false, 't', op.reduce);

export interface ZipPart { name: string; data: Uint8Array; deflate?: boolean }

/** A zip in which every entry's data begins at a multiple of 64, as torch's. `wide`: zip64 throughout. */
export function zipOf(parts: readonly ZipPart[], { wide = false, comment = '' }: { wide?: boolean; comment?: string } = {}): Buffer {
  const chunks: Buffer[] = [], directory: Buffer[] = [];
  let at = 0;
  const write = (chunk: Buffer): void => { chunks.push(chunk); at += chunk.length; };
  for (const { name, data, deflate } of parts) {
    const stored = deflate ? deflateRawSync(data) : data, method = deflate ? 8 : 0, offset = at, padding = (64 - ((at + 30 + name.length + 4) % 64)) % 64;
    const sizes = [u32(crc32(data)), u32(stored.length), u32(data.length)];
    write(bytesOf('PK\x03\x04', u16(0), u16(0), u16(method), u32(0), ...sizes, u16(name.length), u16(padding + 4), name, 'FB', u16(padding), Buffer.alloc(padding, 'Z')));
    write(Buffer.from(stored));
    const extra = wide ? bytesOf(u16(1), u16(24), u64(data.length), u64(stored.length), u64(offset)) : Buffer.alloc(0);
    const places = wide ? [sizes[0]!, u32(0xffff_ffff), u32(0xffff_ffff)] : sizes;
    directory.push(bytesOf('PK\x01\x02', u16(0), u16(0), u16(0), u16(method), u32(0), ...places, u16(name.length), u16(extra.length), u16(0), u16(0), u16(0), u32(0),
      u32(wide ? 0xffff_ffff : offset), name, extra));
  }
  const start = at, size = directory.reduce((sum, entry) => sum + entry.length, 0);
  directory.forEach(write);
  if (wide) {
    const record = at;
    write(bytesOf('PK\x06\x06', u64(44), u16(45), u16(45), u32(0), u32(0), u64(parts.length), u64(parts.length), u64(size), u64(start)));
    write(bytesOf('PK\x06\x07', u32(0), u64(record), u32(1)));
  }
  write(bytesOf('PK\x05\x06', u32(0), u16(parts.length), u16(parts.length), u32(wide ? 0xffff_ffff : size), u32(wide ? 0xffff_ffff : start), u16(comment.length), comment));
  return Buffer.concat(chunks);
}

/** The parts of a file that torch.save writes since 1.6; `change` may edit them before they are zipped. */
export function torchParts(value: Value | Uint8Array): ZipPart[] {
  const pickler = new Pickler(), pickle = value instanceof Uint8Array ? value : pickler.dump(value);
  return [
    { name: 'archive/data.pkl', data: pickle }, { name: 'archive/byteorder', data: Buffer.from('little') },
    ...pickler.storages.map((storage, key) => ({ name: `archive/data/${key}`, data: storage.data })), { name: 'archive/version', data: Buffer.from('3\n') },
  ];
}
export const torchZip = (value: Value | Uint8Array, options?: { wide?: boolean; comment?: string }): Buffer => zipOf(torchParts(value), options);

/** What torch.save wrote before 1.6. */
export function torchLegacy(value: Value | Uint8Array, { littleEndian = true }: { littleEndian?: boolean } = {}): Buffer {
  const pickler = new Pickler(true), plain = new Pickler();
  const saved = value instanceof Uint8Array ? value : pickler.dump(value);
  const keys = pickler.storages.map((_, key) => String(key));
  const magic = bytesOf(op.proto(2), [0x8a, 10], Buffer.from('6cfc9c46f9206aa85019', 'hex'), op.stop);
  return bytesOf(magic, plain.dump(1001), plain.dump({ protocol_version: 1001, little_endian: littleEndian, type_sizes: { short: 2, int: 4, long: 4 } }), saved, plain.dump(keys),
    ...pickler.storages.flatMap(({ dtype, data }) => [u64(data.length / (storageClasses[dtype] ? dtypeBytes[dtype] : 1)), data]));
}

/** The index of every element of `shape`, in row-major order. */
function* indices(shape: Dims): Iterable<number[]> {
  const index = shape.map(() => 0);
  for (let n = sizeOf(shape); n > 0; n--) {
    yield index;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
}

/** The tensor with row-major `data`, kept in memory with its axes in the order `order` (slowest first), as after torch's permute or channels_last. */
export function reordered(dtype: StoredDType, shape: Dims, data: Uint8Array, order: Dims): TestTensor {
  const width = dtypeBytes[dtype], inner = rowMajor(order.map((axis) => shape[axis]!)), strides = shape.map((_, axis) => inner[order.indexOf(axis)]!);
  const kept = new Uint8Array(data.length);
  let from = 0;
  for (const index of indices(shape)) {
    const to = index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0) * width;
    kept.set(data.subarray(from, from += width), to);
  }
  return new TestTensor({ dtype, data: kept }, shape, { strides });
}

/** An entry's elements in row-major order, read out of the file's bytes. */
export function elementsOf(file: Uint8Array, { shape, offset, byteLength, layout, strides, data, dtype }: TensorEntry): Uint8Array {
  const bytes = data ?? file.subarray(offset, offset + byteLength);
  if (!layout && !strides) return Uint8Array.from(bytes);
  const width = dtypeBytes[dtype], stored = layout && rowMajor(layout.shape), elements = new Uint8Array(sizeOf(shape) * width);
  const steps = strides ?? shape.map((_, axis) => stored![layout!.perm[axis]!]!);
  let to = 0;
  for (const index of indices(shape)) {
    const from = index.reduce((sum, i, axis) => sum + i * steps[axis]!, 0) * width;
    elements.set(bytes.subarray(from, from + width), to);
    to += width;
  }
  return elements;
}

/** A whole safetensors file's tensors as a state dict. `inMemory` may keep some with their axes in another order. */
export function stateDictFrom(file: WeightFile, bytes: Uint8Array, inMemory?: (entry: TensorEntry) => Dims | null): Record<string, TestTensor> {
  return Object.fromEntries([...file.tensors.values()].map((entry) => {
    const data = bytes.subarray(entry.offset, entry.offset + entry.byteLength), order = inMemory?.(entry);
    return [entry.name, order ? reordered(entry.dtype, entry.shape, data, order) : new TestTensor({ dtype: entry.dtype, data }, entry.shape)];
  }));
}
