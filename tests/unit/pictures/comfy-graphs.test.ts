// ComfyUI graphs of all kinds of nodes: what was changed in a plain graph, and what the job is then. New finds become new rows.
import { describe, expect, it } from 'vitest';
import { readTexts } from '../../../main/services/pictures/read';
import { PictureReport, type PictureJob } from '../../../preload/contract/picture-report';

const node = (class_type: string, inputs: Record<string, unknown>) => ({ class_type, inputs });
type Nodes = Readonly<Record<string, ReturnType<typeof node>>>;

const sampling = { seed: 1, steps: 20, cfg: 8, sampler_name: 'euler', scheduler: 'normal', denoise: 1, model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] };
const plain: Nodes = {
  3: node('KSampler', sampling), 4: node('CheckpointLoaderSimple', { ckpt_name: 'm.safetensors' }), 5: node('EmptyLatentImage', { width: 512, height: 768, batch_size: 1 }),
  6: node('CLIPTextEncode', { text: 'a cat', clip: ['4', 1] }), 7: node('CLIPTextEncode', { text: 'fog', clip: ['4', 1] }), 8: node('VAEDecode', { samples: ['3', 0], vae: ['4', 2] }), 9: node('SaveImage', { images: ['8', 0] }),
};
const plainJob: Partial<PictureJob> = { prompt: 'a cat', negative: 'fog', seed: 1, steps: 20, cfg: 8, sampler: 'euler', schedule: 'normal', width: 512, height: 768, model: { name: 'm', hash: null } };
const parts = { noise: ['12', 0], guider: ['13', 0], sampler: ['10', 0], sigmas: ['11', 0], latent_image: ['5', 0] };
const loader = { ckpt_name: 'm.safetensors', clip_skip: -2, lora_name: 'l1.safetensors', lora_model_strength: 0.7, lora_clip_strength: 0.6, positive: 'a cat', negative: 'fog', empty_latent_width: 512, empty_latent_height: 768 };

