// The field's names for samplers, schedules, noise sources and programs. The engine's tables are checked against these lists. No objects of zod here:
// the window imports this file, and they would try to compile code, which its content policy forbids.
import { z } from 'zod';

export const samplerNames = [
  'euler', 'euler_a', 'heun', 'dpm2', 'dpm2_a', 'lms', 'dpm_fast', 'dpm_adaptive', 'dpmpp_2s', 'dpmpp_2s_a', 'dpmpp_2m', 'dpmpp_sde',
  'dpmpp_2m_sde', 'dpmpp_2m_sde_heun', 'dpmpp_3m_sde', 'ddim', 'ddpm', 'plms', 'unipc', 'lcm', 'tcd', 'restart', 'deis', 'ipndm', 'ipndm_v', 'heunpp2',
  'euler_cfg_pp', 'euler_a_cfg_pp', 'dpmpp_2m_cfg_pp', 'dpmpp_2s_a_cfg_pp',
] as const;
export const SamplerName = z.enum(samplerNames);
export type SamplerName = z.infer<typeof SamplerName>;

export const scheduleNames = [
  'normal', 'karras', 'exponential', 'polyexponential', 'sgm_uniform', 'simple', 'ddim_uniform', 'beta', 'kl_optimal', 'linear_quadratic',
  'align_your_steps',
] as const;
export const ScheduleName = z.enum(scheduleNames);
export type ScheduleName = z.infer<typeof ScheduleName>;

/** How people read the names: A1111's labels. */
export const samplerLabels: Record<SamplerName, string> = {
  euler: 'Euler', euler_a: 'Euler a', heun: 'Heun', dpm2: 'DPM2', dpm2_a: 'DPM2 a', lms: 'LMS', dpm_fast: 'DPM fast', dpm_adaptive: 'DPM adaptive',
  dpmpp_2s: 'DPM++ 2S', dpmpp_2s_a: 'DPM++ 2S a', dpmpp_2m: 'DPM++ 2M', dpmpp_sde: 'DPM++ SDE', dpmpp_2m_sde: 'DPM++ 2M SDE', dpmpp_2m_sde_heun: 'DPM++ 2M SDE Heun',
  dpmpp_3m_sde: 'DPM++ 3M SDE', ddim: 'DDIM', ddpm: 'DDPM', plms: 'PLMS', unipc: 'UniPC', lcm: 'LCM', tcd: 'TCD', restart: 'Restart', deis: 'DEIS',
  ipndm: 'IPNDM', ipndm_v: 'IPNDM_V', heunpp2: 'HeunPP2',
  euler_cfg_pp: 'Euler CFG++', euler_a_cfg_pp: 'Euler a CFG++', dpmpp_2m_cfg_pp: 'DPM++ 2M CFG++', dpmpp_2s_a_cfg_pp: 'DPM++ 2S a CFG++',
};
export const scheduleLabels: Record<ScheduleName, string> = {
  normal: 'Normal', karras: 'Karras', exponential: 'Exponential', polyexponential: 'Polyexponential', sgm_uniform: 'SGM Uniform', simple: 'Simple',
  ddim_uniform: 'DDIM', beta: 'Beta', kl_optimal: 'KL Optimal', linear_quadratic: 'Linear Quadratic', align_your_steps: 'Align Your Steps',
};

/** What draws the noise of a seed: torch's CPU generator; that of NVIDIA cards (Philox), A1111's NV; the CPU's for the first noise and a card's for the steps', as ComfyUI draws. */
export const Rng = z.enum(['cpu', 'nv', 'cpu_nv']);
export type Rng = z.infer<typeof Rng>;

/** Whose conventions count steps, noise levels and defaults. */
export const Compat = z.enum(['a1111', 'comfy']);
export type Compat = z.infer<typeof Compat>;

/** What stands in the masked part before it is repainted: the picture, the colours around it, or as latents noise or nothing. A1111's names. */
export const fillLabels = { original: 'original', fill: 'fill', latent_noise: 'latent noise', latent_nothing: 'latent nothing' } as const;
export type FillName = keyof typeof fillLabels;
export const fillNames = Object.keys(fillLabels) as FillName[];

