// Golden case `samplers`, trajectories: each sampler walks beside the reference, and its latents are compared before every step.
import { lincomb } from '../../engine/sampling/arithmetic';
import { sigmaTable, sigmaToT, rescaleToZeroTerminalSnr, scalings, scaledLinearAlphas, stableDiffusionTable, tToSigma, type SigmaTable } from '../../engine/sampling/model-sampling';
import { samplers } from '../../engine/sampling/samplers';
import { sampleDpmpp2s } from '../../engine/sampling/samplers/dpmpp';
import { sigmasOf, spacedTimesteps, uniformTimesteps, uniPcGrid } from '../../engine/sampling/timestep-grids';
import type { Denoiser, Sampler, SamplerOptions } from '../../engine/sampling/types';
import { float32, type Tensor } from '../../engine/tensor';
import { mixtureDenoiser, type Mixture } from './gaussian-mixture';
import { compare, maxAbs } from './measure';
import { floats, type GoldenTensor } from './read';
import type { Check } from './types';

type Tensors = ReadonlyMap<string, GoldenTensor>;
type CaseConfig = Record<string, any>;   // eslint-disable-line @typescript-eslint/no-explicit-any -- each case has its own form

interface Trajectory {
  run: Sampler;
  options: SamplerOptions;
  sigmas: readonly number[];
  denoise: Denoiser;
  /** Latents are held as x₀ + σn here; timestep programs hold √ᾱ times that. */
  vp: boolean;
  /** Factor on the case's unit noise: the latents to start from, in the program's own form. */
  initScale: number;
  /** Compare before each step, at each call of the denoiser (schedulers of diffusers), or only the ends. */
  at: 'steps' | 'calls' | 'ends';
}

const renamed: Record<string, keyof typeof samplers> = {
  euler_ancestral: 'euler_a', dpm_2: 'dpm2', dpm_2_ancestral: 'dpm2_a', dpmpp_2s_ancestral: 'dpmpp_2s_a',
};

/** A case of k-diffusion, A1111, ComfyUI or CompVis. */
export async function checkKCase(config: CaseConfig, tensors: Tensors, mixture: Mixture): Promise<Check[]> {
  const name: string = config['name'];
  const entry = samplers[renamed[config['sampler']] ?? (config['sampler'] as keyof typeof samplers)];
  if (!entry) return [unsupported(name, `no sampler ${config['sampler']}`)];
  const given = config['options'] as Record<string, number | string | undefined>;
  const options = {
    eta: given['eta'], sNoise: given['s_noise'], sChurn: given['s_churn'], sTmin: given['s_tmin'], sTmax: given['s_tmax'],
    order: given['order'] ?? config['order'], rtol: given['rtol'], atol: given['atol'], solver: given['solver_type'],
    variant: config['variant'], lowerOrderFinal: config['lower_order_final'],
  } as SamplerOptions;
  const vp = config['timesteps'] !== undefined;
  const levels = levelsOf(config, tensors);
  const denoise = levels.timesteps ? atTimesteps(mixtureDenoiser(mixture), levels.timesteps, stableDiffusionTable, 'eps') : mixtureDenoiser(mixture);
  const at = config['n_states'] === 2 ? 'ends' : 'steps';
  return follow(config, tensors, { run: entry.run, options, sigmas: levels.sigmas, denoise, vp, at, initScale: vp ? 1 : levels.sigmas[0]! });
}

function levelsOf(config: CaseConfig, tensors: Tensors): { sigmas: readonly number[]; timesteps?: readonly number[] } {
  const { options, timesteps } = config as { options: Record<string, number>; timesteps?: number[] };
  const asked = tensors.get(`${config['name']}.eval_t`);
  if (config['sampler'] === 'unipc') return uniPcGrid(config['skip_type'], timesteps!.length, stableDiffusionTable);
  if (timesteps) {
    const grid = uniformTimesteps(timesteps.length).reverse();
    const sigmas = sigmasOf(grid, stableDiffusionTable, stableDiffusionTable.sigmaMin);
    return { sigmas: config['source'] === 'A1111' ? sigmas.slice(0, -1) : sigmas };
  }
  if (config['sigmas']) return { sigmas: [...floats(tensors, config['sigmas'])], timesteps: asked && [...(asked.data as Float32Array)] };
  // dpm_fast and dpm_adaptive are given the ends only; dpm_fast also how often it may ask.
  const steps = options['n'] ?? 10;
  return { sigmas: [...Array.from({ length: steps }, (_, i) => (i === 0 ? options['sigma_max']! : options['sigma_min']!)), 0] };
}

/** A scheduler of diffusers. Its samples are VP latents where it starts from unit noise. */
export async function checkDiffusersCase(config: CaseConfig, tensors: Tensors, mixture: Mixture): Promise<Check[]> {
  const name: string = config['name'];
  const { scheduler, config: settings, n } = config as { scheduler: string; config: CaseConfig; n: number };
  const known = diffusersSamplers[scheduler];
  if (!known) return [unsupported(name, `no counterpart of ${scheduler}`)];
  // An exact ᾱ = 0 would be σ = ∞; 1e-12 stands for it.
  const table = settings['rescale_betas_zero_snr'] ? sigmaTable(rescaleToZeroTerminalSnr(scaledLinearAlphas(), 1e-12), 'double') : stableDiffusionTable;
  const timesteps = [...floats(tensors, `${name}.timesteps`)];
  const prediction = settings['prediction_type'] === 'v_prediction' ? 'v' : 'eps';
  const last = settings['set_alpha_to_one'] === false ? table.sigmaMin : 0;
  const visited = scheduler === 'PNDMScheduler' ? spacedTimesteps('leading', n) : timesteps.filter((_, i) => timesteps.length === n || i % 2 === 0);
  const stored = tensors.has(`${name}.sigmas`) ? floats(tensors, `${name}.sigmas`) : null;
  const sigmas = stored?.length === n + 1 ? [...stored] : sigmasOf(visited, table, last);
  return follow(config, tensors, {
    run: known.run, options: known.options(settings, config['step_options'], n), sigmas,
    denoise: atTimesteps(mixtureDenoiser(mixture), timesteps, table, prediction),
    vp: config['init_noise_sigma'] === 1, initScale: config['init_noise_sigma'], at: 'calls',
  });
}

