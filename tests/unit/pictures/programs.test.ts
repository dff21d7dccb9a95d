// Pictures of programs that write in ways of their own, in the texts of several of their versions: what each means as a job.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTexts } from '../../../main/services/pictures/read';
import { reportOnText } from '../../../main/services/pictures/report-text';
import { PictureReport, type PictureJob } from '../../../preload/contract/picture-report';
import type { PictureSource } from '../../../preload/contract/vocabulary';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

const read = (texts: Record<string, unknown>, width = 640, height = 512) => {
  const reading = readTexts({ texts: new Map(Object.entries(texts).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)])), width, height });
  if (reading) PictureReport.parse({ kind: 'picture', source: reading.source, job: reading.job, missing: reading.resources });
  return reading;
};
const node = (class_type: string, inputs: Record<string, unknown>) => ({ class_type, inputs });
const graph = {
  3: node('KSampler', { seed: 4242, steps: 21, cfg: 6, sampler_name: 'dpmpp_2m', scheduler: 'karras', denoise: 1, model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] }), 4: node('CheckpointLoaderSimple', { ckpt_name: 'cedar_v3.safetensors' }),
  5: node('EmptyLatentImage', { width: 640, height: 512, batch_size: 1 }), 6: node('CLIPTextEncode', { text: 'a mossy lantern', clip: ['4', 1] }), 7: node('CLIPTextEncode', { text: 'people', clip: ['4', 1] }), 8: node('VAEDecode', { samples: ['3', 0], vae: ['4', 2] }), 9: node('SaveImage', { images: ['8', 0] }),
};
const larger = {
  ...graph, 8: node('VAEDecode', { samples: ['11', 0], vae: ['4', 2] }), 10: node('LatentUpscaleBy', { upscale_method: 'nearest-exact', scale_by: 1.5, samples: ['3', 0] }),
  11: node('KSampler', { seed: 9, steps: 14, cfg: 6, sampler_name: 'euler', scheduler: 'simple', denoise: 0.5, model: ['4', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['10', 0] }),
};
const ofGraph: Partial<PictureJob> = { prompt: 'a mossy lantern', negative: 'people', seed: 4242, steps: 21, cfg: 6, sampler: 'dpmpp_2m', schedule: 'karras', width: 640, height: 512, model: { name: 'cedar_v3', hash: null } };

describe('SwarmUI', () => {
  const params = { prompt: 'a felt owl, (wool:1.2)', negativeprompt: 'plastic', model: 'SDXL/owlery_v2', seed: 581626448, steps: 25, cfgscale: 4.5, width: 1024, height: 768, sampler: 'dpmpp_2m_sde_gpu', scheduler: 'karras', clipstopatlayer: -2, vae: 'sdxl_vae', loras: ['wool/felt_style', 'soft'], loraweights: ['0.8', '0.5'], loratencweights: ['0.8', '0.25'], swarm_version: '0.9.6.2' };
  const job: Partial<PictureJob> = {
    prompt: 'a felt owl, (wool:1.2)', negative: 'plastic', seed: 581626448, steps: 25, cfg: 4.5, width: 1024, height: 768, sampler: 'dpmpp_2m_sde', schedule: 'karras', clipSkip: 2, vae: 'sdxl_vae', rng: 'cpu_nv', compat: 'comfy', emphasis: 'comfy',
    loras: [{ name: 'wool/felt_style', weight: 0.8 }, { name: 'soft', weight: 0.5, textWeight: 0.25 }],
  };
  const whole = { sui_image_params: params, sui_extra_data: { date: '2025-03-01' }, sui_models: [{ name: 'SDXL/owlery_v2.safetensors', param: 'model', hash: `0x${'AB'.repeat(32)}` }, { name: 'soft.safetensors', param: 'loras', hash: `0x${'cd'.repeat(32)}` }] };

  it.each(['parameters', 'Parameters', 'exif.UserComment', 'exif.Model', 'comment', 'sui_image_params'])('is read from %s', (place) => {
    const reading = read({ [place]: whole })!;
    expect(reading).toMatchObject({ source: 'swarmui', job: { ...job, model: { name: 'owlery_v2', folder: 'SDXL', hash: 'ab'.repeat(32) } } });
    expect(reading.resources).toEqual([{ kind: 'checkpoint', name: 'owlery_v2', hash: 'ab'.repeat(32) }, { kind: 'vae', name: 'sdxl_vae', hash: null }, { kind: 'lora', name: 'wool/felt_style', hash: null }, { kind: 'lora', name: 'soft', hash: 'cd'.repeat(32) }]);
    expect(reading.job.extra).toMatchObject({ sui_extra_data: { date: '2025-03-01' }, swarm_version: '0.9.6.2' });
  });
  it('has the size of the picture where it tells none', () => {
    const { width, height, ...less } = params;
    expect(read({ parameters: { sui_image_params: less } })!.job).toMatchObject({ width: 640, height: 512 });
  });
  it('is read from a file beside the picture, and before the graph', () => {
    expect(reportOnText(JSON.stringify(whole, null, 2))).toMatchObject({ source: 'swarmui', job });
    expect(read({ parameters: whole, prompt: graph })).toMatchObject({ source: 'swarmui', job });
  });
  it.each<[string, Record<string, unknown>, Partial<PictureJob>]>([
    ['a second pass', { refinercontrolpercentage: 0.3, refinermethod: 'PostApply', refinerupscale: 1.5, refinerupscalemethod: 'model-ESRGAN.pth', refinersteps: 12 }, { hires: { scale: 1.5, strength: 0.3, upscaler: 'ESRGAN.pth', steps: 12 } }],
    ['a refiner', { refinercontrolpercentage: 0.2, refinermethod: 'StepSwap', refinermodel: 'xl_refiner.safetensors' }, { refiner: { model: { name: 'xl_refiner', hash: null }, switchAt: 0.8 } }],
    ['a picture to begin with', { initimagecreativity: 0.4 }, { strength: 0.4 }],
    ['a variation', { variationseed: 7, variationseedstrength: 0.3 }, { variation: { seed: 7, strength: 0.3 } }],
    ['a part for a face', { prompt: 'a felt owl <segment:face,0.6,0.5> green eyes <segment:beak> gold' }, { prompt: 'a felt owl' }],
    ['parts for both passes', { prompt: 'a felt owl <base>sketched <refiner>sharp', refinercontrolpercentage: 0.3, refinerupscale: 2 }, { prompt: 'a felt owl sketched', hires: { scale: 2, strength: 0.3, prompt: 'a felt owl sharp' } }],
    ['words that its parser would take out', { prompt: 'a felt owl <break> wool' }, { prompt: 'a felt owl <break> wool', emphasis: undefined }],
    ['words that change along the steps', { prompt: '[felt:wool:0.5] owl' }, { prompt: '[felt:wool:0.5] owl', emphasis: undefined }],
  ])('has %s', (_, more, expected) => {
    const found = read({ parameters: { sui_image_params: { ...params, ...more } } })!.job;
    expect(found).toMatchObject(Object.fromEntries(Object.entries(expected).filter(([, value]) => value !== undefined)));
    if ('emphasis' in expected) expect(found.emphasis).toBeUndefined();
    for (const text of Object.values(more).filter((value) => typeof value === 'string' && /<(?:segment|base)/.test(value))) expect(found.extra['prompt']).toBe(text);
  });
});

describe('stable-diffusion.cpp', () => {
  const text = 'a copper kettle <lora:wool:0.6>\nNegative prompt: steam\nSteps: 24, CFG scale: 6.500000, SLG scale: 2.500000, Skip layers: [7, 8, 9, ], Skip layer start: 0.010000, Skip layer end: 0.200000, Guidance: 3.500000, Eta: 0.000000, Seed: 90210, Size: 512x640, Model: kettle.safetensors, RNG: cuda, Sampler: euler_a karras, TE: clip_l.safetensors, VAE: vae-ft.safetensors, Clip skip: 2, Version: stable-diffusion.cpp';
  const job = { prompt: 'a copper kettle <lora:wool:0.6>', negative: 'steam', steps: 24, cfg: 6.5, seed: 90210, width: 512, height: 640, model: { name: 'kettle', hash: null }, rng: 'nv', sampler: 'euler_a', schedule: 'karras', vae: 'vae-ft.safetensors', clipSkip: 2, loras: [{ name: 'wool', weight: 0.6 }] } satisfies Partial<PictureJob>;
  it.each(['parameters', 'xmp.parameters', 'comment', 'exif.UserComment'])('is read from %s', (place) => { expect(read({ [place]: text })).toMatchObject({ source: 'sdcpp', job }); });
  it('of today has all of it as JSON besides, LoRAs without tags among it', () => {
    const json = { generator: { name: 'stable-diffusion.cpp' }, prompt: { positive: 'a copper kettle' }, loras: [{ name: 'wool.safetensors', multiplier: 0.6, is_high_noise: false }] };
    const { job: found } = read({ parameters: `${text.replace(' <lora:wool:0.6>', '').replace('Model: kettle.safetensors', 'Model: ').replace('VAE:', 'Unet: kettle.gguf, VAE:')}, SDCPP: ${JSON.stringify(json)}` })!;
    expect(found).toMatchObject({ ...job, prompt: 'a copper kettle' });
    expect(JSON.parse(found.extra['SDCPP'] as string)).toEqual(json);
  });
});

describe('Civitai', () => {
  const asked = { prompt: 'a clay whistle', negativePrompt: 'text', cfgScale: 5, sampler: 'Euler a', clipSkip: 2, steps: 25, quantity: 1, baseModel: 'Illustrious', width: 1024, height: 1024, seed: 1311178179, resources: [{ modelVersionId: 111, strength: 1 }, { modelVersionId: 222, strength: 0.7 }, { modelVersionId: 333, strength: 1 }] };
  const upscaler = { 22: node('ImageUpscaleWithModel', { upscale_model: ['23', 0] }), 23: node('UpscaleModelLoader', { model_name: 'urn:air:other:upscaler:civitai:1@2' }), extra: { airs: ['urn:air:sdxl:embedding:civitai:9@333', 'urn:air:sdxl:checkpoint:civitai:8@111'] } };
  const job: Partial<PictureJob> = { prompt: 'a clay whistle', negative: 'text', cfg: 5, sampler: 'euler_a', clipSkip: 2, steps: 25, width: 1024, height: 1024, seed: 1311178179, model: { name: 'civitai 111', hash: null }, loras: [{ name: 'civitai 222', weight: 0.7 }] };
  it.each<[string, Record<string, unknown>]>([
    ['in the graph', { 'exif.UserComment': { ...upscaler, extraMetadata: JSON.stringify(asked) } }], ['in the graph of a PNG', { prompt: { ...upscaler, extraMetadata: JSON.stringify(asked) } }], ['as an object', { prompt: { ...upscaler, extraMetadata: asked } }],
  ])('says what was asked for %s', (_, texts) => {
    const reading = read(texts)!;
    expect(reading).toMatchObject({ source: 'civitai', job });
    expect(reading.resources).toContainEqual({ kind: 'embedding', name: 'civitai 333', hash: null });
  });
  it('says it beside the graph, which has what it leaves open', () => {
    const { prompt, seed, ...less } = asked;
    expect(read({ prompt: larger, extraMetadata: { ...less, prompt } })).toMatchObject({ source: 'civitai', job: { prompt, seed: 4242, schedule: 'karras', hires: { scale: 1.5, steps: 14 } } });
  });
  it('may have types that nobody knows', () => {
    const resources = [{ type: 'constructor', modelVersionId: 1 }, { type: 'toString', modelVersionId: 2 }, { type: 'LoCon', modelVersionId: 3, modelName: 'felt' }];
    expect(read({ extraMetadata: { prompt: 'a', resources }, prompt: { airs: 'urn:air:sdxl:constructor:civitai:1@2' } })!.job).toMatchObject({ model: { name: 'civitai 1' }, loras: [{ name: 'civitai 2' }, { name: 'felt' }] });
  });
  it("has a picture's size from an upscaler", () => {
    expect(read({ 'exif.UserComment': { ...upscaler, extraMetadata: JSON.stringify({ ...asked, transformations: [{ type: 'upscale', upscaleWidth: 1536, upscaleHeight: 1536 }] }) } })!.job.hires).toEqual({ width: 1536, height: 1536 });
  });
});

describe('a text and a graph', () => {
  const text = 'a paper boat\nNegative prompt: mud\nSteps: 30, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 800x600, Model: pond';
  it.each(['unknown\nNegative prompt: unknown', '', 'None\nNegative prompt: None', 'undefined', 'N/A.'])('that says %j yields to the graph, and is kept', (prompt) => {
    const parameters = `${prompt}\nSteps: 20, Sampler: euler_simple, CFG Scale: 8.0, Seed: 0, Size: 512x512, Model: owlery, Version: ComfyUI`;
    expect(read({ parameters, prompt: graph })).toMatchObject({ source: 'comfyui', job: { ...ofGraph, extra: { parameters: parameters.trim() === parameters ? parameters : expect.any(String) } } });
  });
  it('gives the text its way, and what it leaves open from the graph', () => {
    expect(read({ parameters: text, prompt: graph })).toMatchObject({ source: 'comfyui', job: { prompt: 'a paper boat', negative: 'mud', steps: 30, seed: 5, sampler: 'euler_a', width: 800, height: 600, model: { name: 'pond', hash: null }, rng: 'cpu_nv', compat: 'comfy' } });
    expect(read({ parameters: text.replace('Seed: 5, ', '').replace('mud', 'unknown').replace(', Model: pond', ''), prompt: graph })!.job).toMatchObject({ prompt: 'a paper boat', negative: 'people', seed: 4242, model: { name: 'cedar_v3' } });
  });
  it('has the second pass from the graph, with the size that it began with', () => { expect(read({ parameters: text.replace('800x600', '960x768'), prompt: larger })!.job).toMatchObject({ width: 640, height: 512, hires: { scale: 1.5, steps: 14, strength: 0.5 } }); });
});

describe('Stability Matrix', () => {
  const parameters = 'a mossy lantern # old\r\n\nNegative prompt: people\r\n\nSteps: 21, Sampler: DPM++ 2M Karras, CFG scale: 6, Seed: 4242, Size: 960x768, Model hash: ' + 'AB'.repeat(32) + ', Model: cedar_v3.safetensors';
  const json = { PositivePrompt: 'a mossy lantern # old', NegativePrompt: 'people', Steps: 21, Sampler: 'DPM++ 2M Karras', CfgScale: 6, Seed: 4242, Height: 768, Width: 960, ModelHash: 'AB'.repeat(32), ModelName: 'cedar_v3.safetensors', FrameCount: 0 };
  const job: Partial<PictureJob> = { prompt: 'a mossy lantern # old\n', negative: 'people\n', steps: 21, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 6, seed: 4242, model: { name: 'cedar_v3', hash: 'ab'.repeat(32) }, rng: 'cpu_nv', compat: 'comfy' };
  it('has the prompt from its text, and what was run from the graph', () => {
    const found = read({ parameters, 'parameters-json': json, smproj: { Version: 2, State: {} }, prompt: larger })!;
    expect(found).toMatchObject({ source: 'stabilitymatrix', job: { ...job, width: 640, height: 512, hires: { scale: 1.5 } } });
    expect(found.job).not.toHaveProperty('emphasis');
  });
  it('is read without the graph, and from JSON alone', () => {
    expect(read({ parameters, 'parameters-json': json })).toMatchObject({ source: 'stabilitymatrix', job: { ...job, width: 960 } });
    expect(read({ 'parameters-json': json })).toMatchObject({ source: 'stabilitymatrix', job: { ...job, prompt: 'a mossy lantern # old', negative: 'people' } });
  });
});

describe('Tensor.Art', () => {
  const data = { prompt: 'a mossy lantern', negativePrompt: 'people', width: 768, height: 1152, imageCount: 1, steps: 21, cfgScale: 6, seed: '-1', clipSkip: 2, baseModel: { label: 'v16', modelFileName: 'Cedar-XL-16', hash: 'AB'.repeat(32) }, models: [{ type: 'LORA', modelFileName: 'felt', weight: 0.7, hash: 'CD'.repeat(32) }], sdVae: 'Automatic', etaNoiseSeedDelta: 31337, ksamplerName: 'dpmpp_2m', schedule: 'karras' };
  it('has names and weights from its data, the seed from the graph', () => {
    const found = read({ prompt: graph, generation_data: `${JSON.stringify(data)}\0` })!;
    expect(found).toMatchObject({ source: 'tensorart', job: { prompt: 'a mossy lantern', negative: 'people', seed: 4242, steps: 21, clipSkip: 2, ensd: 31337, width: 640, height: 512, model: { name: 'Cedar-XL-16', hash: 'ab'.repeat(32) }, loras: [{ name: 'felt', weight: 0.7 }] } });
    expect(found.resources).toEqual([{ kind: 'checkpoint', name: 'Cedar-XL-16', hash: 'ab'.repeat(32) }, { kind: 'lora', name: 'felt', hash: 'cd'.repeat(32) }]);
  });
  it('is read without the graph', () => { expect(read({ generation_data: { ...data, seed: '77' } })).toMatchObject({ source: 'tensorart', job: { seed: 77, width: 768, height: 1152 } }); });
});

describe('one object of JSON', () => {
  it.each<[string, PictureSource, Record<string, unknown>, Partial<PictureJob>]>([
    ['RuinedFooocus', 'ruinedfooocus', { Prompt: 'a felt owl', Negative: 'plastic', steps: 30, cfg: 8, width: 1152, height: 896, seed: 77, sampler_name: 'dpmpp_2m_sde_gpu', scheduler: 'karras', base_model_name: 'owlery.safetensors', base_model_hash: 'AB'.repeat(32), loras: [['felt.safetensors', 0.6]], denoise: null, clip_skip: 1, software: 'RuinedFooocus' },
      { prompt: 'a felt owl', negative: 'plastic', steps: 30, cfg: 8, width: 1152, height: 896, seed: 77, sampler: 'dpmpp_2m_sde', schedule: 'karras', model: { name: 'owlery', hash: 'ab'.repeat(32) }, clipSkip: 1, loras: [{ name: 'felt', weight: 0.6 }] }],
    ['RuinedFooocus with a hash before each LoRA', 'ruinedfooocus', { Prompt: 'a felt owl', steps: 30, cfg: 8, seed: 77, loras: [['4852686128', '0.1 - xl/felt.safetensors'], ['', '-0.5 - soft']], software: 'RuinedFooocus' }, { loras: [{ name: 'felt', weight: 0.1 }, { name: 'soft', weight: -0.5 }] }],
    ['RuinedFooocus of 2023', 'ruinedfooocus', { Prompt: 'a felt owl', steps: 30, cfg: 8, seed: 77, loras: 'Loras:<felt.safetensors:0.5>,<None:1>', software: 'RuinedFooocus' }, { loras: [{ name: 'felt', weight: 0.5 }] }],
    ['Fooocus-MRE', 'fooocus', { prompt: 'a felt owl', negative_prompt: 'plastic', real_prompt: ['a felt owl, sharp'], seed: 5, steps: 30, cfg: 7, sampler: 'dpmpp_2m_sde_gpu', scheduler: 'karras', base_model: 'owlery.safetensors', l1: 'felt.safetensors', w1: 0.4, l2: 'None', w2: 0.5, l3: 'soft.safetensors', w3: 0.2 }, { prompt: 'a felt owl', width: 640, loras: [{ name: 'felt', weight: 0.4 }, { name: 'soft', weight: 0.2 }] }],
    ['a list of models of all kinds', 'other', { prompt: 'a felt owl', steps: 3, seed: 5, models: [{ type: 'LYCORIS', name: 'felt', weight: '0.4' }, { type: 'EMBEDDING', name: 'bad' }] }, { loras: [{ name: 'felt', weight: 0.4 }] }],
    ['a fork of Fooocus', 'fooocus', { prompt: 'a felt owl', negative_prompt: 'plastic', steps: 30, cfg: 7, resolution: '1152×896', seed: 77, sampler: 'dpmpp_2m', scheduler: 'karras', base_model: 'owlery.safetensors', software: 'Fooocus 2.0 MRE' }, { width: 1152, height: 896, model: { name: 'owlery', hash: null } }],
    ['a Space of Hugging Face', 'huggingface', { prompt: 'a felt owl', negative_prompt: 'plastic', resolution: '1024 x 768', guidance_scale: 5.5, num_inference_steps: 24, seed: 443800072, sampler: 'DPM++ 2M Karras', Model: 'Owlery XL', 'Model hash': '86D99A3442', use_upscaler: { upscale_method: 'nearest-exact', upscaler_strength: 0.7, upscale_by: 1.5 } },
      { cfg: 5.5, steps: 24, width: 1024, height: 768, sampler: 'dpmpp_2m', schedule: 'karras', model: { name: 'Owlery XL', hash: '86d99a3442' }, hires: { scale: 1.5, strength: 0.7, upscaler: 'nearest-exact' } }],
    ['a script of diffusers', 'other', { prompt: 'a felt owl', num_inference_steps: 24, guidance_scale: 5.5, seed: '12', scheduler: 'EulerAncestralDiscreteScheduler', model_id: 'someone/owlery', loras: { felt: 0.5 } }, { steps: 24, cfg: 5.5, seed: 12, sampler: 'euler_a', model: { name: 'someone/owlery', hash: null }, loras: [{ name: 'felt', weight: 0.5 }] }],
    ['a program nobody knows', 'other', { positivePrompt: 'a felt owl', negativePrompt: '', cfgScale: 4, samplingMethod: 'heun', lora: ['felt:0.3', { path: 'x/soft.safetensors', scale: 0.2 }], size: '64x64' }, { prompt: 'a felt owl', cfg: 4, sampler: 'heun', width: 64, loras: [{ name: 'felt', weight: 0.3 }, { name: 'soft', weight: 0.2 }] }],
  ])('of %s', (_, source, object, job) => {
    for (const place of ['parameters', 'exif.UserComment', 'comment', 'Comment']) expect(read({ [place]: object }), place).toMatchObject({ source, job });
    expect(reportOnText(JSON.stringify(object))).toMatchObject({ source, job: { loras: job.loras ?? [] } });
  });
  it('may be one PNG text a key, with a name before it', () => {
    const texts = { prompt: 'a felt owl', negative_prompt: 'plastic', seed: '5', steps: '30', cfg_scale: '7.5', width: '512', height: '768', sampler_name: 'k_euler_a', GFPGAN: 'False' }, job = { prompt: 'a felt owl', negative: 'plastic', seed: 5, steps: 30, cfg: 7.5, width: 512, height: 768, sampler: 'euler_a' };
    for (const name of ['', 'SD:', 'mold:']) expect(read({ Software: 'x', ...Object.fromEntries(Object.entries(texts).map(([key, text]) => [name + key, text])) })).toMatchObject({ source: 'other', job: { ...job, extra: { GFPGAN: 'False', Software: 'x' } } });
    expect(read({ prompt: 'a felt owl', Title: 'x', Author: 'y' })).toBeNull();
  });
  it('that is something else is none', () => {
    for (const object of [{ prompt: 'hello' }, { steps: 3, seed: 4 }, { title: 'a', description: 'b' }, { prompt: 'What?', model: 'gpt', seed: 4 }]) expect(read({ Comment: object, 'exif.UserComment': object })).toBeNull();
  });
});

describe('NovelAI', () => {
  const v4 = (base: string, ...characters: string[]) => ({ caption: { base_caption: base, char_captions: characters.map((char_caption, i) => ({ char_caption, centers: [{ x: 0.1 * i, y: 0.5 }] })) }, use_coords: true });
  const comment = { prompt: '2girls, tea', steps: 28, seed: 5, sampler: 'k_euler', uc: 'lowres', v4_prompt: v4('2girls, tea', 'girl, red, ', '', 'girl, blue'), v4_negative_prompt: v4('lowres', 'hat', '') };
  it('4 has what its characters are asked for in the prompts, and their places', () => {
    const found = read({ Software: 'NovelAI', Description: '2girls, tea', Comment: comment })!;
    expect(found).toMatchObject({ source: 'novelai', job: { prompt: '2girls, tea, girl, red, girl, blue', negative: 'lowres, hat', extra: { v4_prompt: comment.v4_prompt, v4_negative_prompt: comment.v4_negative_prompt } } });
    expect(found.job.extra).not.toHaveProperty('prompt');
  });
  it('may begin with NULs, escaped or not', () => {
    const json = JSON.stringify({ Description: '\0\0\0\0a lighthouse', Software: 'NovelAI', Comment: JSON.stringify({ ...comment, prompt: 'a lighthouse', v4_prompt: v4('a lighthouse'), v4_negative_prompt: v4('lowres') }) });
    expect(read({ 'exif.UserComment': `\0\0${json}\0` })!.job).toMatchObject({ prompt: 'a lighthouse', negative: 'lowres' });
  });
});

describe('other programs', () => {
  it.each<[string, PictureSource, Record<string, string>, Partial<PictureJob>]>([
    ['Easy Diffusion with an empty place among its LoRAs', 'easydiffusion', { prompt: 'a lamp', seed: '3', num_inference_steps: '25', use_lora_model: "['None', 'felt', '', 'wool']", lora_alpha: '[0.5, 0.7, 0.1, 0.2]' }, { loras: [{ name: 'felt', weight: 0.7 }, { name: 'wool', weight: 0.2 }] }],
    ['Easy Diffusion with a LoRA without a weight', 'easydiffusion', { prompt: 'a lamp', seed: '3', num_inference_steps: '25', use_lora_model: 'felt', lora_alpha: 'None' }, { loras: [{ name: 'felt', weight: 1 }] }],
    ['Midjourney', 'midjourney', { Description: 'a felt owl, soft light --ar 3:2 --no plastic, metal --seed 77 --v 6.1 Job ID: 01234567-89ab-cdef-0123-456789abcdef' }, { prompt: 'a felt owl, soft light', negative: 'plastic, metal', seed: 77 }],
    ['Midjourney without switches', 'midjourney', { 'xmp.description': 'a felt owl Job ID: 01234567-89ab-cdef-0123-456789abcdef' }, { prompt: 'a felt owl', negative: '' }],
    ['Mochi Diffusion', 'mochi', { 'exif.ImageDescription': 'Include in Image: a felt owl; soft, light; Exclude from Image: plastic; Model: sd-1.5; Steps: 12; Guidance Scale: 11.0; Seed: 1957878024; Size: 512x768; Scheduler: DPM-Solver++; Generator: Mochi Diffusion 5.0' }, { prompt: 'a felt owl; soft, light', negative: 'plastic', steps: 12, cfg: 11, seed: 1957878024, width: 512, height: 768, sampler: 'dpmpp_2m', model: { name: 'sd-1.5', hash: null } }],
    ['Mochi Diffusion 6', 'mochi', { Description: 'Metadata Version: 2\nInclude in Image: a felt owl; wearing: a hat\\nsoft\nExclude from Image: \nSteps: 12\nSeed: 5\nGenerator: Mochi Diffusion 6.0' }, { prompt: 'a felt owl; wearing: a hat\nsoft', negative: '', steps: 12, seed: 5 }],
  ])('%s', (_, source, texts, job) => { expect(read(texts)).toMatchObject({ source, job }); });

  it('are not every description', () => {
    for (const text of ['a trip to --the-- sea', 'use --help or -v', 'Photo -- 2019', 'make --no sense', 'Camera: X, Lens: 50mm, ISO: 100']) expect(read({ Description: text, 'exif.ImageDescription': text }), text).toBeNull();
  });
});

describe('any texts', () => {
  const places = ['parameters', 'prompt', 'extraMetadata', 'generation_data', 'parameters-json', 'smproj', 'Comment', 'Description', 'comment', 'exif.UserComment', 'exif.XPComment', 'xmp.parameters', 'Software', 'sui_image_params'];
  const keys = ['sui_image_params', 'sui_models', 'prompt', 'negativeprompt', 'loras', 'loraweights', 'models', 'baseModel', 'model', 'name', 'hash', 'weight', 'seed', 'steps', 'sampler', 'scheduler', 'size', 'resources', 'modelVersionId', 'extraMetadata', 'transformations', 'use_upscaler', 'refinercontrolpercentage',
    'refinerupscale', 'refinermodel', 'clipstopatlayer', 'variationseedstrength', 'v4_prompt', 'caption', 'char_captions', 'char_caption', 'State', 'PositivePrompt', 'software', 'class_type', 'inputs', '__proto__', 'constructor'];
  const words = ['a <segment:b> c', '<refiner>', 'euler', 'karras', '0x00', 'KSampler', 'StepSwap', 'RuinedFooocus', 'NovelAI', '-1', '512x512', 'Include in Image: a; Seed: 1', 'a --ar 1:1 --v 6', 'Job ID: 00000000-0000-0000-0000-000000000000', 'unknown\nSteps: 1, Seed: 2, Size: 8x8', '\0', 'felt:0.5'];
  const { tree } = fc.letrec((tie) => ({ tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constantFrom<unknown>(...words, 0, 1, -2, 0.5, 1e300, null, true), fc.string({ maxLength: 8 }), fc.array(tie('tree'), { maxLength: 5 }), fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 8 })) }));
  const params = fc.dictionary(fc.constantFrom(...keys), tree, { maxKeys: 12 });
  const text = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary' }), tree.map((value) => JSON.stringify(value)), params.map((value) => JSON.stringify({ sui_image_params: value, sui_models: value['sui_models'] })), params.map((value) => JSON.stringify({ prompt: 'a', steps: 3, seed: 4, ...value })), params.map((value) => JSON.stringify({ 1: { class_type: 'KSampler', inputs: {} }, extraMetadata: JSON.stringify(value) })));

  it('are read without a fault, and what is read fits the contract', () => {
    fc.assert(fc.property(fc.dictionary(fc.constantFrom(...places), text, { minKeys: 1, maxKeys: 4 }), (texts) => { JSON.stringify(read(texts)); }), { numRuns: fuzzRuns(2000) });
  });

  it.each<[string, (n: number) => Record<string, string>]>([
    ['parts of a prompt', (n) => ({ parameters: JSON.stringify({ sui_image_params: { prompt: '<segment:a>'.repeat(n) } }) })], ['parts that never end', (n) => ({ parameters: JSON.stringify({ sui_image_params: { prompt: '<segment:'.repeat(n) } }) })],
    ['LoRAs', (n) => ({ parameters: JSON.stringify({ sui_image_params: { prompt: 'a', loras: Array.from({ length: n }, (_, i) => `l${i}`), loraweights: Array.from({ length: n }, () => '1') }, sui_models: Array.from({ length: 3 }, (_, i) => ({ name: `l${i}` })) }) })],
    ['LoRAs and their files', (n) => ({ parameters: JSON.stringify({ sui_image_params: { prompt: 'a', loras: Array.from({ length: n }, (_, i) => `l${i}`) }, sui_models: Array.from({ length: n }, (_, i) => ({ name: `l${i}.safetensors`, hash: '0x0123456789' })) }) })],
    ['LoRAs in one word', (n) => ({ parameters: JSON.stringify({ prompt: 'a', steps: 1, seed: 2, loras: [`${' '.repeat(n)}:x`] }) })], ['resources', (n) => ({ extraMetadata: JSON.stringify({ prompt: 'a', resources: Array.from({ length: n }, (_, i) => ({ modelVersionId: i })) }) })],
    ['addresses', (n) => ({ prompt: JSON.stringify({ extraMetadata: '{"prompt":"a"}', airs: 'urn:air:a:'.repeat(n) }) })], ['switches', (n) => ({ Description: ' --ar'.repeat(n) })], ['words behind a switch', (n) => ({ Description: `a --no${' a'.repeat(n)}` })],
    ['fields with semicolons', (n) => ({ Description: `Include in Image: a${'; Seed: 1'.repeat(n)}` })], ['semicolons', (n) => ({ Description: `Include in Image: a${'; '.repeat(n)}` })], ['characters', (n) => ({ Software: 'NovelAI', Comment: JSON.stringify({ v4_prompt: { caption: { base_caption: 'a', char_captions: Array.from({ length: n }, () => ({ char_caption: 'b,' })) } } }) })],
  ])('are read in linear time with any number of %s', (_, texts) => expectLinear((n) => read(texts(n)), 2000));
});
