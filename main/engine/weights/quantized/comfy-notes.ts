// What ComfyUI notes of each quantized layer: JSON in a small tensor `X.comfy_quant`, or for all layers in the metadata's `_quantization_metadata`. Plain fp8 with a
// factor is the one of its formats that is read here; the others pack or rotate what they hold.
import { sizeOf } from '../../tensor';
import type { ByteSource, TensorEntry, WeightFile } from '../source';

const note = /(?:^|\.)comfy_quant$/;
/** Real ones have some forty bytes. */
const LONGEST = 4096;

/** The file without the notes that say no more than that a weight is fp8 and scaled by its factor: they are `companions`. Reads each of them. */
export async function withoutPlainNotes(file: WeightFile, read: ByteSource['read']): Promise<WeightFile> {
  const notes = [...file.tensors.values()].filter(({ name, dtype, shape, file: other, layout, data }) => note.test(name) && dtype === 'U8' && sizeOf(shape) <= LONGEST && other === undefined && !layout && !data);
  const plain = new Set<TensorEntry>();
  for (const entry of notes) if (saysPlainEight(parsed(new TextDecoder().decode(await read(entry.offset, entry.byteLength))))) plain.add(entry);
  if (plain.size === 0) return file;
  return { ...file, tensors: new Map([...file.tensors].filter(([, entry]) => !plain.has(entry))), companions: [...file.companions ?? [], ...plain] };
}

/** Whether the metadata says the same of every layer, or nothing at all. */
export function isPlainEight(metadata: WeightFile['metadata']): boolean {
  const text = metadata._quantization_metadata;
  if (text === undefined) return true;
  const layers = (parsed(text) as { layers?: unknown } | null)?.layers;
  return typeof layers === 'object' && layers !== null && Object.values(layers).every(saysPlainEight);
}

/** Anything else that it says, such as a rotation, would have to be undone. How a program multiplies changes no weight. */
function saysPlainEight(config: unknown): boolean {
  if (typeof config !== 'object' || config === null) return false;
  const { format, full_precision_matrix_mult: _, ...more } = config as Record<string, unknown>;
  return typeof format === 'string' && /^float8_e(?:4m3fn|5m2)$/.test(format) && Object.keys(more).length === 0;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