/** What makes a picture larger between two passes, by A1111's names. The first six enlarge latents. */
export const upscalerLabels = {
  latent: 'Latent', latent_antialiased: 'Latent (antialiased)', latent_bicubic: 'Latent (bicubic)', latent_bicubic_antialiased: 'Latent (bicubic antialiased)',
  latent_nearest: 'Latent (nearest)', latent_nearest_exact: 'Latent (nearest-exact)', lanczos: 'Lanczos', nearest: 'Nearest',
} as const;
export type UpscalerName = keyof typeof upscalerLabels;
export const upscalerNames = Object.keys(upscalerLabels) as UpscalerName[];

/** Families of networks as people write them, in a sentence and where there is little room. Others by their own name. */
export const familyNames: Readonly<Record<string, { readonly label: string; readonly short: string }>> = {
  sd1: { label: 'Stable Diffusion 1', short: 'SD 1' }, sd2: { label: 'Stable Diffusion 2', short: 'SD 2' }, sdxl: { label: 'SDXL', short: 'SDXL' },
  'sdxl-refiner': { label: 'SDXL refiner', short: 'SDXL Refiner' }, sd3: { label: 'Stable Diffusion 3', short: 'SD 3' }, flux: { label: 'Flux', short: 'FLUX' },
  pixart: { label: 'PixArt', short: 'PixArt' }, cascade: { label: 'Stable Cascade', short: 'Cascade' }, svd: { label: 'Stable Video Diffusion', short: 'SVD' },
};

/** Programs whose pictures say how they were made. */
export const PictureSource = z.enum([
  'atelier', 'a1111', 'forge', 'sdnext', 'comfyui', 'invokeai', 'fooocus', 'ruinedfooocus', 'novelai', 'drawthings', 'easydiffusion', 'swarmui', 'sdcpp', 'stabilitymatrix', 'mochi', 'civitai', 'tensorart',
  'huggingface', 'midjourney', 'other', 'none',
]);
export type PictureSource = z.infer<typeof PictureSource>;

/** As the programs call themselves. `other`: it says how it was made, but not by what. */
export const programNames: Readonly<Record<Exclude<PictureSource, 'none'>, string>> = {
  atelier: 'Atelier', a1111: 'AUTOMATIC1111', forge: 'Forge', comfyui: 'ComfyUI', invokeai: 'InvokeAI', fooocus: 'Fooocus', novelai: 'NovelAI', drawthings: 'Draw Things',
  easydiffusion: 'Easy Diffusion', sdnext: 'SD.Next', ruinedfooocus: 'RuinedFooocus', swarmui: 'SwarmUI', sdcpp: 'stable-diffusion.cpp', stabilitymatrix: 'Stability Matrix',
  mochi: 'Mochi Diffusion', civitai: 'Civitai', tensorart: 'Tensor.Art', huggingface: 'Hugging Face', midjourney: 'Midjourney', other: 'another program',
};

/** What can be found by the networks that come along. */
export const detailTargets = ['face', 'hand', 'person'] as const;
export type DetailTarget = (typeof detailTargets)[number];

/** What a detail is where nothing is said: ADetailer's values, but for how sure a network must be, which is no measure that two of them share (ADetailer: 0.3). */
export const usualDetail = {
  prompt: '', negative: '', confidence: 0.5, minRatio: 0, maxRatio: 1, largest: 0, order: 'found', xOffset: 0, yOffset: 0, dilateErode: 4, together: 'none', blur: 4, strength: 0.4, area: 'masked', padding: 32,
} as const;

/** How a picture of another shape comes to the job's: its middle is cut out, its border goes on around it, or it is stretched. A1111's "Crop and Resize", "Resize and Fill", "Just Resize". */
export const controlResizes = ['crop', 'fill', 'stretch'] as const;

export const referenceModes = ['reference_only', 'reference_adain', 'reference_adain+attn'] as const;
