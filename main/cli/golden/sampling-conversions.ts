// Golden case `samplers`, conversions: between noise, clean latents and velocity, and guidance with its rescale.
import { guide, guided, rescaleTo } from '../../engine/sampling/guidance';
import { lincomb } from '../../engine/sampling/arithmetic';
import { scalings } from '../../engine/sampling/model-sampling';
import { float32, sizeOf, type Tensor } from '../../engine/tensor';
import { compare, maxAbs } from './measure';
import { floats, type GoldenTensor } from './read';
import type { Check } from './types';

type Tensors = ReadonlyMap<string, GoldenTensor>;
const tolerance = 1e-5;

export async function* checkConversions(tensors: Tensors, kTensors: Tensors): AsyncGenerator<Check> {
  yield* checkPredictions(tensors, floats(kTensors, 'alphas_cumprod'));
  yield* checkGuidance(tensors);
  yield* checkDenoisedRescale(tensors);
}

/** Entry b of a batch, as a batch of one. */
function entry(tensors: Tensors, name: string, b: number): Tensor {
  const [, ...rest] = tensors.get(name)!.shape;
  return float32([1, ...rest], floats(tensors, name).slice(b * sizeOf(rest), (b + 1) * sizeOf(rest)));
}

function* checkPredictions(tensors: Tensors, alphas: Float32Array): Generator<Check> {
  const timesteps = tensors.get('conv.t')!.data as BigInt64Array;
  const worst: Record<string, number> = {};
  timesteps.forEach((t, b) => {
    const sigma = Math.sqrt((1 - alphas[Number(t)]!) / alphas[Number(t)]!);
    const { cIn, cSkip, cOut } = scalings('v', sigma);
    const x0 = entry(tensors, 'conv.x0', b);
    const noised = lincomb([1, x0], [sigma, entry(tensors, 'conv.noise', b)]);           // in k-diffusion's scale
    const velocity = entry(tensors, 'conv.velocity', b);
    const x0FromV = lincomb([cSkip, noised], [cOut, velocity]);
    const got = {
      'conv.noised': lincomb([cIn, noised]),
      'conv.velocity': lincomb([1 / cOut, x0], [-cSkip / cOut, noised]),
      'conv.x0_from_v': x0FromV,
      'conv.eps_from_v': lincomb([1 / sigma, noised], [-1 / sigma, x0FromV]),
    };
    for (const [name, value] of Object.entries(got)) worst[name] = Math.max(worst[name] ?? 0, maxAbs(value.data, entry(tensors, name, b).data));
  });
  for (const [name, error] of Object.entries(worst)) yield compare(name, error, tolerance);
}

function* checkGuidance(tensors: Tensors): Generator<Check> {
  const dims = tensors.get('cfg.cond')!.shape;
  const cond = float32(dims, floats(tensors, 'cfg.cond'));
  const uncond = float32(dims, floats(tensors, 'cfg.uncond'));
  for (const name of tensors.keys()) {
    const match = /^cfg\.scale([\d.]+?)(?:\.rescale([\d.]+))?$/.exec(name);
    if (!match) continue;
    const mixed = guide(cond, uncond, Number(match[1]));
    const got = match[2] === undefined ? mixed : rescaleTo(cond, mixed, Number(match[2]));
    yield compare(name, maxAbs(got.data, floats(tensors, name)), tolerance);
  }
}

/** ComfyUI's RescaleCFG: the same on denoised predictions, each picture at its own σ. */
async function* checkDenoisedRescale(tensors: Tensors): AsyncGenerator<Check> {
  const sigmas = floats(tensors, 'comfy_rescale.sigma');
  for (const name of tensors.keys()) {
    const match = /^comfy_rescale\.scale([\d.]+)\.mult([\d.]+)$/.exec(name);
    if (!match) continue;
    let error = 0;
    for (const [b, sigma] of sigmas.entries()) {
      const pair = { cond: entry(tensors, 'comfy_rescale.cond_denoised', b), uncond: entry(tensors, 'comfy_rescale.uncond_denoised', b) };
      const denoise = guided(async () => pair, { scale: Number(match[1]), rescale: Number(match[2]) });
      const got = await denoise(entry(tensors, 'comfy_rescale.x', b), sigma);
      const want = entry(tensors, name, b).data;
      error = Math.max(error, maxAbs(got.data, want) / want.reduce((top, value) => Math.max(top, Math.abs(value)), 0));
    }
    yield compare(name, error, tolerance);
  }
}
