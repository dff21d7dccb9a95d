// Noise that belongs to noise levels: k-diffusion's BrownianTreeNoiseSampler over torchsde's BrownianTree, for the DPM++ SDE samplers.
import { float32, sizeOf, type Dims } from '../../tensor';
import { roundHalfEven } from '../timestep-grids';
import type { NoiseSampler } from '../types';
import { seedSequence } from './seed-sequence';

/** The noise levels that a tree spans: the smallest above 0 and the largest of a schedule. Part of what its noise depends on. */
export interface Span { readonly from: number; readonly to: number }

/** Unit normal values from a generator seeded anew. */
export type Draw = (seed: number | bigint, n: number) => Float32Array;

const poolSize = 24;
const { fround } = Math;

/**
 * Unit noise of shape `dims` for steps between noise levels. The same interval always has the same noise, and intervals that
 * overlap share theirs, so that more steps refine a picture instead of changing it. Levels outside the span are taken to its ends.
 * A level that is off by a millionth, as programs' own are from one device to the next, changes the noise by some 0.002.
 */
export function brownianNoise(seed: number | bigint, dims: Dims, span: Span, draw: Draw): NoiseSampler {
  const path = brownianPath(seed, sizeOf(dims), { from: fround(span.from), to: fround(span.to) }, draw);
  // A step begins where another ended, and the two of DPM++ SDE begin at one level.
  let recent: { time: number; position: Float64Array }[] = [];
  const at = (level: number): Float64Array => {
    const time = path.timeOf(fround(level));
    const position = recent.find((r) => r.time === time)?.position ?? path.at(time);
    recent = [{ time, position }, ...recent.filter((r) => r.time !== time)].slice(0, 3);
    return position;
  };
  return (sigma, sigmaNext) => {
    const here = at(sigma);
    const there = at(sigmaNext);
    const length = fround(Math.sqrt(Math.abs(fround(fround(sigmaNext) - fround(sigma)))));
    const out = float32(dims);
    // Steps go down, against the time of the motion: the increment is −(W(σ) − W(σ')).
    for (let i = 0; i < out.data.length; i++) out.data[i] = (there[i]! - here[i]!) / length;
    return out;
  };
}

interface Path {
  /** A level as a point of the tree's grid. */
  timeOf(level: number): number;
  /** W(time) − W(start) for a point of the grid. */
  at(time: number): Float64Array;
}

/**
 * torchsde 0.2's BrownianTree (entropy = seed, tol 1e-6, pool size 24): one draw gives the motion over the whole span, and each
 * half is found from its parent by a Brownian bridge with the noise of that node, down to a millionth. torchsde adds up the nodes
 * within an interval; the difference of two positions is the same but for float32 rounding, about 1e-6. Nothing is kept: a
 * position costs a draw for each level of the tree, about 24, and memory for two tensors.
 */
function brownianPath(seed: number | bigint, n: number, { from, to }: Span, draw: Draw): Path {
  const [first, last] = [onGrid(from), onGrid(to)];
  const nodeNoise = (key: readonly number[]): Float32Array => draw(seedSequence(seed, key, poolSize, 1)[0]!, n);

  return {
    timeOf: (level) => onGrid(Math.min(Math.max(level, first), last)),
    at(time) {
      const position = new Float64Array(n);
      const scale = fround(Math.sqrt(to - from));
      const increment = nodeNoise([]).map((value) => value * scale);       // W(end) − W(start) of the node
      let [start, end, key] = [first, last, 0];
      for (let depth = 0; time > start && time < end; depth++) {
        const middle = onGrid(0.5 * (end + start));
        const left = bridge(increment, nodeNoise([key, depth]), start, middle, end);
        const goesRight = time >= middle;
        for (let i = 0; i < n; i++) {
          if (goesRight) position[i]! += left[i]!;
          increment[i] = goesRight ? increment[i]! - left[i]! : left[i]!;
        }
        [start, end] = goesRight ? [middle, end] : [start, middle];
        key = 2 * key + (goesRight ? 1 : 0);
      }
      if (time === end) for (let i = 0; i < n; i++) position[i]! += increment[i]!;
      return position;
    },
  };
}

/** The increment over [start, middle], given that over [start, end]; in place of `noise`. float32 after each operation, as in torch. */
function bridge(increment: Float32Array, noise: Float32Array, start: number, middle: number, end: number): Float32Array {
  const share = 1 / (end - start);
  const left = fround(middle - start);
  const deviation = fround(Math.sqrt((middle - start) * (end - middle) * share));
  const scale = fround(share);
  for (let i = 0; i < noise.length; i++) {
    const mean = fround(fround(left * increment[i]!) * scale);
    noise[i] = mean + fround(deviation * noise[i]!);
  }
  return noise;
}

/** Python's round(time, 6): the nearest decimal, exact ties to the even one. A tie is an odd multiple of 2⁻⁷. */
const onGrid = (time: number): number => (Math.abs(time * 128 % 2) === 1 ? roundHalfEven(time * 1e6) / 1e6 : Number(time.toFixed(6)));
