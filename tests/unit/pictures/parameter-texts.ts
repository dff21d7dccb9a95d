// Sixty parameter texts in the forms that programs and sites write, and the jobs that they mean. All prompts, names and hashes are made up.
import type { PictureJob } from '../../../preload/contract/picture-report';
import type { PictureSource } from '../../../preload/contract/vocabulary';

interface ParameterText {
  readonly name: string;
  readonly text: string;
  /** Besides what every text has: no negative, clip skip 1, the graphics card's noise, no LoRAs, nothing extra. */
  readonly job: Partial<PictureJob>;
  readonly source?: PictureSource;
  /** 'kind name hash' of the models that it needs. */
  readonly needs?: readonly string[];
}

const base = { steps: 20, sampler: 'euler_a', schedule: 'normal', cfg: 7, seed: 123, width: 512, height: 512 } as const;
const usual = 'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 512x512';
const model = { name: 'dreamy_v8', hash: '879db523c3' };

export const parameterTexts: readonly ParameterText[] = [
  // age
  { name: 'the first versions: no model, no version', text: `a castle\n${usual}`, job: { prompt: 'a castle', ...base } },
  { name: 'a hash of the first kind', text: `a castle\nNegative prompt: fog\n${usual}, Model hash: 7460a6fa`, job: { prompt: 'a castle', negative: 'fog', ...base, model: { name: '', hash: '7460a6fa' } }, needs: ['checkpoint  7460a6fa'] },
  { name: 'model and hash of 1.x', text: `a castle\n${usual}, Model hash: 879db523c3, Model: dreamy_v8`, job: { prompt: 'a castle', ...base, model }, needs: ['checkpoint dreamy_v8 879db523c3'] },
  { name: 'before 1.6 with prompt editing', text: `a [cat:dog:0.5]\n${usual}, Version: v1.5.2`, job: { prompt: 'a [cat:dog:0.5]', ...base, extra: { Version: 'v1.5.2', 'Old prompt editing timelines': 'True', 'Downcast alphas_cumprod': 'True' } } },
  { name: 'before 1.6 with DDIM', text: 'a cat\nSteps: 20, Sampler: DDIM, CFG scale: 7, Seed: 123, Size: 512x512, Version: v1.5.1', job: { prompt: 'a cat', ...base, sampler: 'ddim', schedule: 'ddim_uniform', extra: { Version: 'v1.5.1', 'Pad conds v0': 'True', 'Downcast alphas_cumprod': 'True' } } },
  { name: 'a version between releases, above the limit', text: `a cat\n${usual}, Version: v1.7.0-225-gabcdef0`, job: { prompt: 'a cat', ...base, extra: { Version: 'v1.7.0-225-gabcdef0' } } },
  { name: 'a version between releases, below the limit', text: `a cat\n${usual}, Version: v1.7.0-224-gabcdef0`, job: { prompt: 'a cat', ...base, extra: { Version: 'v1.7.0-224-gabcdef0', 'Downcast alphas_cumprod': 'True' } } },
  { name: 'a refiner counted by steps, before 1.8', text: `a cat\n${usual}, Refiner: xl_refiner [7440042bbd], Refiner switch at: 0.8, Version: v1.7.0`,
    job: { prompt: 'a cat', ...base, refiner: { model: { name: 'xl_refiner', hash: '7440042bbd' }, switchAt: 0.8 }, extra: { Version: 'v1.7.0', 'Downcast alphas_cumprod': 'True', 'Refiner switch by sampling steps': 'True' } }, needs: ['checkpoint xl_refiner 7440042bbd'] },
  { name: 'a refiner of today', text: `a cat\n${usual}, Refiner: xl_refiner [7440042bbd], Refiner switch at: 0.75, Version: v1.10.1`, job: { prompt: 'a cat', ...base, refiner: { model: { name: 'xl_refiner', hash: '7440042bbd' }, switchAt: 0.75 }, extra: { Version: 'v1.10.1' } } },
  { name: 'a hypernetwork, once a field', text: `a cat\n${usual}, Hypernet: anime_3, Hypernet strength: 0.6`, job: { prompt: 'a cat<hypernet:anime_3:0.6>', ...base }, needs: ['hypernetwork anime_3 null'] },
  { name: 'a hypernetwork without strength', text: `a cat\n${usual}, Hypernet: anime_3`, job: { prompt: 'a cat<hypernet:anime_3:1.0>', ...base } },
  { name: 'the first hires, with its own size', text: `a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 1024x1024, Denoising strength: 0.7, First pass size: 512x512`, job: { prompt: 'a cat', ...base, strength: 0.7, hires: { width: 1024, height: 1024, strength: 0.7 } } },
  { name: 'the first hires, with a size that the program chose', text: `a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 123, Size: 1024x768, Denoising strength: 0.7, First pass size: 0x0`, job: { prompt: 'a cat', ...base, width: 640, height: 448, strength: 0.7, hires: { width: 1024, height: 768, strength: 0.7 } } },

  // samplers and schedules
  { name: 'sampler and schedule in one name', text: 'a cat\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, sampler: 'dpmpp_2m', schedule: 'karras' } },
  { name: 'an exponential schedule in the name', text: 'a cat\nSteps: 20, Sampler: DPM++ 2M SDE Exponential, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, sampler: 'dpmpp_2m_sde', schedule: 'exponential' } },
  { name: 'Heun in the middle of the name', text: 'a cat\nSteps: 20, Sampler: DPM++ 2M SDE Heun Karras, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, sampler: 'dpmpp_2m_sde_heun', schedule: 'karras' } },
  { name: 'SGM uniform in the name', text: 'a cat\nSteps: 20, Sampler: DPM++ 2M SGM Uniform, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, sampler: 'dpmpp_2m', schedule: 'sgm_uniform' } },
  { name: 'an old name without a schedule', text: 'a cat\nSteps: 20, Sampler: DPM++ 2M, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, sampler: 'dpmpp_2m' } },
  { name: 'a schedule of its own, since 1.9', text: 'a cat\nSteps: 20, Sampler: DPM++ 3M SDE, Schedule type: Polyexponential, CFG scale: 7, Seed: 123, Size: 512x512, Version: v1.9.4', job: { prompt: 'a cat', ...base, sampler: 'dpmpp_3m_sde', schedule: 'polyexponential', extra: { Version: 'v1.9.4' } } },
  { name: 'an automatic schedule', text: 'a cat\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Automatic, CFG scale: 7, Seed: 123, Size: 512x512, Version: v1.9.4', job: { prompt: 'a cat', ...base, sampler: 'dpmpp_2m', schedule: 'karras', extra: { 'Schedule type': 'Automatic', Version: 'v1.9.4' } } },
  { name: 'A1111\'s word for the usual schedule', text: 'a cat\nSteps: 20, Sampler: Euler, Schedule type: Uniform, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, sampler: 'euler' } },
  { name: 'Align Your Steps', text: 'a cat\nSteps: 10, Sampler: DPM++ 2S a, Schedule type: Align Your Steps, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, steps: 10, sampler: 'dpmpp_2s_a', schedule: 'align_your_steps' } },
  { name: 'a sampler that nobody knows', text: 'a cat\nSteps: 20, Sampler: Zeta Prime, Schedule type: Turbo, CFG scale: 7, Seed: 123, Size: 512x512', job: { prompt: 'a cat', ...base, sampler: undefined, schedule: undefined, extra: { Sampler: 'Zeta Prime', 'Schedule type': 'Turbo' } } },
  { name: 'sampler parameters', text: `a cat\n${usual}, Eta: 0.5, ENSD: 31337, Sigma churn: 0.1, Schedule rho: 6, NGMS: 1.5, Skip Early CFG: 0.1, Discard penultimate sigma: True`, job: { prompt: 'a cat', ...base, ensd: 31337, extra: { Eta: '0.5', 'Sigma churn': '0.1', 'Schedule rho': '6', NGMS: '1.5', 'Skip Early CFG': '0.1', 'Discard penultimate sigma': 'True' } } },

  // prompts
  { name: 'no prompt', text: usual, job: { prompt: '', ...base } },
  { name: 'a negative prompt alone', text: `Negative prompt: ugly\n${usual}`, job: { prompt: '', negative: 'ugly', ...base } },
  { name: 'no pairs at all', text: 'just a castle\nNegative prompt: fog', job: { prompt: 'just a castle', negative: 'fog' } },
  { name: 'prompts of several lines', text: `a castle,\n  on a hill,\n\nat dawn\nNegative prompt: fog,\nrain\n${usual}`, job: { prompt: 'a castle,\non a hill,\n\nat dawn', negative: 'fog,\nrain', ...base } },
  { name: 'colons in the negative', text: `a castle\nNegative prompt: (bad: anatomy), style: sketch, (worst quality:1.4)\n${usual}`, job: { prompt: 'a castle', negative: '(bad: anatomy), style: sketch, (worst quality:1.4)', ...base } },
  { name: 'BREAK and AND', text: `red hat BREAK blue coat\nBREAK\ngreen shoes AND a hill :0.5\n${usual}`, job: { prompt: 'red hat BREAK blue coat\nBREAK\ngreen shoes AND a hill :0.5', ...base } },
  { name: 'a prompt that looks like parameters', text: `Steps: 99, Sampler: wood, Size: 3x3\na stair with numbers\n${usual}`, job: { prompt: 'Steps: 99, Sampler: wood, Size: 3x3\na stair with numbers', ...base } },
  { name: 'letters of all kinds', text: `桜の木, café “quoted” 🎨, (naïve:1.1)\nNegative prompt: 低品質\n${usual}`, job: { prompt: '桜の木, café “quoted” 🎨, (naïve:1.1)', negative: '低品質', ...base } },
  { name: 'Windows line ends', text: `a castle\r\nNegative prompt: fog\r\n${usual}`, job: { prompt: 'a castle', negative: 'fog', ...base } },
  { name: 'escaped brackets and wildcards', text: `a \\(real\\) castle, __colour__, {red|blue}\n${usual}, Template: "a castle, __colour__", Negative Template: ""`, job: { prompt: 'a \\(real\\) castle, __colour__, {red|blue}', ...base, template: { prompt: 'a castle, __colour__', negative: '' } } },
  { name: 'styles', text: `a castle, cinematic\n${usual}, Styles: "[\\"cinematic\\", \\"dark: mood\\"]"`, job: { prompt: 'a castle, cinematic', ...base, extra: { Styles: '["cinematic", "dark: mood"]' } } },

  // adapters and embeddings
  { name: 'a LoRA without a hash', text: `a cat <lora:fluffy:0.8>\n${usual}`, job: { prompt: 'a cat <lora:fluffy:0.8>', ...base, loras: [{ name: 'fluffy', weight: 0.8, fromPrompt: true }] }, needs: ['lora fluffy null'] },
  { name: 'LoRAs with hashes', text: `a cat <lora:fluffy:0.8><lora:ink style:1>\n${usual}, Lora hashes: "fluffy: 7c6bad76eb54, ink style: 0123456789ab", Version: v1.10.1`, job: { prompt: 'a cat <lora:fluffy:0.8><lora:ink style:1>', ...base, loras: [{ name: 'fluffy', weight: 0.8, hash: '7c6bad76eb54', fromPrompt: true }, { name: 'ink style', weight: 1, hash: '0123456789ab', fromPrompt: true }], extra: { 'Lora hashes': 'fluffy: 7c6bad76eb54, ink style: 0123456789ab', Version: 'v1.10.1' } }, needs: ['lora fluffy 7c6bad76eb54', 'lora ink style 0123456789ab'] },
  { name: 'a LoRA with two weights, and by name', text: `<lora:a:0.5:0.9> <lora:b:te=0.2:unet=0.4> <lyco:c> x\n${usual}`, job: { prompt: '<lora:a:0.5:0.9> <lora:b:te=0.2:unet=0.4> <lyco:c> x', ...base, loras: [{ name: 'a', weight: 0.9, textWeight: 0.5, fromPrompt: true }, { name: 'b', weight: 0.4, textWeight: 0.2, fromPrompt: true }, { name: 'c', weight: 1, fromPrompt: true }] } },
  { name: 'embeddings', text: `a cat\nNegative prompt: easyneg, handfix\n${usual}, TI hashes: "easyneg: c74b4e810b03, handfix: aa7fea228573, easyneg: c74b4e810b03", Version: v1.9.0`, job: { prompt: 'a cat', negative: 'easyneg, handfix', ...base, extra: { 'TI hashes': 'easyneg: c74b4e810b03, handfix: aa7fea228573, easyneg: c74b4e810b03', Version: 'v1.9.0' } }, needs: ['embedding easyneg c74b4e810b03', 'embedding handfix aa7fea228573'] },
  { name: 'a VAE', text: `a cat\n${usual}, Model hash: 879db523c3, Model: dreamy_v8, VAE hash: 735e4c3a44, VAE: vae-ft-840000.safetensors`, job: { prompt: 'a cat', ...base, model, vae: 'vae-ft-840000.safetensors', extra: { 'VAE hash': '735e4c3a44' } }, needs: ['checkpoint dreamy_v8 879db523c3', 'vae vae-ft-840000.safetensors 735e4c3a44'] },
  { name: 'clip skip, CPU noise, tiling', text: `a cat\n${usual}, Clip skip: 2, RNG: CPU, Tiling: True`, job: { prompt: 'a cat', ...base, clipSkip: 2, rng: 'cpu', compat: 'a1111', seamless: 'both' } },
  { name: 'NVIDIA noise', text: `a cat\n${usual}, RNG: NV`, job: { prompt: 'a cat', ...base } },
  { name: 'a key that is its own value', text: `a cat\n${usual}, Soft inpainting enabled, Version: v1.9.0`, job: { prompt: 'a cat', ...base, extra: { 'Soft inpainting enabled': 'Soft inpainting enabled', Version: 'v1.9.0' } } },

  { name: 'another emphasis', text: `a (cat:1.3)\n${usual}, Emphasis: No norm`, job: { prompt: 'a (cat:1.3)', ...base, emphasis: 'no_norm' } },

  // img2img and hires
  { name: 'img2img with a mask', text: `a cat\n${usual}, Denoising strength: 0.55, Mask blur: 4, Inpaint area: Only masked, Masked area padding: 32`, job: { prompt: 'a cat', ...base, strength: 0.55, inpaint: { blur: 4, area: 'masked', padding: 32 } } },
  { name: 'softly, around the mask', text: `a cat\n${usual}, Denoising strength: 0.55, Mask mode: Inpaint not masked, Mask blur: 12, Masked content: latent nothing, Soft inpainting enabled: True, Soft inpainting schedule bias: 1, Soft inpainting preservation strength: 0.5, Soft inpainting transition contrast boost: 4, Soft inpainting mask influence: 0, Soft inpainting difference threshold: 0.5, Soft inpainting difference contrast: 2`, job: { prompt: 'a cat', ...base, strength: 0.55, inpaint: { invert: true, blur: 12, fill: 'latent_nothing', soft: { bias: 1, preservation: 0.5, contrast: 4, influence: 0, threshold: 0.5, edge: 2 } } } },
  { name: 'instruct-pix2pix', text: 'make it snow\nSteps: 20, Sampler: Euler a, CFG scale: 7, Image CFG scale: 1.5, Seed: 123, Size: 512x512, Denoising strength: 1', job: { prompt: 'make it snow', ...base, imageCfg: 1.5, strength: 1 } },
  { name: 'hires by a factor', text: `a cat\n${usual}, Denoising strength: 0.4, Hires upscale: 1.5, Hires steps: 10, Hires upscaler: R-ESRGAN 4x+`, job: { prompt: 'a cat', ...base, strength: 0.4, hires: { scale: 1.5, steps: 10, upscaler: 'R-ESRGAN 4x+', strength: 0.4 } } },
  { name: 'hires to a size', text: `a cat\n${usual}, Denoising strength: 0.5, Hires resize: 1024x768, Hires upscaler: Latent (nearest)`, job: { prompt: 'a cat', ...base, strength: 0.5, hires: { width: 1024, height: 768, upscaler: 'Latent (nearest)', strength: 0.5 } } },
  { name: 'hires with all of its own', text: `a cat\n${usual}, Denoising strength: 0.4, Hires upscale: 2, Hires upscaler: Latent, Hires sampler: DPM++ 2M, Hires schedule type: Karras, Hires checkpoint: "other, v2 [aabbccddee]", Hires prompt: "a big, sharp cat", Hires negative prompt: "blur, noise", Hires CFG Scale: 5`,
    job: { prompt: 'a cat', ...base, strength: 0.4, hires: { scale: 2, upscaler: 'Latent', sampler: 'dpmpp_2m', schedule: 'karras', model: { name: 'other, v2', hash: 'aabbccddee' }, prompt: 'a big, sharp cat', negative: 'blur, noise', cfg: 5, strength: 0.4 } }, needs: ['checkpoint other, v2 aabbccddee'] },
  { name: 'hires like the first pass', text: `a cat\n${usual}, Denoising strength: 0.4, Hires upscale: 2, Hires upscaler: Latent, Hires sampler: Use same sampler, Hires checkpoint: Use same checkpoint`, job: { prompt: 'a cat', ...base, strength: 0.4, hires: { scale: 2, upscaler: 'Latent', strength: 0.4 }, extra: { 'Hires sampler': 'Use same sampler', 'Hires checkpoint': 'Use same checkpoint' } } },
  { name: 'variations', text: `a cat\n${usual}, Variation seed: 99, Variation seed strength: 0.2, Seed resize from: 512x768`, job: { prompt: 'a cat', ...base, variation: { seed: 99, strength: 0.2 }, extra: { 'Seed resize from': '512x768' } } },

  // extensions
  { name: 'ADetailer', text: `a cat\n${usual}, ADetailer model: face_8n.pt, ADetailer prompt: "a face, (smile:1.2)", ADetailer confidence: 0.3, ADetailer model 2nd: hand_8n.pt, ADetailer mask only top k: 2, ADetailer version: 24.11.1`,
    job: { prompt: 'a cat', ...base, details: [{ find: 'face', prompt: 'a face, (smile:1.2)', largest: 2, area: 'whole' }, { find: 'hand', area: 'whole' }], extra: { 'ADetailer confidence': '0.3', 'ADetailer version': '24.11.1' } } },
  { name: 'ControlNet', text: `a cat\n${usual}, ControlNet 0: "Module: canny, Model: control_canny [d14c016b], Weight: 1, Resize Mode: Crop and Resize, Guidance Start: 0, Guidance End: 1", Version: v1.10.1`,
    job: { prompt: 'a cat', ...base, controls: [{ model: { name: 'control_canny', hash: 'd14c016b' }, preprocessor: { name: 'canny' }, resize: 'crop', weight: 1, start: 0, end: 1 }], extra: { Version: 'v1.10.1' } }, needs: ['controlnet control_canny d14c016b'] },
  { name: 'an X/Y/Z plot', text: `a cat\n${usual}, Script: X/Y/Z plot, X Type: Seed, X Values: "1,2,3", Fixed X Values: "1, 2, 3"`, job: { prompt: 'a cat', ...base, extra: { Script: 'X/Y/Z plot', 'X Type': 'Seed', 'X Values': '1,2,3', 'Fixed X Values': '1, 2, 3' } } },
  { name: 'a later upscale', text: `a cat\n${usual}, Postprocess upscale by: 4, Postprocess upscaler: 4x_sharp, Original Size: 512x512`, job: { prompt: 'a cat', ...base, extra: { 'Postprocess upscale by': '4', 'Postprocess upscaler': '4x_sharp', 'Original Size': '512x512' } } },

  // Forge
  { name: 'Forge with modules', source: 'forge', text: `a cat\nSteps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 123, Size: 896x1152, Model hash: 879db523c3, Model: dreamy_v8, Version: f2.0.1v1.10.1-previous-665-gae278f79, Module 1: ae, Module 2: clip_l`,
    job: { prompt: 'a cat', ...base, sampler: 'euler', schedule: 'simple', cfg: 1, width: 896, height: 1152, model, vae: 'ae', extra: { 'Distilled CFG Scale': '3.5', Version: 'f2.0.1v1.10.1-previous-665-gae278f79', 'Module 1': 'ae', 'Module 2': 'clip_l' } } },
  { name: 'Forge with an SD 1.5 model', source: 'forge', text: `a [cat]\n${usual}, Version: f0.0.17v1.8.0rc-latest-276-g29be1da7`, job: { prompt: 'a [cat]', ...base, extra: { Version: 'f0.0.17v1.8.0rc-latest-276-g29be1da7' } } },

  // sites and other programs
  { name: "Civitai's closing line", source: 'civitai', text: 'a cat\nNegative prompt: fog\nSteps: 25, Sampler: DPM++ 2M Karras, CFG scale: 6, Seed: 4242, Size: 832x1216, Clip skip: 2, Created Date: 2024-09-05T12:34:56.7890123Z, Civitai resources: [{"type":"checkpoint","modelVersionId":128713,"modelName":"Dream, er","modelVersionName":"8"},{"type":"lora","weight":0.7,"modelVersionId":62833,"modelName":"Detail: more"},{"type":"embed","modelVersionId":9208,"modelName":"easyneg"}], Civitai metadata: {}',
    job: { prompt: 'a cat', negative: 'fog', steps: 25, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 6, seed: 4242, width: 832, height: 1216, clipSkip: 2, model: { name: 'Dream, er', hash: null }, loras: [{ name: 'Detail: more', weight: 0.7 }],
      extra: { 'Created Date': '2024-09-05T12:34:56.7890123Z', 'Civitai resources': '[{"type":"checkpoint","modelVersionId":128713,"modelName":"Dream, er","modelVersionName":"8"},{"type":"lora","weight":0.7,"modelVersionId":62833,"modelName":"Detail: more"},{"type":"embed","modelVersionId":9208,"modelName":"easyneg"}]', 'Civitai metadata': '{}' } },
    needs: ['checkpoint Dream, er null', 'lora Detail: more null', 'embedding easyneg null'] },
  { name: "Civitai's Flux, as Forge corrects it", source: 'civitai', text: 'a cat\nSteps: 28, Sampler: Undefined, CFG scale: 3.5, Seed: 7, Size: 1024x1024, Clip skip: 2, Civitai resources: [{"type":"checkpoint","modelVersionId":691639,"modelName":"FLUX","modelVersionName":"Dev"}]',
    job: { prompt: 'a cat', steps: 28, sampler: 'euler', schedule: 'simple', cfg: 1, seed: 7, width: 1024, height: 1024, clipSkip: undefined, model: { name: 'FLUX', hash: null }, extra: { 'Distilled CFG Scale': '3.5', 'Clip skip': '2', 'Civitai resources': '[{"type":"checkpoint","modelVersionId":691639,"modelName":"FLUX","modelVersionName":"Dev"}]' } } },
  { name: 'hashes as an object', text: `a cat <lora:fluffy:1>\n${usual}, Hashes: {"model": "879db523c3", "vae": "735e4c3a44", "lora:fluffy": "7c6bad76eb", "embed:easyneg": "c74b4e810b"}`,
    job: { prompt: 'a cat <lora:fluffy:1>', ...base, loras: [{ name: 'fluffy', weight: 1, hash: '7c6bad76eb', fromPrompt: true }], extra: { Hashes: '{"model": "879db523c3", "vae": "735e4c3a44", "lora:fluffy": "7c6bad76eb", "embed:easyneg": "c74b4e810b"}' } },
    needs: ['lora fluffy 7c6bad76eb', 'checkpoint  879db523c3', 'vae  735e4c3a44', 'embedding easyneg c74b4e810b'] },
  { name: 'stable-diffusion.cpp', source: 'sdcpp', text: 'a cat\nNegative prompt: fog\nSteps: 20, CFG scale: 7.000000, Guidance: 3.500000, Seed: 42, Size: 512x512, Model: dreamy_v8.safetensors, RNG: cuda, Sampler: dpm++2m karras, Version: stable-diffusion.cpp',
    job: { prompt: 'a cat', negative: 'fog', ...base, seed: 42, sampler: 'dpmpp_2m', schedule: 'karras', model: { name: 'dreamy_v8', hash: null }, extra: { Guidance: '3.500000', Version: 'stable-diffusion.cpp' } } },
  { name: 'SD.Next', source: 'sdnext', text: 'a cat\nSteps: 20, Size: 512x512, Sampler: Euler a, Seed: 123, CFG scale: 7, App: SD.Next, Version: 8c6bd6b, Pipeline: StableDiffusionPipeline, Operations: txt2img, Model: dreamy_v8, Model hash: 879db523c3', job: { prompt: 'a cat', ...base, model, extra: { App: 'SD.Next', Version: '8c6bd6b', Pipeline: 'StableDiffusionPipeline', Operations: 'txt2img' } } },
  { name: 'our own, in a copy that lost our job', source: 'atelier', text: `a cat\nSteps: 20, Sampler: Euler a, Schedule type: Normal, CFG scale: 7, Seed: 123, Size: 512x512, Model hash: 879db523c3, Model: dreamy_v8, RNG: CPU, CFG rescale: 0.7, Version: atelier 0.1.0`, job: { prompt: 'a cat', ...base, model, rng: 'cpu', compat: 'a1111', cfgRescale: 0.7, extra: { Version: 'atelier 0.1.0' } } },
  { name: 'a seed above 2^53', text: 'a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 18446744073709551615, Size: 512x512', job: { prompt: 'a cat', ...base, seed: '18446744073709551615' } },
  { name: 'broken values', text: 'a cat\nSteps: many, Sampler: Euler a, CFG scale: 7e, Seed: -1, Size: 512x, Model: "half', job: { prompt: 'a cat', sampler: 'euler_a', schedule: 'normal', model: { name: '"half', hash: null }, extra: { Steps: 'many', 'CFG scale': '7e', Seed: '-1', Size: '512x' } } },
];
