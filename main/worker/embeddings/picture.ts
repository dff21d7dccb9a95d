// Pictures that carry an embedding, as A1111 makes them while it trains: JSON in a PNG's text `sd-ti-embedding`, or compressed in the pixels.
import { resolve } from 'node:path';
import { inflateSync } from 'node:zlib';
import sharp from 'sharp';
import { AppError } from '../../engine/errors';
import type { TensorEntry, WeightFile } from '../../engine/weights/source';
import { hiddenBytes } from './pixels';
import { withoutTexts } from '../../files/png-chunks';
import { readPngTexts } from '../../files/png-text';
import { withFile } from '../../files/weight-file';

export interface PictureEmbedding {
  /** Named as a pickle's: `string_to_param.*`. Offsets are into `bytes`; `metadata.name` is the word, where the trainer gave one. */
  readonly file: WeightFile;
  readonly bytes: Uint8Array;
}

/** 75 vectors of SDXL are four million characters, and a picture of 0.6 megapixels besides its own. */
const MAX_JSON_BYTES = 8 << 20, MAX_PIXELS = 16e6, MAX_FILE_BYTES = 64 << 20;
/** Opening brackets: a few dictionaries, and one list a vector. Bounds depth and the number of arrays. */
const MAX_BRACKETS = 2000;

/** null for a picture that carries none, and for what is no picture. Throws file.*, weights.badHeader where what it carries is damaged. */
export async function openPictureEmbedding(path: string): Promise<PictureEmbedding | null> {
  const picture = await withFile<Uint8Array | null>(path, async ({ sizeBytes, read }) => (sizeBytes > MAX_FILE_BYTES ? null : read(0, sizeBytes)));
  const json = picture && await carriedJson(picture);
  if (!json) return null;
  const { tensors, metadata } = readJson(json) ?? damaged(path);
  const entries = new Map<string, TensorEntry>();
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    entries.set(name, { name, dtype: 'F32', shape, offset, byteLength: values.length * 4 });
    offset += values.length * 4;
  }
  const values = Float32Array.from([...tensors.values()].flatMap((tensor) => tensor.values));
  return { file: { path: resolve(path), sizeBytes: picture.length, dataOffset: 0, metadata, tensors: entries }, bytes: new Uint8Array(values.buffer) };
}

const damaged = (path: string): never => {
  throw new AppError('weights.badHeader', { why: 'embedding', file: path });
};

/** The text counts before the pixels. Pixels that cannot be read, or divided, or inflated, hide nothing. */
async function carriedJson(bytes: Uint8Array): Promise<Buffer | null> {
  try {
    const text = readPngTexts(bytes).find(({ keyword }) => keyword === 'sd-ti-embedding')?.text;
    if (text !== undefined) return Buffer.from(text, 'base64');
    // ignoreIcc: the lowest bits of the pixels must come through as they are.
    const picture = sharp(withoutTexts(bytes), { limitInputPixels: MAX_PIXELS, failOn: 'error', ignoreIcc: true });
    const { format, depth } = await picture.metadata();
    if ((format !== 'png' && format !== 'webp') || depth !== 'uchar') return null;
    const { data, info: { width, height, channels } } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
    const hidden = hiddenBytes({ data, width, height, channels });
    return hidden && inflateSync(hidden, { maxOutputLength: MAX_JSON_BYTES });
  } catch {
    return null;
  }
}

interface JsonTensor { readonly shape: number[]; readonly values: number[] }
interface Carried { readonly tensors: Map<string, JsonTensor>; readonly metadata: Record<string, string> }

/** Python's json.dumps of the dictionary that A1111 pickles otherwise, tensors as {"TORCHTENSOR": [[…]]}. null when it is no such thing. */
function readJson(json: Buffer): Carried | null {
  if (json.length > MAX_JSON_BYTES || json.reduce((count, byte) => (byte === 0x5b || byte === 0x7b ? count + 1 : count), 0) > MAX_BRACKETS) return null;
  const root = parsed(json.toString('utf8'));
  if (!isDictionary(root)) return null;
  const tensors = new Map<string, JsonTensor>(), metadata: [string, string][] = [];
  const add = (name: string, value: unknown): void => {
    const tensor = isDictionary(value) ? tensorOf(value['TORCHTENSOR']) : null;
    if (tensor) tensors.set(name, tensor);
    else if (typeof value === 'string' || typeof value === 'number') metadata.push([name, String(value)]);
  };
  for (const [key, value] of Object.entries(root)) {
    if (isDictionary(value) && !('TORCHTENSOR' in value)) for (const [inner, tensor] of Object.entries(value)) add(`${key}.${inner}`, tensor);
    else add(key, value);
  }
  return tensors.size > 0 ? { tensors, metadata: Object.fromEntries(metadata.filter(([name]) => !name.includes('.'))) } : null;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const isDictionary = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** [d] or [n][d]. */
function tensorOf(list: unknown): JsonTensor | null {
  if (!Array.isArray(list) || list.length === 0) return null;
  const rows: unknown[] = Array.isArray(list[0]) ? list : [list], [first] = rows;
  const width = Array.isArray(first) ? first.length : 0;
  const isWhole = rows.every((row) => Array.isArray(row) && row.length === width && row.every((value) => typeof value === 'number'));
  return isWhole ? { shape: rows === list ? [rows.length, width] : [width], values: rows.flat() as number[] } : null;
}
