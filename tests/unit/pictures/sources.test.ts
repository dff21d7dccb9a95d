// Pictures of other programs, written as they write them, become jobs of ours.
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { reportOnBytes } from '../../../main/services/pictures/report';
import { PictureReport, type PictureJob } from '../../../preload/contract/picture-report';
import { ascii, jpeg, png, stealthPng, tiff, unicodeBe, unicodeLe, webp } from './make-pictures';

/** The whole report, checked against the contract. */
const read = async (picture: Uint8Array | Promise<Uint8Array>) => PictureReport.parse(await reportOnBytes(await picture));
const expectJob = async (picture: Uint8Array | Promise<Uint8Array>, source: string, job: Partial<PictureJob>) => {
  const report = await read(picture);
  expect(report.source).toBe(source);
  expect(report.job).toMatchObject(job);
  return report;
};

const parameters = 'a café 桜\nNegative prompt: fog\nSteps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 42, Size: 512x768, Model hash: 879db523c3, Model: dreamy_v8';
const a1111: Partial<PictureJob> = { prompt: 'a café 桜', negative: 'fog', steps: 20, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 7, seed: 42, width: 512, height: 768, model: { name: 'dreamy_v8', hash: '879db523c3' } };

describe('A1111 and Forge', () => {
  it.each<[string, () => Promise<Uint8Array>]>([
    ['a PNG text', () => png({ parameters })],
    ["JPEG as A1111 writes it", () => jpeg(tiff('MM', {}, { UserComment: unicodeBe(parameters) }))],
    ['JPEG as Civitai writes it', () => jpeg(tiff('II', {}, { UserComment: unicodeBe(parameters) }))],
    ['JPEG in the other order', () => jpeg(tiff('II', {}, { UserComment: unicodeLe(parameters) }))],
    ['JPEG with order and text crossed', () => jpeg(tiff('MM', {}, { UserComment: unicodeLe(parameters) }))],
    ['WebP', () => webp(tiff('MM', {}, { UserComment: unicodeBe(parameters) }))],
    ['the alpha bits', () => stealthPng('stealth_pnginfo', parameters)],
    ['the alpha bits, packed', () => stealthPng('stealth_pngcomp', parameters)],
    ['the colour bits', () => stealthPng('stealth_rgbinfo', parameters)],
    ['the colour bits, packed', () => stealthPng('stealth_rgbcomp', parameters)],
  ])('are read from %s', async (_, picture) => {
    const { missing } = await expectJob(picture(), 'a1111', a1111);
    expect(missing).toEqual([{ kind: 'checkpoint', name: 'dreamy_v8', hash: '879db523c3' }]);
  });

  it('are read from a GIF\'s comment, and from Japanese EXIF', async () => {
    const gif = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#345' } }).gif().toBuffer(), end = gif.length - 1;
    const blocks = Buffer.from(parameters).toString('latin1').match(/[^]{1,200}/g)!.map((part) => Buffer.concat([Buffer.from([part.length]), Buffer.from(part, 'latin1')]));
    await expectJob(Buffer.concat([gif.subarray(0, end), Buffer.from([0x21, 0xfe]), ...blocks, Buffer.from([0, 0x3b])]), 'a1111', a1111);
    const jis = Buffer.concat([Buffer.from('JIS\0\0\0\0\0'), Buffer.from('\x1b$B:y\x1b(B\nSteps: 20, Sampler: Euler a, Seed: 42, Size: 512x768', 'latin1')]);
    await expectJob(jpeg(tiff('MM', {}, { UserComment: jis })), 'a1111', { prompt: '桜', steps: 20 });
  });

  it('are told apart', async () => { await expectJob(png({ parameters: `${parameters}, Version: f2.0.1v1.10.1-previous-1-gabc, Module 1: sd_vae` }), 'forge', { vae: 'sd_vae' }); });
  it('are not every comment', async () => { expect((await read(jpeg(tiff('MM', {}, { UserComment: ascii('holiday, 2019') })))).source).toBe('none'); });
  it('keep what other texts the picture has', async () => {
    const { job } = await expectJob(png({ parameters, smproj: '{"a":1}', Author: 'me' }), 'a1111', a1111);
    expect(job!.extra).toEqual({ smproj: '{"a":1}', Author: 'me' });
  });
});