const changes: [what: string, nodes: Nodes, job: Partial<PictureJob>][] = [
  ['a turbo schedule', { 3: node('SamplerCustom', { add_noise: true, noise_seed: 7, cfg: 1, model: ['4', 0], positive: ['6', 0], negative: ['7', 0], sampler: ['10', 0], sigmas: ['11', 0], latent_image: ['5', 0] }), 10: node('KSamplerSelect', { sampler_name: 'euler_ancestral' }), 11: node('SDTurboScheduler', { steps: 1, denoise: 1, model: ['4', 0] }) },
    { ...plainJob, seed: 7, steps: 1, cfg: 1, sampler: 'euler_a', schedule: undefined }],
  ['sigmas that are split, and a guider without guidance', { 3: node('SamplerCustomAdvanced', { ...parts, sigmas: ['14', 0] }), 10: node('KSamplerSelect', { sampler_name: 'dpmpp_2m' }), 11: node('AlignYourStepsScheduler', { model_type: 'SDXL', steps: 10, denoise: 1 }), 12: node('RandomNoise', { noise_seed: 99 }), 13: node('BasicGuider', { model: ['4', 0], conditioning: ['15', 0] }), 14: node('SplitSigmas', { step: 5, sigmas: ['11', 0] }), 15: node('FluxGuidance', { guidance: 3.5, conditioning: ['6', 0] }) },
    { prompt: 'a cat', negative: '', seed: 99, steps: 10, cfg: 1, sampler: 'dpmpp_2m', schedule: 'align_your_steps' }],
  ['two prompts with a guidance each', { 3: node('SamplerCustomAdvanced', parts), 10: node('KSamplerSelect', { sampler_name: 'heun' }), 11: node('BasicScheduler', { scheduler: 'beta', steps: 10, denoise: 1, model: ['4', 0] }), 12: node('RandomNoise', { noise_seed: 99 }), 13: node('DualCFGGuider', { model: ['4', 0], cond1: ['6', 0], cond2: ['7', 0], negative: ['7', 0], cfg_conds: 7, cfg_cond2_negative: 3 }) },
    { prompt: 'a cat', negative: 'fog', cfg: 7, sampler: 'heun', schedule: 'beta' }],
  ["Efficiency's loader, LoRA stack and second pass", { 4: node('Efficient Loader', { ...loader, vae_name: 'v.pt', positive: ['20', 0], lora_stack: ['21', 0] }), 20: node('PrimitiveNode', { value: 'a cat' }), 21: node('LoRA Stacker', { input_mode: 'simple', lora_count: 1, lora_name_1: 'a.safetensors', lora_wt_1: 0.5, model_str_1: 1, clip_str_1: 1, lora_name_2: 'b.safetensors', lora_wt_2: 1 }),
    3: node('KSampler (Efficient)', { ...sampling, positive: ['4', 1], negative: ['4', 2], latent_image: ['4', 3], script: ['22', 0] }), 8: node('VAEDecode', { samples: ['3', 3], vae: ['4', 4] }), 22: node('HighRes-Fix Script', { upscale_type: 'latent', latent_upscaler: 'nearest-exact', pixel_upscaler: '4x.pth', upscale_by: 1.5, hires_steps: 12, denoise: 0.5 }) },
    { ...plainJob, clipSkip: 2, vae: 'v.pt', loras: [{ name: 'a', weight: 0.5 }, { name: 'l1', weight: 0.7, textWeight: 0.6 }], hires: { scale: 1.5, steps: 12, strength: 0.5, upscaler: 'nearest-exact' } }],
  ["Impact's pipe, with a face repainted later", { 20: node('ToBasicPipe', { model: ['4', 0], clip: ['4', 1], vae: ['4', 2], positive: ['6', 0], negative: ['7', 0] }), 3: node('ImpactKSamplerBasicPipe', { basic_pipe: ['20', 0], seed: 1, steps: 20, cfg: 8, sampler_name: 'euler', scheduler: 'normal', latent_image: ['5', 0], denoise: 1 }),
    21: node('FaceDetailerPipe', { image: ['8', 0], detailer_pipe: ['22', 0], seed: 77, steps: 5, cfg: 3, sampler_name: 'ddim', scheduler: 'karras', denoise: 0.5 }), 22: node('BasicPipeToDetailerPipe', { basic_pipe: ['20', 0] }), 9: node('SaveImage', { images: ['21', 0] }) }, plainJob],
  ["Easy-Use's loader that is everything at once", { 4: node('easy fullLoader', { ...loader, vae_name: 'Baked VAE' }), 5: node('easy preSampling', { steps: 20, cfg: 8, sampler_name: 'euler', scheduler: 'normal', denoise: 1, seed: 1, pipe: ['4', 0] }), 3: node('easy kSampler', { image_output: 'Save', pipe: ['5', 0] }), 8: node('Note', {}) }, { ...plainJob, clipSkip: 2, loras: [{ name: 'l1', weight: 0.7, textWeight: 0.6 }] }],
  ['wildcards that were filled in, with a tag that loads', { 3: node('KSampler', { ...sampling, model: ['30', 0], positive: ['30', 2] }), 30: node('ImpactWildcardEncode', { wildcard_text: '__a__ cat', populated_text: 'red cat <lora:x:0.5>', model: ['4', 0], clip: ['4', 1] }) }, { prompt: 'red cat <lora:x:0.5>', loras: [{ name: 'x', weight: 0.5 }] }],
  ['texts that are joined in two ways', { 6: node('CLIPTextEncode', { text: ['90', 0], clip: ['4', 1] }), 90: node('Text Concatenate', { delimiter: ', ', text_a: ['91', 0], text_b: ['92', 0] }), 91: node('Text Multiline', { text: 'first' }), 92: node('ShowText|pysssss', { text: ['93', 0], text_0: 'stale' }), 93: node('StringFunction|pysssss', { action: 'append', tidy_tags: 'yes', text_a: 'second', text_b: 'third', text_c: '' }) }, { prompt: 'first, second, third', negative: 'fog' }],
  ['a node that styles both prompts', { 6: node('CLIPTextEncode', { text: ['90', 0], clip: ['4', 1] }), 7: node('CLIPTextEncode', { text: ['90', 1], clip: ['4', 1] }), 90: node('SDXLPromptStyler', { text_positive: 'styled', text_negative: 'unwanted', style: 'base' }) }, { prompt: 'styled', negative: 'unwanted' }],
  ["Flux's two texts", { 6: node('CLIPTextEncodeFlux', { clip_l: 'short', t5xxl: 'long text', guidance: 3.5, clip: ['4', 1] }) }, { prompt: 'long text' }],
  ['a loader with a picture beside the name', { 4: node('CheckpointLoader|pysssss', { ckpt_name: { content: 'm.safetensors', image: null } }) }, plainJob],
  ['a VAE through a reroute', { 8: node('VAEDecode', { samples: ['3', 0], vae: ['14', 0] }), 14: node('Reroute', { '': ['15', 0] }), 15: node('VAELoader', { vae_name: 'v.safetensors' }) }, { ...plainJob, vae: 'v.safetensors' }],
  ['a second pass over pixels: a model of ×4, then half of that', { 80: node('UpscaleModelLoader', { model_name: '4x-Sharp.pth' }), 81: node('ImageUpscaleWithModel', { upscale_model: ['80', 0], image: ['8', 0] }), 82: node('ImageScaleBy', { upscale_method: 'bilinear', scale_by: 0.5, image: ['81', 0] }), 83: node('VAEEncode', { pixels: ['82', 0], vae: ['4', 2] }),
    84: node('KSampler', { ...sampling, seed: 2, steps: 10, denoise: 0.4, latent_image: ['83', 0] }), 85: node('VAEDecode', { samples: ['84', 0], vae: ['4', 2] }), 9: node('SaveImage', { images: ['85', 0] }) }, { ...plainJob, hires: { steps: 10, sampler: 'euler', schedule: 'normal', cfg: 8, strength: 0.4, scale: 2, upscaler: '4x-Sharp.pth' } }],
  ['a picture to begin with, whose size is that of the result', { 3: node('KSampler', { ...sampling, denoise: 0.55, latent_image: ['70', 0] }), 70: node('VAEEncode', { pixels: ['71', 0], vae: ['4', 2] }), 71: node('LoadImage', { image: 'in.png' }) }, { ...plainJob, strength: 0.55, width: 640, height: 960 }],
  ['the second of two graphs, which was saved', { 100: node('KSampler', { ...sampling, seed: 1000, model: ['101', 0] }), 101: node('CheckpointLoaderSimple', { ckpt_name: 'other.safetensors' }), 102: node('PreviewImage', { images: ['100', 0] }) }, plainJob],
];

