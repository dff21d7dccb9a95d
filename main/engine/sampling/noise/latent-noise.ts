// The noise of a picture from its seed, as the programs that people copy seeds from draw it: first the latents, then each step's noise.
import type { Seed } from '../../../../preload/contract/seed';
import type { Rng } from '../../../../preload/contract/vocabulary';
import { float32, sizeOf, type Dims, type Tensor } from '../../tensor';
import type { NoiseSampler } from '../types';
import { brownianNoise, type Draw, type Span } from './brownian';
import { TorchGenerator } from './mersenne';
import { PhiloxGenerator } from './philox';
import { slerp } from './slerp';

export interface NoiseOptions {
  /** Mix in the noise of another seed; strength 0–1. Picture i of the batch uses seed + i here too. */
  variation?: { readonly seed: Seed; readonly strength: number };
  /** ENSD, eta noise seed delta: the steps draw from generators of seed + delta instead of going on after the latents. */
  stepSeedDelta?: number;
  /** For samplers whose step noise is a Brownian tree's: the noise levels that it spans. */
  tree?: Span | undefined;
  /** Draws that the steps have had already: theirs go on after these. A tree's noise does not depend on them. */
  drawn?: number;
}

export interface LatentNoise {
  /** Unit noise for the start, [B, C, H, W]. */
  readonly initial: Tensor;
  /** Unit noise for the steps of ancestral and SDE samplers. Drawn one after the other, or with a tree by the step's noise levels. */
  readonly next: NoiseSampler;
}

interface Generator { randn(n: number): Float32Array }

/**
 * Noise for a batch of latents [B, C, H, W].
 *
 * 'cpu' and 'nv' follow AUTOMATIC1111 and Forge (RNG: CPU, and NV or GPU): picture i has a generator of its own with seed + i, so
 * a picture is the same alone and in a batch. Its steps go on where the latents ended, or from seed + i + ENSD. Trees are seeded
 * with seed + i whatever ENSD and variation are, and their nodes draw from the same kind of generator.
 *
 * 'cpu_nv' follows ComfyUI on an NVIDIA card: one CPU draw with the whole batch's shape (picture 2 of a batch is not picture 1 of the
 * next seed, and it changes with the batch's size). Step noise is the card's, from the same seed and again for the whole batch: older
 * versions seed every device's generator when they draw the latents, later ones a generator for the steps alone, which comes to the
 * same. (Without a card, steps draw on the CPU from seed + 1 in later versions and after the latents in older ones; that is not
 * followed.) Trees are one tree over the whole batch, on the CPU also with a card; the samplers ending in `_gpu` differ and are not followed.
 *
 * A real card gives the values of 'nv' only while a draw has no more of them than the card runs threads, about 40,000 on small
 * cards and 200,000 on large ones; 512×512 has 16,384 and 1024×1024 has 65,536. AUTOMATIC1111's NV has them at every size, as here.
 */
export function latentNoise(rng: Rng, seed: Seed, dims: Dims, options: NoiseOptions = {}): LatentNoise {
  return rng === 'cpu_nv' ? mixedNoise(BigInt(seed), dims, options) : pictureNoise(rng, BigInt(seed), dims, options);
}

function pictureNoise(rng: 'cpu' | 'nv', seed: bigint, dims: Dims, options: NoiseOptions): LatentNoise {
  const [batch = 1, ...shape] = dims;
  const open = (s: number | bigint): Generator => rng === 'nv' ? new PhiloxGenerator(s) : new TorchGenerator(s);
  const draw = (generators: readonly Generator[]): Tensor => stack(dims, generators.map((g) => g.randn(sizeOf(shape))));
  const seeds = Array.from({ length: batch }, (_, i) => plus(seed, i));
  const generators = seeds.map(open);

  const initial = vary(draw(generators), options, (s) => draw(seeds.map((_, i) => open(plus(s, i)))));
  const { stepSeedDelta: delta = 0, tree } = options;
  if (tree) {
    const trees = seeds.map((s) => brownianNoise(s, shape, tree, (nodeSeed, n) => open(nodeSeed).randn(n)));
    return { initial, next: (sigma, sigmaNext) => stack(dims, trees.map((noise) => noise(sigma, sigmaNext).data)) };
  }
  const forSteps = delta === 0 ? generators : seeds.map((s) => open(plus(s, delta)));
  return { initial, next: after(options.drawn, () => draw(forSteps)) };
}

function mixedNoise(seed: bigint, dims: Dims, options: NoiseOptions): LatentNoise {
  const drawOnCpu: Draw = (s, n) => new TorchGenerator(s).randn(n);
  const latents = (s: bigint): Tensor => float32(dims, drawOnCpu(s, sizeOf(dims)));
  const forSteps = new PhiloxGenerator(plus(seed, options.stepSeedDelta ?? 0));
  return {
    initial: vary(latents(seed), options, latents),
    next: options.tree ? brownianNoise(seed, dims, options.tree, drawOnCpu) : after(options.drawn, () => float32(dims, forSteps.randn(sizeOf(dims)))),
  };
}

/** Seeds have 64 bits, and below 0 they go on from the end. */
const plus = (seed: bigint, by: number): bigint => BigInt.asUintN(64, seed + BigInt(by));

/** The source without its first draws. */
function after(drawn = 0, next: () => Tensor): () => Tensor {
  for (let i = 0; i < drawn; i++) next();
  return next;
}

function vary(noise: Tensor, { variation }: NoiseOptions, drawFor: (seed: bigint) => Tensor): Tensor {
  if (!variation || variation.strength === 0) return noise;
  const other = drawFor(BigInt(variation.seed));
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
