// Golden case `rng`: seeded noise as torch and AUTOMATIC1111 draw it.
import { join } from 'node:path';
import { PhiloxGenerator } from '../../engine/sampling/noise/philox';
import { TorchGenerator } from '../../engine/sampling/noise/mersenne';
import { slerp } from '../../engine/sampling/noise/slerp';
import { float32, sizeOf, type Tensor } from '../../engine/tensor';
import { compare, maxAbs } from './measure';
import { floats, readTensors, type GoldenTensor } from './read';
import type { Check, Checker } from './types';

export const rng: Checker = async function* (folder) {
  const tensors = await readTensors(join(folder.path, 'rng.safetensors'));
  const tolerance = Number(folder.config['tolerance']['abs']);
  for (const [name, want] of tensors) {
    if (name === 'slerp.low' || name === 'slerp.high') continue;
    yield check(name, want, tensors, tolerance);
  }
};

function check(name: string, want: GoldenTensor, tensors: ReadonlyMap<string, GoldenTensor>, tolerance: number): Check {
  const [kind, seed = '', , second] = name.split('.');
  const n = sizeOf(want.shape);
  switch (kind) {
    case 'torch': return compare(name, maxAbs(draw(new TorchGenerator(Number(seed)), n, second), want.data as Float32Array), tolerance);
    case 'philox': return compare(name, maxAbs(draw(new PhiloxGenerator(Number(seed)), n, second), want.data as Float32Array), tolerance);
    case 'torch_rand': return compare(name, maxAbs(new TorchGenerator(Number(seed)).rand(n), want.data as Float32Array), tolerance);
    case 'torch_randint1000': return integers(name, new TorchGenerator(Number(seed)).randint(1000, n), want.data as BigInt64Array);
    case 'slerp': {
      const end = (which: string): Tensor => float32(want.shape, floats(tensors, `slerp.${which}`));
      return compare(name, maxAbs(slerp(Number(name.slice(6)), end('low'), end('high')).data, want.data as Float32Array), tolerance);
    }
    default: return { check: name, status: 'unsupported', error: null, tolerance, note: 'not a kind of draw that is known here' };
  }
}

function draw(generator: { randn(n: number): Float32Array }, n: number, second: string | undefined): Float32Array {
  const first = generator.randn(n);
  return second ? generator.randn(n) : first;
}

function integers(name: string, got: Uint32Array, want: BigInt64Array): Check {
  const wrong = want.findIndex((value, i) => value !== BigInt(got[i] ?? -1));
  return { check: name, status: wrong < 0 ? 'passed' : 'failed', error: null, tolerance: null, note: wrong < 0 ? undefined : `value ${wrong}: ${got[wrong]}, expected ${want[wrong]}` };
}