const read = (texts: Record<string, unknown>) => {
  const reading = readTexts({ texts: new Map(Object.entries(texts).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)])), width: 640, height: 960 })!;
  PictureReport.parse({ kind: 'picture', source: reading.source, job: reading.job, missing: reading.resources });
  return reading;
};

describe('a ComfyUI graph', () => {
  it.each(changes)('with %s', (_, nodes, job) => {
    const reading = read({ prompt: { ...plain, ...nodes } });
    expect(reading.source).toBe('comfyui');
    expect(reading.job).toMatchObject(Object.fromEntries(Object.entries(job).filter(([, value]) => value !== undefined)));
  });

  it.each<[string, 'comfy' | undefined, Nodes]>([
    ['a plain graph', 'comfy', {}],
    ['texts that are joined before they are read', 'comfy', { 6: node('CLIPTextEncode', { text: ['90', 0], clip: ['4', 1] }), 90: node('Text Concatenate', { text_a: 'a', text_b: 'b' }) }],
    ['prompts that are joined', undefined, { 3: node('KSampler', { ...sampling, positive: ['90', 0] }), 90: node('ConditioningConcat', { conditioning_to: ['6', 0], conditioning_from: ['7', 0] }) }],
    ['negative prompts that are combined', undefined, { 3: node('KSampler', { ...sampling, negative: ['90', 0] }), 90: node('ConditioningCombine', { conditioning_1: ['6', 0], conditioning_2: ['7', 0] }) }],
    ['a node that weighs as AUTOMATIC1111 does', undefined, { 6: node('BNK_CLIPTextEncodeAdvanced', { text: 'a cat', token_normalization: 'none', weight_interpretation: 'A1111', clip: ['4', 1] }) }],
    ['a node that could, and does not', 'comfy', { 6: node('smZ CLIPTextEncode', { text: 'a cat', parser: 'comfy', clip: ['4', 1] }) }],
    ['wildcards with tags', undefined, { 3: node('KSampler', { ...sampling, model: ['30', 0], positive: ['30', 2] }), 30: node('ImpactWildcardEncode', { wildcard_text: '__a__ cat', populated_text: 'red cat <lora:x:0.5>', model: ['4', 0], clip: ['4', 1] }) }],
  ])("with %s: its prompts' language is %s", (_, emphasis, nodes) => { expect(read({ prompt: { ...plain, ...nodes } }).job.emphasis).toBe(emphasis); });

  it('keeps every text that is not in the job', () => {
    const said = JSON.stringify(read({ prompt: { ...plain, 6: node('CLIPTextEncodeSDXL', { text_g: 'global', text_l: 'local', clip: ['4', 1] }), 60: node('CLIPTextEncode', { text: 'nowhere' }) } }).job);
    for (const text of ['global', 'local', 'nowhere', 'fog']) expect(said).toContain(text);
  });

  it("is the source where nodes have written A1111's text as well", () => {
    const { source, job } = read({ prompt: plain, parameters: 'a dog\nSteps: 9, Sampler: Euler a, Seed: 2, Size: 64x64' });
    expect([source, job.prompt, job.rng, job.compat]).toEqual(['comfyui', 'a dog', 'cpu_nv', 'comfy']);
  });

  it('is read as drawn, with subgraphs in their place', () => {
    const inner = {
      id: 'uuid', nodes: [
        { id: 1, type: 'CLIPTextEncode', inputs: [{ name: 'clip', link: 2 }, { name: 'text', link: 1, widget: { name: 'text' } }], widgets_values: ['stale'] }, { id: 2, type: 'CLIPTextEncode', inputs: [{ name: 'clip', link: 2 }], widgets_values: ['fog'] },
        { id: 3, type: 'KSampler', inputs: [{ name: 'model', link: 3 }, { name: 'positive', link: 4 }, { name: 'negative', link: 5 }, { name: 'latent_image', link: 6 }], widgets_values: [77, 'fixed', 21, 6, 'euler', 'karras', 1] }, { id: 4, type: 'EmptyLatentImage', widgets_values: [640, 512, 1] },
      ],
      links: [[1, -10, 0, 1, 1], [2, -10, 2, 1, 0], [3, -10, 1, 3, 0], [4, 1, 0, 3, 1], [5, 2, 0, 3, 2], [6, 4, 0, 3, 3], [7, 3, 0, -20, 0]]
        .map(([id, origin_id, origin_slot, target_id, target_slot]) => ({ id, origin_id, origin_slot, target_id, target_slot, type: '*' })),
    };
    const workflow = {
      definitions: { subgraphs: [inner] },
      nodes: [{ id: 10, type: 'CheckpointLoaderSimple', widgets_values: ['m.safetensors'] }, { id: 11, type: 'PrimitiveStringMultiline', widgets_values: ['a cat'], inputs: [{ name: 'value', widget: { name: 'value' }, link: null }] },
        { id: 12, type: 'uuid', inputs: [{ name: 'text', link: 20 }, { name: 'model', link: 21 }, { name: 'clip', link: 22 }] }, { id: 13, type: 'VAEDecode', inputs: [{ name: 'samples', link: 23 }] }, { id: 14, type: 'SaveImage', inputs: [{ name: 'images', link: 25 }] }],
      links: [[20, 11, 0, 12, 0, 'STRING'], [21, 10, 0, 12, 1, 'MODEL'], [22, 10, 1, 12, 2, 'CLIP'], [23, 12, 0, 13, 0, 'LATENT'], [25, 13, 0, 14, 0, 'IMAGE']],
    };
    expect(read({ workflow }).job).toMatchObject({ prompt: 'a cat', negative: 'fog', seed: 77, steps: 21, cfg: 6, schedule: 'karras', width: 640, height: 512, model: { name: 'm', hash: null } });
  });
});

