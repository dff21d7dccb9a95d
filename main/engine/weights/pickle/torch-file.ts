// The two forms in which torch.save wrote files: a zip (since 1.6), and before that pickles with the storages' bytes behind them.
import { AppError } from '../../errors';
import { dtypeBytes } from '../dtypes';
import type { ByteSource } from '../source';
import { printable, type Fail } from '../fault';
import { unpickle, type Unpickled } from './interpreter';
import type { PickleValue, Storage } from './values';
import { dataOffset, readZip } from './zip';

interface TorchFile {
  /** What was saved. */
  readonly value: PickleValue;
  /** Where a storage's whole row of bytes begins; it has been checked that all of it is there. */
  readonly locate: (storage: Storage) => Promise<number>;
}

/** Ten times what SDXL with optimizer and EMA copy takes; read before the first weight is looked at. */
const maxPickleBytes = 64 << 20;
const bigEndian = (fail: Fail): AppError =>
  fail('weights.unsupportedLayout', { why: 'bigEndian' });

/** `NAME/data.pkl`, `NAME/data/0`, `NAME/data/1`, … Throws weights.*, model.notACheckpoint. */
export async function readTorchZip(source: ByteSource, fail: Fail): Promise<TorchFile> {
  const entries = await readZip(source, fail);
  const pickles = [...entries.keys()].filter((name) => /^(?:[^/]+\/)?data\.pkl$/.test(name));
  const [name] = pickles;
  if (name === undefined || pickles.length > 1) {
    throw fail('model.notACheckpoint', { why: 'zip' });
  }
  const folder = name.slice(0, -'data.pkl'.length);
  const offsets = new Map<string, Promise<number>>();
  const content = async (path: string, maxBytes: number): Promise<Uint8Array | null> => {
    const entry = entries.get(folder + path);
    if (!entry) return null;
    const offset = await dataOffset(source, entry, fail);
    if (entry.byteLength > maxBytes) throw fail('weights.badHeader', { why: 'entrySize', entry: path, sizeBytes: entry.byteLength });
    return source.read(offset, entry.byteLength);
  };
  const byteOrder = await content('byteorder', 16);
  if (byteOrder && new TextDecoder().decode(byteOrder).trim() !== 'little') throw bigEndian(fail);
  const { value } = unpickle((await content('data.pkl', maxPickleBytes))!, fail);
  return { value, locate: ({ key, wholeBytes }) => {
    const entry = entries.get(`${folder}data/${key}`), shown = printable(key);
    if (!entry) throw fail('weights.badOffsets', { why: 'noStorage', storage: shown });
    if (entry.byteLength < wholeBytes) {
      throw fail('weights.badOffsets', { why: 'storageSize', storage: shown, got: entry.byteLength, want: wholeBytes });
    }
    let offset = offsets.get(key);
    if (!offset) offsets.set(key, offset = dataOffset(source, entry, fail));
    return offset;
  } };
}

const magic = 0x1950a86a20f9469cfc6cn, protocolVersion = 1001;

/** Five pickles (magic number, version, machine, what was saved, storage keys), then for each key u64 count and the elements. Throws weights.*. */
export async function readLegacyTorch(source: ByteSource, fail: Fail): Promise<TorchFile> {
  const { saved, keys } = await readPickles(source, fail);
  const offsets = new Map<string, number>();
  let at = keys.end;
  for (const key of Array.isArray(keys.value) ? keys.value : []) {
    const storage = typeof key === 'string' ? saved.storages.get(key) : undefined;
    if (!storage) throw fail('weights.badOffsets', { why: 'unnamed' });
    const { wholeBytes, dtype } = storage, shown = printable(storage.key), end = at + 8 + wholeBytes;
    if (end > source.sizeBytes) {
      throw fail('weights.truncated', { why: 'storage', sizeBytes: source.sizeBytes, expectedBytes: end, storage: shown });
    }
    const header = await source.read(at, 8), count = Number(new DataView(header.buffer, header.byteOffset).getBigUint64(0, true));
    const gotBytes = count * (dtype ? dtypeBytes[dtype] : 1);
    if (gotBytes !== wholeBytes) throw fail('weights.badOffsets', { why: 'storageSize', storage: shown, got: gotBytes, want: wholeBytes });
    offsets.set(storage.key, at + 8);
    at = end;
  }
  return { value: saved.value, locate: async ({ key }) => {
    const offset = offsets.get(key);
    if (offset === undefined) throw fail('weights.badOffsets', { why: 'noStorage', storage: printable(key) });
    return offset;
  } };
}

/** Nobody says how long the pickles are: reads a megabyte, and more where that is not enough. */
async function readPickles(source: ByteSource, fail: Fail): Promise<{ saved: Unpickled; keys: Unpickled }> {
  const available = Math.min(source.sizeBytes, maxPickleBytes);
  for (let length = 1 << 20; ; length *= 8) {
    try {
      return parsePickles(await source.read(0, Math.min(length, available)), fail);
    } catch (error) {
      if (!(length < available && error instanceof AppError && error.code === 'weights.truncated')) throw error;
    }
  }
}

function parsePickles(bytes: Uint8Array, fail: Fail): { saved: Unpickled; keys: Unpickled } {
  const first = unpickle(bytes, fail);
  if (first.value !== magic) {
    throw fail('model.notACheckpoint', { why: 'pickle' });
  }
  const version = unpickle(bytes, fail, first.end);
  if (version.value !== protocolVersion) throw fail('weights.badHeader', { why: 'version' });
  const machine = unpickle(bytes, fail, version.end);
  if (machine.value instanceof Map && machine.value.get('little_endian') === false) throw bigEndian(fail);
  const saved = unpickle(bytes, fail, machine.end);
  return { saved, keys: unpickle(bytes, fail, saved.end) };
}
