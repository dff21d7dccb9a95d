// A picture of each thing that decides what a picture looks like, as flags of `generate`: small, of few steps, each another way through the engine.
import { samplerNames, scheduleNames, type SamplerName } from '../../preload/contract/vocabulary';

/** Flags besides the usual ones. Files are names of `pictureFiles`. */
export type Flags = Readonly<Record<string, string | number>>;

/** Files that cases name; the bench puts their paths in. `mini` is the demo model, the others are random weights and drawn pictures. */
export const pictureFiles = [
  'mini', 'sd1', 'sd1-fp32', 'sd1-bf16', 'sd1-fp8', 'sd1-ckpt', 'sd1-inpaint', 'sd1-pix2pix', 'sd1-lcm', 'sd2', 'sd2-depth', 'sdxl', 'sdxl-refiner', 'taesd', 'vae', 'init', 'mask', 'depth',
] as const;
export type PictureFile = (typeof pictureFiles)[number];

export const usualFlags: Flags = { model: 'mini', prompt: 'a red house on grass', seed: 7, steps: 5, cfg: 4, size: '64x64', sampler: 'euler', schedule: 'normal' };

/** The schedule that a sampler is used with; Karras' suits most. */
const usualSchedules: Partial<Record<SamplerName, string>> = { lcm: 'sgm_uniform', tcd: 'sgm_uniform', ddim: 'ddim_uniform', plms: 'ddim_uniform', unipc: 'sgm_uniform', ddpm: 'normal', euler: 'normal' };

const emphasized = 'a (red:1.4) house [on] ((grass)), a boat';
const random = { steps: 3 };

export const pictureCases: Readonly<Record<string, Flags>> = {
  ...Object.fromEntries(samplerNames.map((sampler) => [`sampler ${sampler}`, { sampler, schedule: usualSchedules[sampler] ?? 'karras', steps: sampler === 'restart' ? 20 : 6 }])),
  ...Object.fromEntries(scheduleNames.map((schedule) => [`schedule ${schedule}`, { schedule }])),
  ...Object.fromEntries(['gpu', 'comfy'].flatMap((noise) => ['euler_a', 'dpmpp_2m_sde', 'dpm_adaptive'].map((sampler) => [`noise ${noise} ${sampler}`, { noise, sampler, schedule: 'karras' }]))),
  ...Object.fromEntries(['plms', 'unipc', 'lcm'].map((sampler) => [`noise comfy ${sampler}`, { noise: 'comfy', sampler, schedule: usualSchedules[sampler as SamplerName]! }])),
  ensd: { sampler: 'euler_a', ensd: 31337 }, variation: { 'variation-strength': 0.3, 'variation-seed': 99 }, 'variation gpu': { 'variation-strength': 0.3, 'variation-seed': 99, noise: 'gpu' },
  'two pictures': { count: 2 }, 'own size': { size: '128x128', sampler: 'dpmpp_2m', schedule: 'karras' }, 'odd latents': { size: '104x72' }, tall: { size: '64x136' },
  'no guidance': { cfg: 1 }, 'guidance below 1': { cfg: 0.5 }, 'guidance rescaled': { cfg: 9, 'cfg-rescale': 0.7 },

  ...Object.fromEntries([0.3, 0.75, 1].map((strength) => [`img2img ${strength}`, { init: 'init', strength }])),
  'img2img comfy': { init: 'init', strength: 0.6, noise: 'comfy', sampler: 'dpmpp_sde', schedule: 'karras' }, 'img2img ddim': { init: 'init', strength: 0.6, sampler: 'ddim', schedule: 'ddim_uniform' },
  'img2img of another shape': { init: 'init', size: '96x64' }, mask: { init: 'init', mask: 'mask', strength: 0.8 }, 'mask ancestral': { init: 'init', mask: 'mask', strength: 1, sampler: 'euler_a' },

  ...Object.fromEntries(['original', 'no_norm', 'ignore', 'none', 'comfy'].map((emphasis) => [`emphasis ${emphasis}`, { emphasis, prompt: emphasized }])),
  negative: { negative: 'a (blue:1.3) house, night' }, 'empty prompt': { prompt: '' }, 'long prompt': { prompt: `a red house on grass, ${'sunny day, '.repeat(70)}` }, 'long negative': { negative: 'night, '.repeat(90) },
  editing: { prompt: 'a [red:blue:0.5] house on [grass::0.6] [:at night:2]' }, alternating: { prompt: 'a [red|blue] house on grass' }, and: { prompt: 'a red house AND a boat on the sea :0.6' },
  break: { prompt: 'a red house BREAK on grass' }, style: { style: 'Film' }, wildcard: { prompt: 'a __colour__ house on {grass|sand|snow}' }, 'trained words': { prompt: 'a zog house, (zog:1.2)' },
  'clip skip': { 'clip-skip': 2 },

  taesd: { vae: 'taesd' }, 'another vae': { vae: 'vae' }, 'another vae img2img': { vae: 'vae', init: 'init' },
  sd1: { ...random, model: 'sd1' }, fp32: { ...random, model: 'sd1-fp32' }, bf16: { ...random, model: 'sd1-bf16' }, fp8: { ...random, model: 'sd1-fp8' }, ckpt: { ...random, model: 'sd1-ckpt' },
  inpaint: { ...random, model: 'sd1-inpaint', init: 'init', mask: 'mask', strength: 1 }, 'inpaint without a mask': { ...random, model: 'sd1-inpaint' },
  pix2pix: { ...random, model: 'sd1-pix2pix', init: 'init', strength: 1, 'image-cfg': 1.5 }, lcm: { ...random, model: 'sd1-lcm', sampler: 'lcm', schedule: 'sgm_uniform', cfg: 8 },
  sd2: { ...random, model: 'sd2' }, 'sd2 v': { ...random, model: 'sd2', prediction: 'v', 'cfg-rescale': 0.7 }, 'sd2 skip': { ...random, model: 'sd2', 'clip-skip': 3, prompt: emphasized },
  'sd2 depth': { ...random, model: 'sd2-depth', init: 'init', depth: 'depth', strength: 0.8 },
  sdxl: { ...random, model: 'sdxl', size: '64x96', negative: 'night' }, 'sdxl skip': { ...random, model: 'sdxl', 'clip-skip': 3 }, 'sdxl align': { ...random, model: 'sdxl', schedule: 'align_your_steps' },
  'sdxl img2img': { ...random, model: 'sdxl', init: 'init' }, 'sdxl refiner': { ...random, steps: 5, model: 'sdxl', refiner: 'sdxl-refiner', 'switch-at': 0.5 },
  'refiner alone': { ...random, model: 'sdxl-refiner', init: 'init', strength: 0.5 }, 'sd1 refined': { model: 'mini', refiner: 'sd1', 'switch-at': 0.6, sampler: 'dpmpp_2m', schedule: 'karras' },
};