const node = (class_type: string, inputs: Record<string, unknown>) => ({ class_type, inputs });
const graph = {
  3: node('KSampler', { seed: 156680208700286, steps: 20, cfg: 8, sampler_name: 'dpmpp_2m_sde_gpu', scheduler: 'karras', denoise: 1, model: ['11', 0], positive: ['6', 0], negative: ['7', 0], latent_image: ['5', 0] }),
  4: node('CheckpointLoaderSimple', { ckpt_name: 'SD15\\dreamy_v8.safetensors' }),
  5: node('EmptyLatentImage', { width: 512, height: 768, batch_size: 1 }),
  6: node('CLIPTextEncode', { text: 'a cat, embedding:glow', clip: ['12', 0] }),
  7: node('CLIPTextEncode', { text: 'fog', clip: ['12', 0] }),
  8: node('VAEDecode', { samples: ['3', 0], vae: ['13', 0] }),
  9: node('SaveImage', { filename_prefix: 'ComfyUI', images: ['8', 0] }),
  10: node('LoraLoader', { lora_name: 'fluffy.safetensors', strength_model: 0.8, strength_clip: 0.6, model: ['4', 0], clip: ['4', 1] }),
  11: node('LoraLoaderModelOnly', { lora_name: 'ink.safetensors', strength_model: 0.5, model: ['10', 0] }),
  12: node('CLIPSetLastLayer', { stop_at_clip_layer: -2, clip: ['10', 1] }),
  13: node('VAELoader', { vae_name: 'vae-ft.safetensors' }),
};
const comfyJob: Partial<PictureJob> = {
  prompt: 'a cat, embedding:glow', negative: 'fog', steps: 20, sampler: 'dpmpp_2m_sde', schedule: 'karras', cfg: 8, seed: 156680208700286, width: 512, height: 768, clipSkip: 2, rng: 'cpu_nv', compat: 'comfy',
  model: { name: 'dreamy_v8', hash: null }, vae: 'vae-ft.safetensors', loras: [{ name: 'fluffy', weight: 0.8, textWeight: 0.6 }, { name: 'ink', weight: 0.5 }],
};
const without = (...ids: number[]) => Object.fromEntries(Object.entries(graph).filter(([id]) => !ids.includes(Number(id))));

