// Golden case `samplers`, noise levels: the sigma lists of each program, the timestep grids, and the tables between σ and t.
import { karras, polyexponential, sigmas, vp } from '../../engine/sampling/schedules';
import {
  rescaleToZeroTerminalSnr, scaledLinearAlphas, scalings, sigmaTable, sigmaToT, stableDiffusionTable, tToSigma, type SigmaTable,
} from '../../engine/sampling/model-sampling';
import { consistencyTimesteps, quadraticTimesteps, spacedTimesteps, uniformTimesteps } from '../../engine/sampling/timestep-grids';
import { scheduleNames, type Compat, type ScheduleName } from '../../../preload/contract/vocabulary';
import { compare, maxAbs, maxRelative } from './measure';
import { floats, type GoldenTensor } from './read';
import type { Check } from './types';

type Json = Record<string, any>;   // eslint-disable-line @typescript-eslint/no-explicit-any -- nested lists of numbers of several forms

/** Of the value itself: the lists are float32, computed here in double. */
const tolerance = 1e-5;
const comfyTable = sigmaTable(scaledLinearAlphas(), 'double');
const zeroSnrTable = sigmaTable(rescaleToZeroTerminalSnr(scaledLinearAlphas()), 'double');

export function* checkSchedules(file: Json, tensors: ReadonlyMap<string, GoldenTensor>, schedulers: readonly Json[]): Generator<Check> {
  for (const [steps, lists] of Object.entries(file['sigmas'] as Json)) {
    for (const [name, want] of Object.entries(lists as Record<string, number[]>)) {
      const got = listOf(name, Number(steps));
      yield got ? compare(`sigmas.${name}.n${steps}`, maxRelative(got, want), tolerance) : unsupported(`sigmas.${name}.n${steps}`);
    }
  }
  for (const [steps, grids] of Object.entries(file['timesteps'] as Json)) {
    for (const [name, want] of Object.entries(grids as Record<string, number[]>)) {
      const got = name === 'ldm_ddim_quad' ? quadraticTimesteps(Number(steps)) : uniformTimesteps(Number(steps));
      yield compare(`timesteps.${name}.n${steps}`, maxAbs(got, want), 0);
    }
  }
  yield* checkTables(file);
  for (const scheduler of schedulers) yield* checkGrid(scheduler, tensors);
}

function listOf(name: string, steps: number): number[] | null {
  const [program = '', ...rest] = name.split('.');
  const list = rest.join('.');
  const { sigmaMin, sigmaMax } = stableDiffusionTable;
  switch (list) {
    case 'karras_0.1_10': return karras(steps, 0.1, 10);
    case 'polyexponential_rho2': return polyexponential(steps, sigmaMin, sigmaMax, 2);
    case 'vp': return vp(steps);
    case 'align_your_steps_sd15': return sigmas('align_your_steps', steps, stableDiffusionTable);
    case 'align_your_steps_sdxl': return sigmas('align_your_steps', steps, stableDiffusionTable, { family: 'sdxl' });
  }
  const known = ({ uniform: 'normal', ddim: 'ddim_uniform' } as Record<string, ScheduleName>)[list] ?? scheduleNames.find((n) => n === list);
  const by = ({ k_diffusion: ['a1111', stableDiffusionTable], a1111: ['a1111', stableDiffusionTable], comfy: ['comfy', comfyTable], comfy_zsnr: ['comfy', zeroSnrTable] } as Record<string, [Compat, SigmaTable]>)[program];
  return known && by ? sigmas(known, steps, by[1], { compat: by[0] }) : null;
}