const fooocus = 'p, x\nNegative prompt: n\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 5, Size: 896x1152, CFG scale: 7, Model: jug, Refiner: xl_refiner, Refiner hash: 54f9cd2bf0, Refiner Switch: 0.7, Raw prompt: p, Version: Fooocus v2.5.0';
const core = { type: 'core_metadata', id: 'core', width: 1024, height: 1024, steps: 30, cfg_scale: 5, scheduler: 'dpmpp_sde_k', model: { name: 'mm', hash: 'blake3:1' }, rand_device: 'cpu' };

describe('other programs', () => {
  it.each<[string, Record<string, unknown>, string, Partial<PictureJob>]>([
    ['Fooocus without its mark', { parameters: fooocus }, 'fooocus', { prompt: 'p', refiner: { model: { name: 'xl_refiner', hash: '54f9cd2bf0' }, switchAt: 0.7 } }],
    ['InvokeAI with its graph alone', { invokeai_graph: { nodes: { core, pp: { type: 'string', value: 'a cat' }, sd: { type: 'integer', value: 777 } }, edges: [['pp', 'positive_prompt'], ['sd', 'seed']].map(([from, to]) => ({ source: { node_id: from, field: 'value' }, destination: { node_id: 'core', field: to } })) } },
      'invokeai', { prompt: 'a cat', seed: 777, steps: 30, sampler: 'dpmpp_sde', schedule: 'karras', rng: 'cpu', compat: 'a1111', model: { name: 'mm', hash: 'blake3:1' } }],
    ['InvokeAI 2 with a blend', { 'sd-metadata': { image: { prompt: [{ prompt: 'a cat [fog]', weight: 0.7 }, { prompt: 'a dog', weight: 0.3 }], steps: 50, sampler: 'k_dpmpp_2', seed: 1 } } }, 'invokeai', { prompt: 'a cat :0.7 AND a dog :0.3', negative: 'fog', sampler: 'dpmpp_2m' }],
    ['Easy Diffusion in words', { Prompt: 'a cat', Seed: '5', Steps: '25', 'LoRA model': 'a, b', 'LoRA Strength': '0.5, 1', 'Negative Prompt': 'fog' }, 'easydiffusion', { loras: [{ name: 'a', weight: 0.5 }, { name: 'b', weight: 1 }] }],
    ["a GIF's comment", { comment: 'a cat\nSteps: 9, Sampler: Euler a, Seed: 2, Size: 64x64' }, 'a1111', { prompt: 'a cat', steps: 9 }],
  ])('%s', (_, texts, source, job) => {
    const reading = read(texts);
    expect(reading.source).toBe(source);
    expect(reading.job).toMatchObject(job);
  });
  it('name the refiner among the models that they need', () => { expect(read({ parameters: fooocus }).resources).toContainEqual({ kind: 'checkpoint', name: 'xl_refiner', hash: '54f9cd2bf0' }); });
});
