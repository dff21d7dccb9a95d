// Checkpoints for tests: small ones of each family with random weights, headers with no weights behind them, and files built byte by byte.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import type { CheckpointSizes } from '../../main/engine/families/known-sizes';
import { checkpointTensors } from '../../main/engine/families/network-tensors';
import { sizeOf, type Dims } from '../../main/engine/tensor';
import { dtypeBytes } from '../../main/engine/weights/dtypes';
import { encodeHeader, type TensorSpec } from '../../main/engine/weights/safetensors';
import type { ByteSource, StoredDType, WeightFile } from '../../main/engine/weights/source';
import { openWeightFile } from '../../main/files/weight-file';
import { writeRandomCheckpoint } from '../../main/services/model-tools/random-checkpoint';
import { tinySizes } from './tiny-families';

export { tinyFamilies, tinySizes, withInputs } from './tiny-families';

const scratch = mkdtempSync(join(tmpdir(), 'atelier-test-'));
afterAll(() => { rmSync(scratch, { recursive: true, force: true }); });

/** A folder of its own for a test's files, removed when the test file is done. */
export const scratchFolder = (): string => mkdtempSync(join(scratch, 'files-'));

/** Writes a whole random SD 1.x checkpoint and returns its path. `change` edits the tensor list before it is written. */
export async function randomCheckpoint(options: { sizes?: CheckpointSizes; seed?: number; path?: string; change?: (tensors: Map<string, Dims>) => void } = {}): Promise<string> {
  const tensors = checkpointTensors(options.sizes ?? tinySizes);
  options.change?.(tensors);
  const path = options.path ?? join(scratchFolder(), 'random.safetensors');
  await writeRandomCheckpoint(path, tensors, options.seed ?? 1);
  return path;
}

/** Writes a random checkpoint of any family and returns its path. `markers` are empty tensors, such as `v_pred`. */
export async function randomFamilyCheckpoint(sizes: CheckpointSizes, { seed = 1, markers = [], metadata = {} }: { seed?: number; markers?: string[]; metadata?: Record<string, string> } = {}): Promise<string> {
  const path = join(scratchFolder(), 'random.safetensors');
  await writeRandomCheckpoint(path, new Map([...checkpointTensors(sizes), ...markers.map((name) => [name, [0]] as const)]), seed, metadata);
  return path;
}

/** A weight file's header without the file: enough for all that looks at names and shapes only. */
export function weightFile(tensors: Iterable<readonly [string, Dims, StoredDType?]>, metadata: Record<string, string> = {}, path = '/models/test.safetensors'): WeightFile {
  let offset = 8;
  const entries = [...tensors].map(([name, shape, dtype = 'F16']) => {
    const byteLength = sizeOf(shape) * dtypeBytes[dtype];
    return { name, dtype, shape, byteLength, offset: (offset += byteLength) - byteLength };
  });
  return { path, sizeBytes: offset, dataOffset: 8, metadata, tensors: new Map(entries.map((entry) => [entry.name, entry])) };
}

/** One of the lists under tests/golden/tensors: names, dtypes and shapes of a real file. */
export function referenceTensors(name: string): [string, Dims, StoredDType][] {
  const json = readFileSync(new URL(`../golden/tensors/${name}.json`, import.meta.url), 'utf8');
  return Object.entries(JSON.parse(json) as Record<string, [StoredDType, number[]]>).map(([key, [dtype, shape]]) => [key, shape, dtype]);
}

/** A file in memory. */
export const memoryFile = (bytes: Uint8Array, path = '/models/test.safetensors'): ByteSource => ({
  path, sizeBytes: bytes.length, read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
});

/** A safetensors file with any header text and so many zero bytes behind it. */
export function rawFile(header: string, dataBytes = 0, claimedLength?: number): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(claimedLength ?? text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** A valid file whose weights are all zero. */
export function zeroFile(tensors: readonly TensorSpec[], metadata?: Record<string, string>): Uint8Array {
  const { header, sizeBytes } = encodeHeader(tensors, metadata);
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(header);
  return bytes;
}

/** Some of a checkpoint's weights, byte for byte, in a file of their own; `rename` gives undefined for those that stay behind. Returns its path. */
export async function partOf(path: string, name: string, rename: (name: string) => string | undefined): Promise<string> {
  const file = await openWeightFile(path), bytes = readFileSync(path), out = join(scratchFolder(), name);
  const tensors = [...file.tensors.values()].flatMap((entry) => { const renamed = rename(entry.name); return renamed === undefined ? [] : [{ ...entry, name: renamed }]; });
  writeFileSync(out, Buffer.concat([encodeHeader(tensors).header, ...tensors.map(({ offset, byteLength }) => bytes.subarray(offset, offset + byteLength))]));
  return out;
}

/** What stands below `prefix`, under names that begin with `as`. */
export const below = (prefix: string, as = '') => (name: string): string | undefined => (name.startsWith(prefix) ? as + name.slice(prefix.length) : undefined);

/** The weights of a whole checkpoint in a diffusers folder of the same name, byte for byte. Returns the folder's path. */
export async function folderOf(path: string): Promise<string> {
  const file = await openWeightFile(path), bytes = readFileSync(path);
  const folder = join(scratchFolder(), basename(path, '.safetensors'));
  const parts = { 'unet/diffusion_pytorch_model': 'model.diffusion_model.', 'vae/diffusion_pytorch_model': 'first_stage_model.', 'text_encoder/model': 'cond_stage_model.' };
  for (const [name, prefix] of Object.entries(parts)) {
    const tensors = [...file.tensors.values()].filter((entry) => entry.name.startsWith(prefix));
    const { header } = encodeHeader(tensors);
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, `${name}.safetensors`), Buffer.concat([header, ...tensors.map(({ offset, byteLength }) => bytes.subarray(offset, offset + byteLength))]));
  }
  writeFileSync(join(folder, 'model_index.json'), '{}');
  return folder;
}