describe('ComfyUI', () => {
  it('is read from its graph, and what has no place is kept by node', async () => {
    const { job, missing } = await expectJob(png({ prompt: JSON.stringify(graph), workflow: '{"nodes":[]}' }), 'comfyui', comfyJob);
    expect(job!.strength).toBeUndefined();
    expect(job!.extra).toEqual({ workflow: '{"nodes":[]}', nodes: { 5: { class: 'EmptyLatentImage', inputs: { batch_size: 1 } }, 9: { class: 'SaveImage', inputs: { filename_prefix: 'ComfyUI' } } } });
    expect(missing.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['checkpoint dreamy_v8', 'vae vae-ft.safetensors', 'lora fluffy', 'lora ink', 'embedding glow']);
  });

  it('is read from a WebP, where the graph is a camera', async () => {
    await expectJob(webp(tiff('II', { Model: Buffer.from(`prompt:${JSON.stringify(graph)}\0`), Make: Buffer.from('workflow:{}\0') })), 'comfyui', comfyJob);
  });

  it('has NaN in its JSON, and seeds that numbers cannot hold', async () => {
    const text = JSON.stringify({ ...graph, 9: { ...graph[9], is_changed: 'NAN' } }).replace('156680208700286', '18446744073709551557').replace('"NAN"', 'NaN');
    await expectJob(png({ prompt: text }), 'comfyui', { ...comfyJob, seed: '18446744073709551557' });
  });

  it('has values in nodes of their own, and texts in parts', async () => {
    await expectJob(png({ prompt: JSON.stringify({
      ...graph, 3: node('KSampler', { ...graph[3].inputs, seed: ['20', 0], steps: ['21', 0] }), 6: node('CLIPTextEncode', { text: ['22', 0], clip: ['4', 1] }),
      20: node('Seed (rgthree)', { seed: 77 }), 21: node('PrimitiveInt', { value: 33 }), 22: node('StringConcatenate', { string_a: 'a big', string_b: ['23', 0], delimiter: ', ' }), 23: node('PrimitiveStringMultiline', { value: 'red cat' }),
    }) }), 'comfyui', { seed: 77, steps: 33, prompt: 'a big, red cat' });
  });

  it('goes through ControlNets and combinations', async () => {
    await expectJob(png({ prompt: JSON.stringify({
      ...graph, 3: node('KSampler', { ...graph[3].inputs, positive: ['30', 0], negative: ['30', 1] }), 30: node('ControlNetApplyAdvanced', { positive: ['31', 0], negative: ['33', 0], strength: 0.7, control_net: ['40', 0] }),
      31: node('ConditioningConcat', { conditioning_to: ['6', 0], conditioning_from: ['32', 0] }), 32: node('CLIPTextEncode', { text: 'a dog', clip: ['4', 1] }), 33: node('ConditioningZeroOut', { conditioning: ['6', 0] }),
      40: node('ControlNetLoader', { control_net_name: 'canny.safetensors' }),
    }) }), 'comfyui', { prompt: 'a cat, embedding:glow BREAK a dog', negative: '', extra: { nodes: { 30: { inputs: { strength: 0.7 } }, 40: { inputs: { control_net_name: 'canny.safetensors' } } } } as any });
  });

  it('has a second pass', async () => {
    await expectJob(png({ prompt: JSON.stringify({
      ...graph, 8: node('VAEDecode', { samples: ['51', 0], vae: ['4', 2] }), 50: node('LatentUpscaleBy', { upscale_method: 'nearest-exact', scale_by: 1.5, samples: ['3', 0] }),
      51: node('KSampler', { ...graph[3].inputs, seed: 9, steps: 14, cfg: 6, sampler_name: 'euler', scheduler: 'simple', denoise: 0.5, latent_image: ['50', 0] }),
    }) }), 'comfyui', { seed: 156680208700286, steps: 20, width: 512, hires: { scale: 1.5, upscaler: 'nearest-exact', steps: 14, cfg: 6, sampler: 'euler', schedule: 'simple', strength: 0.5 } });
  });

  it('has a refiner', async () => {
    const steps = { steps: 25, add_noise: 'enable', noise_seed: 5, cfg: 7, sampler_name: 'euler', scheduler: 'normal', positive: ['6', 0], negative: ['7', 0] };
    await expectJob(png({ prompt: JSON.stringify({
      ...without(3), 60: node('KSamplerAdvanced', { ...steps, start_at_step: 0, end_at_step: 20, model: ['4', 0], latent_image: ['5', 0] }),
      61: node('KSamplerAdvanced', { ...steps, start_at_step: 20, end_at_step: 10000, model: ['62', 0], latent_image: ['60', 0] }), 62: node('CheckpointLoaderSimple', { ckpt_name: 'xl_refiner.safetensors' }), 8: node('VAEDecode', { samples: ['61', 0], vae: ['4', 2] }),
    }) }), 'comfyui', { steps: 25, seed: 5, model: { name: 'dreamy_v8', hash: null }, refiner: { model: { name: 'xl_refiner', hash: null }, switchAt: 0.8 } });
  });

  it('has samplers made of parts', async () => {
    await expectJob(png({ prompt: JSON.stringify({
      ...without(3), 70: node('SamplerCustomAdvanced', { noise: ['71', 0], guider: ['72', 0], sampler: ['73', 0], sigmas: ['74', 0], latent_image: ['5', 0] }), 71: node('RandomNoise', { noise_seed: 11 }),
      72: node('CFGGuider', { cfg: 4.5, model: ['75', 0], positive: ['6', 0], negative: ['7', 0] }), 73: node('KSamplerSelect', { sampler_name: 'uni_pc' }), 74: node('BasicScheduler', { scheduler: 'sgm_uniform', steps: 12, denoise: 0.6, model: ['75', 0] }),
      75: node('ModelSamplingDiscrete', { sampling: 'v_prediction', zsnr: true, model: ['4', 0] }), 8: node('VAEDecode', { samples: ['70', 0], vae: ['4', 2] }),
    }) }), 'comfyui', { seed: 11, cfg: 4.5, sampler: 'unipc', schedule: 'sgm_uniform', steps: 12, strength: 0.6, prediction: 'v', model: { name: 'dreamy_v8', hash: null } });
  });

  it('keeps the names of samplers that we do not have', async () => {
    const { job } = await expectJob(png({ prompt: JSON.stringify({ ...graph, 3: node('KSampler', { ...graph[3].inputs, sampler_name: 'res_multistep', scheduler: 'bong_tangent' }) }) }), 'comfyui', { steps: 20 });
    expect(job).not.toHaveProperty('sampler');
    expect(job!.extra.nodes).toMatchObject({ 3: { inputs: { sampler_name: 'res_multistep', scheduler: 'bong_tangent' } } });
  });

  it('keeps the names of samplers that ours are only near to, and knows those of its first days', async () => {
    const sampled = (sampler_name: string) => png({ prompt: JSON.stringify({ ...graph, 3: node('KSampler', { ...graph[3].inputs, sampler_name }) }) });
    expect((await expectJob(sampled('uni_pc_bh2'), 'comfyui', { sampler: 'unipc' })).job!.extra.nodes).toMatchObject({ 3: { inputs: { sampler_name: 'uni_pc_bh2' } } });
    expect((await expectJob(sampled('sample_dpmpp_2m'), 'comfyui', { sampler: 'dpmpp_2m' })).job!.extra.nodes).not.toHaveProperty('3');
  });

  it('is read from the drawing when it has nothing else, through reroutes', async () => {
    const workflow = {
      nodes: [
        { id: 1, type: 'CheckpointLoaderSimple', widgets_values: ['dreamy_v8.safetensors'], inputs: [] },
        { id: 2, type: 'CLIPTextEncode', widgets_values: ['a cat'], inputs: [{ name: 'clip', link: 1 }] }, { id: 3, type: 'CLIPTextEncode', widgets_values: ['fog'], inputs: [{ name: 'clip', link: 2 }] },
        { id: 4, type: 'EmptyLatentImage', widgets_values: [640, 512, 1] }, { id: 5, type: 'Reroute', inputs: [{ name: '', link: 3 }] }, { id: 9, type: 'LoraLoader', mode: 4, widgets_values: ['off.safetensors', 1, 1], inputs: [{ name: 'model', type: 'MODEL', link: 7 }] },
        { id: 6, type: 'KSampler', widgets_values: [99, 'randomize', 21, 6.5, 'euler_ancestral', 'ddim_uniform', 0.75], inputs: [{ name: 'model', link: 8 }, { name: 'positive', link: 4 }, { name: 'negative', link: 5 }, { name: 'latent_image', link: 6 }] },
        { id: 7, type: 'Note', widgets_values: ['hello'] },
      ],
      links: [[1, 1, 1, 2, 0, 'CLIP'], [2, 1, 1, 3, 0, 'CLIP'], [3, 2, 0, 5, 0, '*'], [4, 5, 0, 6, 1, 'CONDITIONING'], [5, 3, 0, 6, 2, 'CONDITIONING'], [6, 4, 0, 6, 3, 'LATENT'], [7, 1, 0, 9, 0, 'MODEL'], [8, 9, 0, 6, 0, 'MODEL']],
    };
    await expectJob(png({ workflow: JSON.stringify(workflow) }), 'comfyui', { prompt: 'a cat', negative: 'fog', seed: 99, steps: 21, cfg: 6.5, sampler: 'euler_a', schedule: 'ddim_uniform', strength: 0.75, width: 640, height: 512, model: { name: 'dreamy_v8', hash: null }, loras: [] });
  });
});

