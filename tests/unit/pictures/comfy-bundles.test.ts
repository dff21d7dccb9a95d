// Graphs whose sampler takes what it needs out of a bundle: which output carries what is the packs' own definition.
import { it } from 'vitest';
import { expectGraph, node, plainJob, sampler, sampling, type Nodes } from './make-graphs';

const all = { model: ['10', 0], clip: ['10', 1], vae: ['10', 2], positive: ['12', 0], negative: ['13', 0] }, short = { model: ['10', 0], pos: ['12', 0], neg: ['13', 0], latent: ['15', 0], vae: ['10', 2], clip: ['10', 1] };
const from = (id: string, model: number, positive: number, negative: number, latent?: number): Nodes => sampler({ model: [id, model], positive: [id, positive], negative: [id, negative], ...(latent !== undefined && { latent_image: [id, latent] }) });
const lost = { other: node('CLIPTextEncode', { text: 'a kite', clip: ['10', 1] }) };
const loader = { ckpt_name: 'cedar_v3.safetensors', vae_name: 'Baked VAE', clip_skip: -1, lora_name: 'None', lora_model_strength: 1, lora_clip_strength: 1, positive: 'a lantern', negative: 'people', empty_latent_width: 640, empty_latent_height: 512, batch_size: 1 };

it.each<[string, Nodes]>([
  ["Impact's basic pipe", { 60: node('ToBasicPipe', all), 61: node('FromBasicPipe', { basic_pipe: ['60', 0] }), ...from('61', 0, 3, 4) }],
  ["Impact's basic pipe, version 2", { 60: node('ToBasicPipe', all), 61: node('FromBasicPipe_v2', { basic_pipe: ['60', 0] }), ...from('61', 1, 4, 5) }],
  ['a basic pipe that is edited', { ...lost, 60: node('ToBasicPipe', { ...all, positive: ['other', 0] }), 62: node('EditBasicPipe', { basic_pipe: ['60', 0], positive: ['12', 0] }), 61: node('FromBasicPipe', { basic_pipe: ['62', 0] }), ...from('61', 0, 3, 4) }],
  ["Impact's detailer pipe", { 60: node('ToDetailerPipe', { ...all, wildcard: '' }), 61: node('FromDetailerPipe', { detailer_pipe: ['60', 0] }), ...from('61', 0, 3, 4) }],
  ["Impact's detailer pipe, version 2", { 60: node('ToDetailerPipe', all), 61: node('FromDetailerPipe_v2', { detailer_pipe: ['60', 0] }), ...from('61', 1, 4, 5) }],
  ['a detailer pipe with a refiner', { ...lost, 60: node('ToDetailerPipeSDXL', { ...all, refiner_positive: ['other', 0], refiner_negative: ['12', 0] }), 61: node('FromDetailerPipeSDXL', { detailer_pipe: ['60', 0] }), ...from('61', 1, 4, 5) }],
  ['a detailer pipe made of two basic ones', { ...lost, 60: node('ToBasicPipe', all), 63: node('ToBasicPipe', { ...all, positive: ['other', 0] }), 62: node('BasicPipeToDetailerPipeSDXL', { base_basic_pipe: ['60', 0], refiner_basic_pipe: ['63', 0] }), 64: node('DetailerPipeToBasicPipe', { detailer_pipe: ['62', 0] }), 61: node('FromBasicPipe', { basic_pipe: ['64', 0] }), ...from('61', 0, 3, 4) }],
  ['a sampler that takes a basic pipe', { 60: node('ToBasicPipe', all), 20: node('ImpactKSamplerBasicPipe', { ...sampling, basic_pipe: ['60', 0], latent_image: ['15', 0] }), 30: node('VAEDecode', { samples: ['20', 1], vae: ['20', 2] }) }],
  ["Inspire's sampler that takes one", { 60: node('ToBasicPipe', all), 20: node('KSamplerPipe //Inspire', { ...sampling, noise_mode: 'CPU', basic_pipe: ['60', 0], latent_image: ['15', 0] }) }],
  ["Easy-Use's pipe", { 60: node('easy pipeIn', short), 61: node('easy pipeOut', { pipe: ['60', 0] }), ...from('61', 1, 2, 3, 4) }],
  ["Easy-Use's pipe, edited by a link", { ...lost, 60: node('easy pipeIn', { ...short, pos: ['other', 0] }), 62: node('easy pipeEdit', { clip_skip: -1, optional_positive: '', optional_negative: '', conditioning_mode: 'replace', pipe: ['60', 0], pos: ['12', 0] }), ...from('62', 1, 2, 3, 4) }],
  ["Easy-Use's pipe, edited in words", { 60: node('easy fullLoader', { ...loader, positive: 'a kite' }), 62: node('easy pipeEditPrompt', { pipe: ['60', 0], positive: 'a lantern', negative: 'people' }), 61: node('easy pipeOut', { pipe: ['62', 0] }), ...from('61', 1, 2, 3, 4) }],
  ["Easy-Use's loader and its own sampler", { 60: node('easy comfyLoader', { ...loader, resolution: '640 x 512', empty_latent_width: 1, empty_latent_height: 1 }), 61: node('easy preSampling', { ...sampling, pipe: ['60', 0] }), 20: node('easy kSampler', { pipe: ['61', 0], image_output: 'Hide', link_id: 0, save_prefix: 'x' }), 31: node('SaveImage', { images: ['20', 1] }) }],
  ["Easy-Use's sampler that is everything", { 60: node('easy a1111Loader', { ...loader, resolution: 'width x height (custom)' }), 20: node('easy fullkSampler', { ...sampling, pipe: ['60', 0], image_output: 'Hide' }), 31: node('SaveImage', { images: ['20', 1] }) }],
  ["Easy-Use's pipe as a basic one", { 60: node('easy pipeIn', short), 62: node('easy pipeToBasicPipe', { pipe: ['60', 0] }), 61: node('FromBasicPipe', { basic_pipe: ['62', 0] }), ...from('61', 0, 3, 4) }],
  ["tinyterra's pipe", { 60: node('ttN pipeIN', { ...short, seed: 1 }), 61: node('ttN pipeOUT', { pipe: ['60', 0] }), ...from('61', 0, 1, 2, 3) }],
  ["tinyterra's pipe, edited", { ...lost, 60: node('ttN pipeIN', { ...short, pos: ['other', 0] }), 62: node('ttN pipeEDIT', { pipe: ['60', 0], pos: ['12', 0] }), ...from('62', 1, 2, 3, 4) }],
  ["tinyterra's loader and sampler", { 60: node('ttN pipeLoader_v2', { ...loader, config_name: 'Default', loras: '', empty_latent_aspect: '640 x 512 [L] 5:4', empty_latent_width: 1, empty_latent_height: 1, seed: 1 }), 20: node('ttN pipeKSampler_v2', { ...sampling, pipe: ['60', 0], lora_name: 'None', lora_strength: 1, upscale_method: 'None', upscale_model_name: 'None' }), 31: node('SaveImage', { images: ['20', 7] }) }],
  ["tinyterra's pipe as a basic one", { 60: node('ttN pipeIN', short), 62: node('ttN pipe2BASIC', { pipe: ['60', 0] }), 61: node('FromBasicPipe', { basic_pipe: ['62', 0] }), ...from('61', 0, 3, 4) }],
  ["rgthree's contexts, one behind the other", { 11: node('Context (rgthree)', { model: ['10', 0], clip: ['10', 1], vae: ['10', 2] }), 14: node('Context (rgthree)', { base_ctx: ['11', 0], positive: ['12', 0], negative: ['13', 0], latent: ['15', 0] }), ...from('14', 1, 4, 5, 6) }],
  ["rgthree's big context, with the settings", { 14: node('Context Big (rgthree)', { ...all, latent: ['15', 0], seed: ['s', 0], steps: ['c', 0], cfg: ['c', 2], sampler: ['c', 3], scheduler: ['c', 4] }), s: node('Seed (rgthree)', { seed: 4242 }), c: node('KSampler Config (rgthree)', { steps_total: 21, refiner_step: 9, cfg: 6, sampler_name: 'dpmpp_2m', scheduler: 'karras' }),
    20: node('KSampler', { ...sampling, model: ['14', 1], positive: ['14', 4], negative: ['14', 5], latent_image: ['14', 6], seed: ['14', 8], steps: ['14', 9], cfg: ['14', 11], sampler_name: ['14', 13], scheduler: ['14', 14] }) }],
  ["rgthree's contexts, of which the first that is there is taken", { ...lost, 11: node('Context (rgthree)', {}), 14: node('Context (rgthree)', { ...all, latent: ['15', 0] }), 16: node('Context (rgthree)', { ...all, positive: ['other', 0] }), 17: node('Context Switch (rgthree)', { ctx_01: ['11', 0], ctx_02: ['14', 0], ctx_03: ['16', 0] }), ...from('17', 1, 4, 5, 6) }],
  ["rgthree's contexts, merged: the later one wins", { ...lost, 11: node('Context (rgthree)', { ...all, positive: ['other', 0] }), 14: node('Context (rgthree)', { positive: ['12', 0], latent: ['15', 0] }), 17: node('Context Merge (rgthree)', { ctx_01: ['11', 0], ctx_02: ['14', 0] }), ...from('17', 1, 4, 5, 6) }],
  ["Comfyroll's module pipe", { 60: node('CR Module Pipe Loader', { ...short, seed: 4242 }), 61: node('CR Module Input', { pipe: ['60', 0] }), 20: node('KSampler', { ...sampling, model: ['61', 1], positive: ['61', 2], negative: ['61', 3], latent_image: ['61', 4], seed: ['61', 9] }) }],
  ["Comfyroll's bus of anything", { 60: node('CR Data Bus In', { any1: ['13', 0], any2: ['12', 0], any3: ['10', 0] }), 61: node('CR Data Bus Out', { pipe: ['60', 0] }), ...from('61', 3, 2, 1) }],
  ['the bus of WAS', { 60: node('Bus Node', { model: ['10', 0], clip: ['10', 1], vae: ['10', 2] }), 61: node('Bus Node', { bus: ['60', 0], positive: ['12', 0], negative: ['13', 0] }), ...from('61', 1, 4, 5) }],
  ["Crystools' pipe of anything", { 60: node('Pipe to/edit any [Crystools]', { any_1: ['10', 0], any_5: ['12', 0] }), 62: node('Pipe to/edit any [Crystools]', { CPipeAny: ['60', 0], any_6: ['13', 0] }), 61: node('Pipe from any [Crystools]', { CPipeAny: ['62', 0] }), ...from('61', 1, 5, 6) }],
  ["Efficiency's loader", { 60: node('Efficient Loader', loader), 20: node('KSampler (Efficient)', { ...sampling, model: ['60', 0], positive: ['60', 1], negative: ['60', 2], latent_image: ['60', 3], preview_method: 'auto', vae_decode: 'true' }), 31: node('SaveImage', { images: ['20', 5] }) }],
  ["Efficiency's tuple", { ...lost, 60: node('Pack SDXL Tuple', { base_model: ['10', 0], base_clip: ['10', 1], base_positive: ['12', 0], base_negative: ['13', 0], refiner_model: ['10', 0], refiner_clip: ['10', 1], refiner_positive: ['other', 0], refiner_negative: ['other', 0] }), 61: node('Unpack SDXL Tuple', { sdxl_tuple: ['60', 0] }), ...from('61', 0, 2, 3) }],
])('%s', (_, nodes) => expectGraph(nodes, plainJob));

