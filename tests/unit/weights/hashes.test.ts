// Model hashes against their definitions, on files around the range that AutoV1 reads; and the random checkpoints that tests and the bench use.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { halfToFloat } from '../../../main/engine/weights/half';
import { openWeightFile } from '../../../main/files/weight-file';
import { hashModel } from '../../../main/services/models/file-hashes';
import { randomCheckpoint, scratchFolder, zeroFile } from '../../support/checkpoints';

const folder = scratchFolder();
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
function write(name: string, values: number, metadata?: Record<string, string>): string {
  const path = join(folder, name), bytes = zeroFile([{ name: 'a', dtype: 'U8', shape: [values] }], metadata);
  for (let i = bytes.length - values; i < bytes.length; i++) bytes[i] = (i * 31) >> 3;
  writeFileSync(path, bytes);
  return path;
}

describe('hashModel', () => {
  test.each([10, 0x10_0000 - 100, 0x10_0000 + 5000, 0x11_0000 + 5000, 9 << 20])('of %i bytes of weights', async (values) => {
    const path = write(`${values}.safetensors`, values), bytes = readFileSync(path), file = await openWeightFile(path);
    const progress: number[] = [];
    const hashes = await hashModel(file, { onProgress: (done, total) => progress.push(done / total) });
    expect(hashes).toEqual({
      sha256: sha(bytes), autov1: sha(bytes.subarray(0x10_0000, 0x11_0000)).slice(0, 8), autov2: sha(bytes).slice(0, 10),
      autov3: sha(bytes.subarray(8 + Number(bytes.readBigUInt64LE()))).slice(0, 12),
    });
    expect(progress.at(-1)).toBe(1);
  });
  test('kohya\'s own hash in the metadata is AutoV3', async () => {
    const stated = sha(Uint8Array.of(1));
    const file = await openWeightFile(write('stated.safetensors', 10, { sshs_model_hash: stated.toUpperCase() }));
    expect((await hashModel(file)).autov3).toBe(stated.slice(0, 12));
  });
  test('stops when it is told to', async () => {
    const file = await openWeightFile(write('stop.safetensors', 20 << 20)), stop = new AbortController();
    await expect(hashModel(file, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow(/abort/i);
  });
});

describe('random checkpoints', () => {
  test('the same seed gives the same bytes, another seed others', async () => {
    const hash = async (seed: number): Promise<string> => sha(readFileSync(await randomCheckpoint({ seed })));
    expect(await hash(1)).toBe(await hash(1));
    expect(await hash(1)).not.toBe(await hash(2));
  });
  test('weights have variance 1 / fan-in, norms are near 1', async () => {
    const path = await randomCheckpoint(), file = await openWeightFile(path), bytes = readFileSync(path);
    const values = (name: string): Float32Array => {
      const { offset, byteLength } = file.tensors.get(name)!;
      return halfToFloat(new Uint16Array(new Uint8Array(bytes.subarray(offset, offset + byteLength)).buffer));
    };
    const conv = values('model.diffusion_model.middle_block.0.in_layers.2.weight');   // [64, 64, 3, 3]
    expect(conv.reduce((sum, v) => sum + v * v, 0) / conv.length * 64 * 9).toBeCloseTo(1, 1);
    const norm = values('model.diffusion_model.out.0.weight');
    expect(Math.max(...norm.map((v) => Math.abs(v - 1)))).toBeLessThan(0.1);
  });
});