describe('InvokeAI', () => {
  const metadata = { app_version: '5.4.1', generation_mode: 'txt2img', positive_prompt: 'a cat', negative_prompt: 'fog', width: 512, height: 768, seed: 7, rand_device: 'cpu', cfg_scale: 7.5, cfg_rescale_multiplier: 0, steps: 30, scheduler: 'dpmpp_2m_k', clip_skip: 1 };
  const job: Partial<PictureJob> = { prompt: 'a cat', negative: 'fog', width: 512, height: 768, seed: 7, rng: 'cpu', compat: 'a1111', cfg: 7.5, steps: 30, sampler: 'dpmpp_2m', schedule: 'karras', clipSkip: 2 };
  it('of today', async () => {
    const { job: found, missing } = await expectJob(png({ invokeai_metadata: JSON.stringify({ ...metadata, model: { key: 'k', hash: 'blake3:ab', name: 'Dreamy', base: 'sd-1', type: 'main' }, loras: [{ model: { name: 'Fluffy', hash: 'blake3:cd' }, weight: 0.75 }], vae: { name: 'ft-mse' } }), invokeai_graph: '{}' }),
      'invokeai', { ...job, model: { name: 'Dreamy', hash: 'blake3:ab' }, loras: [{ name: 'Fluffy', weight: 0.75 }], vae: 'ft-mse' });
    expect(found!.extra).toMatchObject({ app_version: '5.4.1', generation_mode: 'txt2img', invokeai_graph: '{}' });
    expect(missing).toContainEqual({ kind: 'lora', name: 'Fluffy', hash: 'blake3:cd' });
  });
  it('3, under either name', async () => {
    const text = JSON.stringify({ ...metadata, scheduler: 'euler_a', model: { model_name: 'Dreamy', base_model: 'sd-1' }, loras: [{ lora: { model_name: 'Fluffy' }, weight: 0.5 }] });
    for (const key of ['invokeai_metadata', 'invokeai']) await expectJob(png({ [key]: text }), 'invokeai', { ...job, sampler: 'euler_a', schedule: 'normal', model: { name: 'Dreamy', hash: null }, loras: [{ name: 'Fluffy', weight: 0.5 }] });
  });
  it('2, with the negative in brackets', async () => {
    const old = { model: 'stable diffusion', model_weights: 'sd-1.5', model_hash: 'cc6cb27103417325ff94f52b7a5d2dde45a7515b25c255d8e396c90014281516', app_id: 'invoke-ai/InvokeAI', image: { prompt: [{ prompt: 'a cat [fog, rain]', weight: 1 }], steps: 50, cfg_scale: 7.5, seed: 3, width: 512, height: 512, sampler: 'k_lms', type: 'txt2img', threshold: 0 } };
    const { job: found } = await expectJob(png({ 'sd-metadata': JSON.stringify(old), Dream: '"a cat" -s 50' }), 'invokeai', { prompt: 'a cat', negative: 'fog, rain', steps: 50, cfg: 7.5, seed: 3, sampler: 'lms', schedule: 'normal', model: { name: 'sd-1.5', hash: old.model_hash } });
    expect(found!.extra).toEqual({ model: 'stable diffusion', app_id: 'invoke-ai/InvokeAI', type: 'txt2img', threshold: 0 });
  });
  it('1, as a command', async () => {
    const { job: found } = await expectJob(png({ Dream: '"a \\"big\\" cat [fog]" -s 50 -S42 -W512 -H 768 -C7.5 -A k_euler_a -f 0.6 --seamless -G 0.8 -cf 0.75 -ft codeformer' }), 'invokeai', { prompt: 'a "big" cat', negative: 'fog', steps: 50, seed: 42, width: 512, height: 768, cfg: 7.5, sampler: 'euler_a', strength: 0.6 });
    expect(found!.extra).toEqual({ seamless: true, G: '0.8', cf: '0.75', ft: 'codeformer' });
  });
});