it('the refiner of a pipe is not its base', () => {
  const nodes: Nodes = { ...lost, r: node('CheckpointLoaderSimple', { ckpt_name: 'xl_refiner.safetensors' }), 60: node('ToDetailerPipeSDXL', { ...all, refiner_model: ['r', 0], refiner_clip: ['r', 1], refiner_positive: ['other', 0], refiner_negative: ['13', 0] }), 61: node('FromDetailerPipeSDXL', { detailer_pipe: ['60', 0] }), ...sampler({ model: ['61', 10], positive: ['61', 12], negative: ['61', 13] }) };
  expectGraph(nodes, { ...plainJob, prompt: 'a kite', model: { name: 'xl_refiner', hash: null } });
});

it("Efficiency's SDXL loader, with a refiner from some step on", () => {
  const nodes: Nodes = { 60: node('Eff. Loader SDXL', { base_ckpt_name: 'cedar_v3.safetensors', base_clip_skip: -2, refiner_ckpt_name: 'xl_refiner.safetensors', refiner_clip_skip: -2, vae_name: 'v.safetensors', positive: 'a lantern', negative: 'people', empty_latent_width: 640, empty_latent_height: 512 }),
    20: node('KSampler SDXL (Eff.)', { noise_seed: 4242, steps: 20, cfg: 6, sampler_name: 'dpmpp_2m', scheduler: 'karras', start_at_step: 0, refine_at_step: 16, sdxl_tuple: ['60', 0], latent_image: ['60', 1] }), 31: node('SaveImage', { images: ['20', 3] }) };
  expectGraph(nodes, { ...plainJob, steps: 20, clipSkip: 2, vae: 'v.safetensors', refiner: { model: { name: 'xl_refiner', hash: null }, switchAt: 0.8 } });
});
