// The noise of a picture from its seed, as the programs that people copy seeds from draw it: first the latents, then each step's noise.
import type { NoiseSource } from '../../../../preload/contract/vocabulary';
import { float32, sizeOf, type Dims, type Tensor } from '../../tensor';
import type { NoiseSampler } from '../types';
import { TorchGenerator } from './mersenne';
import { PhiloxGenerator } from './philox';
import { slerp } from './slerp';

export interface NoiseOptions {
  /** Mix in the noise of another seed; strength 0–1. Picture i of the batch uses seed + i here too. */
  variation?: { readonly seed: number; readonly strength: number };
  /** ENSD, eta noise seed delta: the steps draw from generators of seed + delta instead of going on after the latents. */
  stepSeedDelta?: number;
}

export interface LatentNoise {
  /** Unit noise for the start, [B, C, H, W]. */
  readonly initial: Tensor;
  /** Unit noise for the steps of ancestral and SDE samplers, one draw after the other. */
  readonly next: NoiseSampler;
}

interface Generator { randn(n: number): Float32Array }

/**
 * Noise for a batch of latents [B, C, H, W].
 *
 * 'cpu' and 'gpu' follow AUTOMATIC1111 (RNG: CPU, and NV or GPU): picture i has a generator of its own with seed + i, so a
 * picture is the same alone and in a batch, and its steps go on where the latents ended. 'comfy' follows ComfyUI on an NVIDIA
 * card: one CPU draw with the whole batch's shape (picture 2 of a batch is not picture 1 of the next seed, and it changes with
 * the batch's size), and step noise from the card's generator with the same seed, again for the whole batch.
 *
 * Each draw is independent of the interval it is for. torchsde's Brownian tree, which k-diffusion uses for its SDE samplers,
 * ties the noise of an interval to its sigmas instead; pictures of DPM++ SDE samplers from those programs therefore have the
 * same composition here, but not the same grain.
 */
export function latentNoise(source: NoiseSource, seed: number, dims: Dims, options: NoiseOptions = {}): LatentNoise {
  if (source === 'comfy') return comfyNoise(seed, dims, options);
  const [batch = 1, ...shape] = dims;
  const open = (s: number): Generator => source === 'gpu' ? new PhiloxGenerator(s) : new TorchGenerator(s);
  const draw = (generators: readonly Generator[]): Tensor => stack(dims, generators.map((g) => g.randn(sizeOf(shape))));
  const generators = Array.from({ length: batch }, (_, i) => open(seed + i));

  const initial = vary(draw(generators), options, (s) => draw(generators.map((_, i) => open(s + i))));
  const delta = options.stepSeedDelta ?? 0;
  const forSteps = delta === 0 ? generators : generators.map((_, i) => open(seed + i + delta));
  return { initial, next: () => draw(forSteps) };
}

function comfyNoise(seed: number, dims: Dims, options: NoiseOptions): LatentNoise {
  const draw = (generator: Generator): Tensor => float32(dims, generator.randn(sizeOf(dims)));
  const forSteps = new PhiloxGenerator(seed + (options.stepSeedDelta ?? 0));
  return {
    initial: vary(draw(new TorchGenerator(seed)), options, (s) => draw(new TorchGenerator(s))),
    next: () => draw(forSteps),
  };
}

function vary(noise: Tensor, { variation }: NoiseOptions, drawFor: (seed: number) => Tensor): Tensor {
  if (!variation || variation.strength === 0) return noise;
  const other = drawFor(variation.seed);
  const [batch = 1, ...shape] = noise.dims;
  const each = Array.from({ length: batch }, (_, i) => slerp(variation.strength, picture(noise, i, shape), picture(other, i, shape)).data);
  return stack(noise.dims, each);
}

const picture = (x: Tensor, i: number, shape: Dims): Tensor => float32(shape, x.data.subarray(i * sizeOf(shape), (i + 1) * sizeOf(shape)));

function stack(dims: Dims, parts: readonly Float32Array[]): Tensor {
  const out = float32(dims);
  parts.forEach((part, i) => out.data.set(part, i * part.length));
  return out;
}