describe('Fooocus', () => {
  const metadata = { adm_guidance: '(1.5, 0.8, 0.3)', base_model: 'xl_photo', base_model_hash: 'aeb7e9e689', full_prompt: ['a cat, sharp'], guidance_scale: 4, loras: [['offset', 0.1, '4852686128'], ['None', 1, '']], metadata_scheme: 'fooocus', negative_prompt: 'fog', performance: 'Speed',
    prompt: 'a cat', refiner_model: 'None', refiner_switch: 0.5, resolution: '(1152, 896)', sampler: 'dpmpp_2m_sde_gpu', scheduler: 'karras', seed: '123', sharpness: 2, steps: 30, styles: "['Fooocus V2']", vae: 'Default (model)', version: 'Fooocus v2.5.0' };
  const job: Partial<PictureJob> = { prompt: 'a cat', negative: 'fog', cfg: 4, width: 1152, height: 896, sampler: 'dpmpp_2m_sde', schedule: 'karras', seed: 123, steps: 30, model: { name: 'xl_photo', hash: 'aeb7e9e689' }, loras: [{ name: 'offset', weight: 0.1 }] };
  const text = 'a cat, sharp\nNegative prompt: fog, blur\nSteps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 123, Size: 1152x896, CFG scale: 4, Sharpness: 2, ADM Guidance: "(1.5, 0.8, 0.3)", Model: xl_photo, Model hash: aeb7e9e689, Performance: Speed, Scheduler: karras, VAE: Default (model), Raw prompt: a cat, Raw negative prompt: fog, Styles: "[\'Fooocus V2\']", Lora hashes: "offset: 4852686128", Lora weights: "offset: 0.1", Version: Fooocus v2.5.0';

  it.each<[string, () => Promise<Uint8Array>]>([
    ['JSON in PNG', () => png({ parameters: JSON.stringify(metadata), fooocus_scheme: 'fooocus' })],
    ['JSON in JPEG', () => jpeg(tiff('II', { UserComment: Buffer.from(JSON.stringify(metadata)), MakerNote: Buffer.from('fooocus') }))],
    ['text in PNG', () => png({ parameters: text, fooocus_scheme: 'a1111' })],
    ['text in WebP', () => webp(tiff('MM', { UserComment: Buffer.from(text), MakerNote: Buffer.from('a1111') }))],
  ])('%s', async (_, picture) => {
    const { job: found, missing } = await expectJob(picture(), 'fooocus', job);
    expect(missing).toEqual([{ kind: 'checkpoint', name: 'xl_photo', hash: 'aeb7e9e689' }, { kind: 'lora', name: 'offset', hash: '4852686128' }]);
    expect(JSON.stringify(found!.extra)).toContain('a cat, sharp');
    expect(found).not.toHaveProperty('refiner');
  });
});