const plain = (run: Sampler, options: SamplerOptions = {}): { run: Sampler; options: () => SamplerOptions } => ({ run, options: () => options });
const diffusersSamplers: Record<string, { run: Sampler; options: (settings: CaseConfig, step: CaseConfig, n: number) => SamplerOptions }> = {
  DDIMScheduler: { run: samplers.ddim.run, options: (_, step) => ({ eta: step['eta'] ?? 0 }) },
  DDPMScheduler: plain(samplers.ddpm.run),
  PNDMScheduler: { run: samplers.plms.run, options: (settings) => ({ warmUp: settings['skip_prk_steps'] ? 'improvedEuler' : 'rungeKutta' }) },
  UniPCMultistepScheduler: { run: samplers.unipc.run, options: (settings) => ({ order: settings['solver_order'] ?? 2, variant: settings['solver_type'] ?? 'bh2' }) },
  LCMScheduler: plain(samplers.lcm.run),
  EulerDiscreteScheduler: plain(samplers.euler.run),
  EulerAncestralDiscreteScheduler: plain(samplers.euler_a.run),
  DPMSolverMultistepScheduler: {
    run: (...args) => (args[4]?.eta === undefined ? samplers.dpmpp_2m : samplers.dpmpp_2m_sde).run(...args),
    options: (settings, _, n) => ({ eta: settings['algorithm_type'] === 'sde-dpmsolver++' ? 1 : undefined, lowerOrderFinal: n < 15 }),
  },
  DPMSolverSinglestepScheduler: plain(sampleDpmpp2s),
  HeunDiscreteScheduler: plain(samplers.heun.run),
  KDPM2DiscreteScheduler: plain(samplers.dpm2.run),
  LMSDiscreteScheduler: plain(samplers.lms.run),
  DEISMultistepScheduler: { run: samplers.deis.run, options: (_, __, n) => ({ order: 2, basis: 'logSigma', lowerOrderFinal: n < 15 }) },
};

/** Programs ask the model at a timestep that need not be the one of their σ (rounded, or interpolated otherwise). The k-th call is for timesteps[k]. */
function atTimesteps(denoise: Denoiser, timesteps: readonly number[], table: SigmaTable, prediction: 'eps' | 'v'): Denoiser {
  let call = 0;
  return async (x, sigma) => {
    const t = timesteps[call++] ?? sigmaToT(table, sigma);
    const asked = tToSigma(table, t);
    const own = scalings(prediction, sigma);
    const theirs = scalings(prediction, asked);
    // The same scaled latents, read as noised to `asked`; then the model's output, read as an answer for `sigma`.
    const same = lincomb([own.cIn / theirs.cIn, x]);
    const output = lincomb([1 / theirs.cOut, await denoise(same, asked)], [-theirs.cSkip / theirs.cOut, same]);
    return lincomb([own.cSkip, x], [own.cOut, output]);
  };
}

async function follow(config: CaseConfig, tensors: Tensors, t: Trajectory): Promise<Check[]> {
  const name: string = config['name'];
  const toTheirs = (x: Tensor, sigma: number): Tensor => (t.vp ? lincomb([1 / Math.sqrt(1 + sigma * sigma), x]) : x);
  const start = lincomb([t.initScale * (t.vp ? Math.sqrt(1 + t.sigmas[0]! ** 2) : 1), float32([2, 8], floats(tensors, 'init'))]);
  const states: Tensor[] = [];
  let calls = 0;
  let draws = 0;
  const denoise: Denoiser = (x, sigma) => {
    calls++;
    if (t.at === 'calls') states.push(toTheirs(x, sigma));
    return t.denoise(x, sigma);
  };
  const pool = floats(tensors, 'noise.pool');
  const result = await t.run(denoise, start, t.sigmas, {
    noise: () => float32([2, 8], pool.slice(16 * draws, 16 * ++draws)),
    onStep: (step) => { if (t.at === 'steps' || (t.at === 'ends' && step.i === 0)) states.push(toTheirs(step.x, step.sigma)); },
  }, t.options);
  const isFixed = !['dpm_fast', 'dpm_adaptive'].includes(config['sampler']);
  states.push(toTheirs(result, isFixed ? t.sigmas.at(-1)! : 0));

  const want = floats(tensors, `${name}.states`);
  const tolerance = config['sampler'] === 'dpm_adaptive' ? 1e-3 : 1e-4;
  const checks = [compare(name, maxAbs(states.flatMap((s) => [...s.data]), want), tolerance)];
  if (config['info']) checks.push(compare(`${name}.nfe`, Math.abs(calls - config['info']['nfe']), 0));
  return checks;
}

const unsupported = (check: string, note: string): Check => ({ check, status: 'unsupported', error: null, tolerance: null, note });