function* checkTables(file: Json): Generator<Check> {
  const table = stableDiffusionTable;
  const { sigma_to_t, t_to_sigma, alphas_cumprod, meta } = file as { sigma_to_t: Json; t_to_sigma: Json; alphas_cumprod: Json; meta: Json };
  yield compare('sigma_min', maxRelative([table.sigmaMin], [meta['sigma_min']]), tolerance);
  yield compare('sigma_max', maxRelative([table.sigmaMax], [meta['sigma_max']]), tolerance);
  const t = (sigma_to_t['sigma'] as number[]).map((sigma) => sigmaToT(table, sigma));
  // In timesteps, by the case's tolerance for float32: the reference takes its logarithms in it.
  yield compare('sigma_to_t', maxAbs(t, sigma_to_t['t']), 1e-4);
  yield compare('sigma_to_t.quantized', maxAbs(t.map(Math.round), sigma_to_t['t_quantized']), 0);
  yield compare('t_to_sigma', maxRelative((t_to_sigma['t'] as number[]).map((at) => tToSigma(table, at)), t_to_sigma['sigma']), tolerance);

  for (const prediction of ['eps', 'v'] as const) {
    const own = (file['scalings']['sigma'] as number[]).map((sigma) => scalings(prediction, sigma));
    const want = file['scalings'][prediction] as Record<string, number[]>;
    for (const [key, field] of [['c_in', 'cIn'], ['c_skip', 'cSkip'], ['c_out', 'cOut']] as const) {
      if (want[key]) yield compare(`scalings.${prediction}.${key}`, maxRelative(own.map((s) => s[field]), want[key]), tolerance);
    }
  }
  yield* checkAlphas(alphas_cumprod);
}

function* checkAlphas(want: Json): Generator<Check> {
  const at = (values: ArrayLike<number>): number[] => (want['index'] as number[]).map((i) => values[i]!);
  const single = stableDiffusionTable.alphasCumprod;
  const zeroSnr = rescaleToZeroTerminalSnr(single);
  const exactZero = rescaleToZeroTerminalSnr(scaledLinearAlphas(), 0);
  yield compare('alphas_cumprod', maxRelative(at(single), want['plain']), tolerance);
  yield compare('alphas_cumprod.sigma', maxRelative(at(stableDiffusionTable.sigmas), want['sigma']), tolerance);
  yield compare('zero_terminal_snr.a1111', maxRelative(at(zeroSnr), want['zero_terminal_snr_a1111']), tolerance);
  // 1 − ᾱ of a float32 ᾱ near 1: half a unit in its last place is 3.5e-5 of σ, so this is held to the case's float32 tolerance.
  yield compare('zero_terminal_snr.a1111_sigma', maxRelative(at(sigmaTable(zeroSnr).sigmas), want['zero_terminal_snr_a1111_sigma']), 1e-4);
  yield compare('zero_terminal_snr.comfy_sigma', maxRelative(at(zeroSnrTable.sigmas), want['zero_terminal_snr_comfy_sigma']), tolerance);
  yield compare('zero_terminal_snr.diffusers', maxRelative(at(exactZero), want['zero_terminal_snr_diffusers']), tolerance);
  // As betas the reference has float32's cancellation in 1 − ᾱₜ/ᾱₜ₋₁: an absolute measure.
  const betas = exactZero.map((a, i) => 1 - a / (exactZero[i - 1] ?? 1));
  yield compare('zero_terminal_snr.diffusers_betas', maxAbs(at(betas), want['diffusers_betas_rescaled']), tolerance);
}

/** The timesteps of a diffusers scheduler with one of its plain spacings. */
function* checkGrid({ name, scheduler, config, n }: Json, tensors: ReadonlyMap<string, GoldenTensor>): Generator<Check> {
  if (config['use_karras_sigmas'] || scheduler === 'PNDMScheduler') return;
  const solver = /^(DPMSolver|DEIS|UniPC)/.test(scheduler);
  const spacing = config['timestep_spacing'] ?? (solver ? 'linspace' : 'leading');
  const got = scheduler === 'LCMScheduler' ? consistencyTimesteps(n, config['original_inference_steps']) : spacedTimesteps(spacing, n, { offset: config['steps_offset'] ?? 0, solver });
  const stored = floats(tensors, `${name}.timesteps`);
  // Heun and DPM2 list each level twice or with its middle.
  const want = stored.length === n ? stored : stored.filter((_, i) => i % 2 === 0);
  yield compare(`${name}.timesteps`, maxAbs(got, want), 0);
}

const unsupported = (check: string): Check => ({ check, status: 'unsupported', error: null, tolerance, note: 'a schedule that is not known here' });