describe('NovelAI', () => {
  const comment = { prompt: '{a cat}', steps: 28, height: 1216, width: 832, scale: 5, uncond_scale: 1, cfg_rescale: 0.2, seed: 4096, noise_schedule: 'karras', sampler: 'k_dpmpp_2s_ancestral', sm: false, uc: 'lowres' };
  const texts = { Title: 'AI generated image', Description: '{a cat}', Software: 'NovelAI', Source: 'NovelAI Diffusion V3 37C2B166', Comment: JSON.stringify(comment) };
  const job: Partial<PictureJob> = { prompt: '{a cat}', negative: 'lowres', steps: 28, width: 832, height: 1216, cfg: 5, cfgRescale: 0.2, seed: 4096, sampler: 'dpmpp_2s_a', schedule: 'karras', clipSkip: 2, ensd: 31337, model: { name: 'NovelAI Diffusion V3 37C2B166', hash: null } };
  const { Title, ...rest } = texts;

  it.each<[string, () => Promise<Uint8Array>]>([
    ['PNG texts', () => png(texts)],
    ['the alpha bits', () => stealthPng('stealth_pngcomp', JSON.stringify(rest))],
    ['WebP, JSON in JSON', () => webp(tiff('II', { Software: Buffer.from(`${texts.Source}\0`) }, { UserComment: ascii(JSON.stringify(rest)) }))],
  ])('%s', async (_, picture) => {
    const { job: found } = await expectJob(picture(), 'novelai', job);
    expect(found!.extra).toMatchObject({ uncond_scale: 1, sm: false });
  });
  it('keeps the title', async () => { expect((await read(png(texts))).job!.extra).toMatchObject({ Title }); });
  it('4, with captions', async () => {
    const v4 = { ...comment, uc: undefined, v4_prompt: { caption: { base_caption: 'two cats', char_captions: [{ char_caption: 'red', centers: [] }] } }, v4_negative_prompt: { caption: { base_caption: 'lowres' } } };
    const { job: found } = await expectJob(png({ Software: 'NovelAI', Comment: JSON.stringify(v4) }), 'novelai', { prompt: 'two cats, red', negative: 'lowres' });
    expect(found!.extra.v4_prompt).toEqual(v4.v4_prompt);
  });
  it('has samplers of its own, which are read as Euler a', async () => {
    const { job: found } = await expectJob(png({ ...texts, Comment: JSON.stringify({ ...comment, sampler: 'k_secret' }) }), 'novelai', { sampler: 'euler_a' });
    expect(found!.extra.sampler).toBe('k_secret');
  });
});

