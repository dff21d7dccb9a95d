// A pickled checkpoint (.ckpt, .pt, .pth, .bin) as a weight file: the same names, shapes and byte ranges as a safetensors file gives. Nothing in it is run.
import { sniffContainer } from '../container';
import type { ByteSource, TensorEntry, WeightFile } from '../source';
import { failOf } from '../fault';
import { unwrapNames } from '../wrapped-names';
import { entryOf } from './layout';
import { stateDictOf } from './state-dict';
import { readLegacyTorch, readTorchZip } from './torch-file';

/**
 * Reads the pickle and the zip directory; the weights stay where they are. Throws weights.forbiddenGlobal (something else than tensors and plain
 * containers), weights.badHeader, weights.badOffsets, weights.truncated, weights.unsupportedLayout, model.notACheckpoint.
 */
export async function parseTorchCheckpoint(source: ByteSource): Promise<WeightFile> {
  const fail = failOf(source.path);
  const head = await source.read(0, Math.min(64, source.sizeBytes));
  const file = await (sniffContainer(head) === 'zip' ? readTorchZip : readLegacyTorch)(source, fail);
  const { tensors, metadata } = stateDictOf(file.value, fail);
  if (tensors.size === 0) throw fail('model.notACheckpoint', { why: 'empty' });
  const entries = new Map<string, TensorEntry>();
  for (const [name, tensor] of tensors) entries.set(name, entryOf(name, tensor, tensor.storage instanceof Uint8Array ? 0 : await file.locate(tensor.storage), fail));
  return unwrapNames({ path: source.path, sizeBytes: source.sizeBytes, dataOffset: 0, metadata, tensors: entries });
}
