// Checkpoints of random weights at any size, for the bench and for tests: written as fast as the disk takes them, the same bytes for the same seed.
import { open } from 'node:fs/promises';
import type { Dims } from '../../engine/tensor';
import { floatToHalf } from '../../engine/weights/half';
import { encodeHeader } from '../../engine/weights/safetensors';

/** Prime, so that repeats of the pool never line up with the rows of a matrix. */
const poolSize = 1_048_573;
const writeBytes = 16 << 20;

/**
 * Writes an fp16 safetensors file with these tensors. Matrices and convolutions are uniform with variance 1 / fan-in and norms near 1, so that
 * activations keep their size through the network. Weights repeat with a period of a million values, from another place in each tensor.
 */
export async function writeRandomCheckpoint(path: string, tensors: ReadonlyMap<string, Dims>, seed: number, metadata: Record<string, string> = {}): Promise<void> {
  const { header, entries } = encodeHeader([...tensors].map(([name, shape]) => ({ name, dtype: 'F16', shape })), metadata);
  const random = splitMix(seed);
  const unit = Float32Array.from({ length: poolSize }, () => (2 * random() - 1) * Math.sqrt(3));   // variance 1
  const pools = new Map<string, Uint16Array>();
  const pool = (mean: number, scale: number): Uint16Array => {
    const key = `${mean} ${scale}`;
    if (!pools.has(key)) pools.set(key, floatToHalf(unit.map((value) => mean + scale * value)));
    return pools.get(key)!;
  };
  const file = await open(path, 'w');
  try {
    await file.write(header);
    const buffer = new Uint16Array(writeBytes / 2);
    let filled = 0;
    for (const { name, shape, byteLength } of entries) {
      const source = pool(...distribution(name, shape));
      let from = Math.floor(random() * poolSize);
      for (let left = byteLength / 2; left > 0;) {
        const n = Math.min(left, poolSize - from, buffer.length - filled);
        buffer.set(source.subarray(from, from + n), filled);
        left -= n;
        from = (from + n) % poolSize;
        if ((filled += n) === buffer.length) { await file.write(new Uint8Array(buffer.buffer)); filled = 0; }
      }
    }
    await file.write(new Uint8Array(buffer.buffer, 0, 2 * filled));
  } finally {
    await file.close();
  }
}

/** [mean, standard deviation]. Vectors named `weight` scale a norm; a row of a matrix or a filter of a convolution sums `fan-in` inputs. */
function distribution(name: string, shape: Dims): [mean: number, scale: number] {
  if (shape.length < 2) return name.endsWith('weight') ? [1, 0.05] : [0, 0.02];
  return [0, 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1))];
}

/** splitmix32: uniform in [0, 1). Integer steps only, so the file is the same on every machine. */
function splitMix(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e37_79b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
}