describe('Draw Things', () => {
  const settings = { c: 'a "cat" & a dog', uc: 'fog', steps: 30, sampler: 'DPM++ 2M Karras', scale: 7.5, seed: 1234567890, size: '768x512', model: 'sd_v1.5_f16.ckpt', strength: 1, seed_mode: 'Scale Alike', lora: [{ model: 'fluffy_lora_f16.ckpt', weight: 0.6 }], v2: { aestheticScore: 6 } };
  const job: Partial<PictureJob> = { prompt: 'a "cat" & a dog', negative: 'fog', steps: 30, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 7.5, seed: 1234567890, width: 768, height: 512, model: { name: 'sd_v1.5_f16', hash: null }, strength: 1, loras: [{ name: 'fluffy_lora_f16', weight: 0.6 }] };
  const escaped = JSON.stringify(settings).replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const xmp = (body: string, attributes = '') => `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/"${attributes}>${body}</rdf:Description></rdf:RDF></x:xmpmeta>`;

  it.each<[string, () => Promise<Uint8Array>]>([
    ['an XMP list of languages', () => png({ 'XML:com.adobe.xmp': xmp(`<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">${escaped}</rdf:li></rdf:Alt></exif:UserComment>`) })],
    ['an XMP attribute', () => png({ 'XML:com.adobe.xmp': xmp('', ` exif:UserComment="${escaped}"`) })],
    ['EXIF', () => jpeg(tiff('MM', {}, { UserComment: ascii(JSON.stringify(settings)) }))],
  ])('%s', async (_, picture) => {
    const { job: found } = await expectJob(picture(), 'drawthings', job);
    expect(found!.extra).toMatchObject({ seed_mode: 'Scale Alike', v2: { aestheticScore: 6 } });
  });
});

describe('Easy Diffusion', () => {
  const job: Partial<PictureJob> = { prompt: 'a cat', negative: 'fog', seed: 5, steps: 25, cfg: 7.5, width: 512, height: 512, sampler: 'euler_a', schedule: 'karras', clipSkip: 2, model: { name: 'dreamy', hash: null }, loras: [{ name: 'a', weight: 0.5 }, { name: 'b', weight: 1 }] };
  const values = { prompt: 'a cat', negative_prompt: 'fog', seed: '5', num_inference_steps: '25', guidance_scale: '7.5', width: '512', height: '512', sampler_name: 'euler_a', scheduler_name: 'karras', clip_skip: 'True', use_stable_diffusion_model: 'dreamy', use_vae_model: 'None', use_lora_model: "['a', 'b']", lora_alpha: '[0.5, 1.0]', tiling: 'None' };

  it('is read from one text a key, with values as Python writes them', async () => {
    const { job: found, missing } = await expectJob(png(values), 'easydiffusion', job);
    expect(found!.extra).toMatchObject({ tiling: 'None' });
    expect(missing.map(({ name }) => name)).toEqual(['dreamy', 'a', 'b']);
  });
  it('is read from titles', async () => {
    const titles = { Prompt: 'a cat', 'Negative Prompt': 'fog', Seed: '5', Steps: '25', 'Guidance Scale': '7.5', Width: '512', Height: '512', Sampler: 'euler_a', Scheduler: 'karras', 'Clip Skip': 'True', 'Stable Diffusion model': 'dreamy', 'LoRA model': "['a', 'b']", 'LoRA Strength': '[0.5, 1.0]' };
    await expectJob(png(titles), 'easydiffusion', job);
  });
  it('is read from JSON in a JPEG', async () => {
    const json = { ...values, seed: 5, num_inference_steps: 25, guidance_scale: 7.5, clip_skip: true, use_lora_model: ['a', 'b'], lora_alpha: [0.5, 1], use_vae_model: null };
    await expectJob(jpeg(tiff('MM', {}, { UserComment: unicodeBe(JSON.stringify(json)) })), 'easydiffusion', job);
  });
  it('has prompts that look like numbers', async () => { await expectJob(png({ ...values, prompt: '1984' }), 'easydiffusion', { prompt: '1984' }); });
});
