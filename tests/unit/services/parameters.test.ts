// AUTOMATIC1111's text: ours is what it writes, and what it writes is read as it reads it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parametersText, parseParameters } from '../../../main/services/pictures/parameters';
import { Hires, Inpaint } from '../../../preload/contract/editing';
import { slotEntries } from '../../../preload/contract/file-slots';
import { samplerLabels, scheduleLabels } from '../../../preload/contract/vocabulary';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';
import { anyJob, job } from '../../support/pictures';

const text = (patch: Parameters<typeof job>[0]) => parametersText(job(patch), { version: '1.2.3' });

/** As in A1111's lists of checkpoints. */
const title = ({ name, hash }: { name: string; hash: string | null }) => (hash ? `${name} [${hash.slice(0, 10)}]`.trim() : name);

describe('the parameters text', () => {
  it('has prompt, negative prompt and the pairs in the order of A1111', () => {
    expect(text({ prompt: 'a cat\non a mat', negative: 'blurry, bad', cfg: 7.5, width: 512, height: 768 })).toBe([
      'a cat\non a mat',
      'Negative prompt: blurry, bad',
      'Steps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7.5, Seed: 42, Size: 512x768, Model hash: ababababab, Model: mini, RNG: CPU, Version: atelier 1.2.3',
    ].join('\n'));
  });

  it('leaves out what is empty or as usual, and quotes what holds a comma or a colon', () => {
    expect(text({ negative: '', rng: 'nv', compat: 'a1111', files: { model: { name: 'a, b: "c"', hash: null } } })).toBe(
      'a red house on grass\nSteps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 64x64, Model: "a, b: \\"c\\"", Version: atelier 1.2.3');
  });

  it('has the strength of img2img and a clip skip above 1', () => {
    expect(text({ kind: 'img2img', init: 'cd'.repeat(32), strength: 0.6, clipSkip: 2, sampler: 'dpmpp_2m_sde', schedule: 'sgm_uniform' }))
      .toContain('Sampler: DPM++ 2M SDE, Schedule type: SGM Uniform, CFG scale: 7, Seed: 42, Size: 64x64, Model hash: ababababab, Model: mini, Denoising strength: 0.6, Clip skip: 2, RNG: CPU, ');
  });

  it('has what a job may have besides, each at the place of A1111', () => {
    const { model } = job().files;
    expect(text({
      kind: 'img2img', init: 'cd'.repeat(32), strength: 0.6, mask: '01'.repeat(32), imageCfg: 1.5, clipSkip: 2, cfgRescale: 0.7, variation: { seed: 0, strength: 0.25 }, ensd: 31337, emphasis: 'no_norm', refiner: { switchAt: 0.8 },
      template: { prompt: 'a {red|blue} house', negative: '__bad__, x' },
      files: { model, refiner: { name: 'xl_refiner', hash: 'ef'.repeat(32) }, vae: { name: 'vae-ft-mse.safetensors', hash: '23'.repeat(32) },
        embeddings: [{ name: 'EasyNegative', hash: '45'.repeat(32) }, { name: 'a:b, c', hash: '67'.repeat(32) }], textEncoders: [{ name: 'clip_l', hash: null }, { name: 'clip_g', hash: null }] },
    })).toBe('a red house on grass\nSteps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7, Image CFG scale: 1.5, Seed: 42, Size: 64x64, Model hash: ababababab, Model: mini, '
      + 'VAE hash: 2323232323, VAE: vae-ft-mse.safetensors, Variation seed: 0, Variation seed strength: 0.25, Denoising strength: 0.6, Clip skip: 2, ENSD: 31337, RNG: CPU, Emphasis: No norm, CFG rescale: 0.7, TI hashes: "EasyNegative: 454545454545, ab c: 676767676767", Refiner: xl_refiner [efefefefef], '
      + 'Refiner switch at: 0.8, Template: a {red|blue} house, Negative Template: "__bad__, x", Version: atelier 1.2.3, Module 1: clip_l, Module 2: clip_g');
    expect(text({ files: { model, vae: { name: 'taesd_decoder.safetensors', hash: null } } })).toContain('Model: mini, VAE: taesd_decoder.safetensors, RNG: CPU, VAE Decoder: TAESD, Version');
    expect(text({ files: { model, refiner: { name: 'unhashed', hash: null } }, refiner: { switchAt: 0 } })).toContain('Refiner: unhashed, Refiner switch at: 0, Version');
    expect(text({ emphasis: 'ignore' })).toContain('RNG: CPU, Emphasis: Ignore, Version');
    expect(text({ emphasis: 'none' })).toContain('RNG: CPU, Emphasis: None, Version');
    expect(text({ emphasis: 'comfy' }), 'which A1111 does not know').toBe(text({}));
    expect(text({ ensd: 0, emphasis: 'original', template: { prompt: '', negative: '' } }), 'as usual').toBe(text({}));
  });

  it('says what was repainted and made larger as A1111 does', () => {
    const mask = { kind: 'img2img', init: 'cd'.repeat(32), strength: 0.75, mask: '01'.repeat(32), rng: 'nv' } as const;
    expect(text({ ...mask, inpaint: Inpaint.parse({ invert: true, blur: 4, area: 'masked', fill: 'latent_noise', soft: {} }) })).toContain(
      'Denoising strength: 0.75, Mask mode: Inpaint not masked, Mask blur: 4, Inpaint area: Only masked, Masked area padding: 32, Masked content: latent noise, Soft inpainting enabled: True, '
      + 'Soft inpainting schedule bias: 1, Soft inpainting preservation strength: 0.5, Soft inpainting transition contrast boost: 4, Soft inpainting mask influence: 0, '
      + 'Soft inpainting difference threshold: 0.5, Soft inpainting difference contrast: 2, Version');
    expect(text({ ...mask, inpaint: Inpaint.parse({}) })).toBe(text(mask));
    expect(text({ rng: 'nv', hires: Hires.parse({ scale: 1.5, steps: 12, strength: 0.45, sampler: 'dpmpp_2m', schedule: 'karras', prompt: 'a, b', upscaler: 'latent_nearest_exact' }) })).toContain(
      'Denoising strength: 0.45, Hires sampler: DPM++ 2M, Hires schedule type: Karras, Hires prompt: "a, b", Hires upscale: 1.5, Hires steps: 12, Hires upscaler: Latent (nearest-exact), Version');
    expect(text({ rng: 'nv', hires: Hires.parse({ width: 96, height: 128 }), files: { model: { name: 'mini', hash: null }, upscaler: { name: '4x-UltraSharp', hash: null } } })).toContain(
      'Denoising strength: 0.7, Hires upscaler: 4x-UltraSharp, Hires resize: 96x128, Version');
  });

  it('is read back from any job, but for prompts that look like the rest of it', () => {
    const clean = (part: string) => part.trim() === part && !/[\r\n\0\u2028\u2029\ufeff]|negative prompt:/i.test(part) && Buffer.from(part).toString() === part;
    const jobs = anyJob.filter(({ prompt, negative, template, files }) => {
      const values = [...slotEntries(files).map(([, { name }]) => name), template?.prompt ?? '', template?.negative ?? ''];
      return [prompt, negative, ...values].every(clean) && values.every((value) => !value.startsWith('"'));
    });
    fc.assert(fc.property(jobs, (original) => {
      const { files: { model, vae, textEncoders, embeddings, refiner: second }, imageCfg, cfgRescale, variation, ensd, emphasis, refiner, edit, template } = original;
      const hashed = (embeddings ?? []).filter(({ hash }) => hash);
      const { prompt, negative, fields } = parseParameters(parametersText(original, { version: '1' }));
      expect({ prompt, negative }).toEqual({ prompt: original.prompt, negative: original.negative });
      expect(Object.fromEntries(fields)).toEqual({
        Steps: String(original.steps), Sampler: samplerLabels[original.sampler], 'Schedule type': scheduleLabels[original.schedule], 'CFG scale': String(original.cfg),
        Seed: String(original.seed), Size: `${original.width}x${original.height}`, Version: 'atelier 1',
        ...(model.hash && { 'Model hash': model.hash.slice(0, 10) }), ...(model.name && { Model: model.name }),
        ...(vae?.hash && { 'VAE hash': vae.hash.slice(0, 10) }), ...(vae?.name && { VAE: vae.name, ...(/taesd/i.test(vae.name) && { 'VAE Decoder': 'TAESD' }) }),
        ...(hashed.length > 0 && { 'TI hashes': hashed.map(({ name, hash }) => `${name.replace(/[:,]/g, '')}: ${hash!.slice(0, 12)}`).join(', ') }),
        ...Object.fromEntries((textEncoders ?? []).map(({ name }, i) => [`Module ${i + 1}`, name])),
        ...(original.strength !== undefined && { 'Denoising strength': String(original.strength) }), ...(original.clipSkip > 1 && { 'Clip skip': String(original.clipSkip) }),
        ...(original.rng !== 'nv' && { RNG: 'CPU' }),
        ...(imageCfg !== undefined && { 'Image CFG scale': String(imageCfg) }), ...(cfgRescale !== undefined && { 'CFG rescale': String(cfgRescale) }),
        ...(variation && { 'Variation seed': String(variation.seed), 'Variation seed strength': String(variation.strength) }),
        ...(ensd && { ENSD: String(ensd) }), ...(emphasis && emphasis !== 'original' && emphasis !== 'comfy' && { Emphasis: { no_norm: 'No norm', ignore: 'Ignore', none: 'None' }[emphasis] }),
        ...(refiner && { Refiner: title(second!), 'Refiner switch at': String(refiner.switchAt) }),
        ...(edit && { 'Prompt to prompt': JSON.stringify(edit) }),
        ...(template?.prompt && { Template: template.prompt }), ...(template?.negative && { 'Negative Template': template.negative }),
      });
    }), { numRuns: fuzzRuns(500) });
  });
});

describe("A1111's texts", () => {
  const read = (written: string) => {
    const { fields, ...prompts } = parseParameters(written);
    return { ...prompts, fields: Object.fromEntries(fields) };
  };

  it('are read: prompts of several lines, sizes, quoted values with escapes', () => {
    expect(read('a portrait, (smiling:1.2)\n  second line  \nNegative prompt: bad hands,\nugly\nSteps: 30, Sampler: DPM++ 2M, CFG scale: 5.5, Seed: 1, Size: 832x1216, '
      + 'Hires upscale: 2, Lora hashes: "add_detail: 7c6bad76eb54, b: \\"x\\"", Hires prompt: "one,\\ntwo", TI hashes: "easy: 1, ", Version: v1.9.4')).toEqual({
      prompt: 'a portrait, (smiling:1.2)\nsecond line', negative: 'bad hands,\nugly',
      fields: { Steps: '30', Sampler: 'DPM++ 2M', 'CFG scale': '5.5', Seed: '1', Size: '832x1216', 'Hires upscale': '2',
        'Lora hashes': 'add_detail: 7c6bad76eb54, b: "x"', 'Hires prompt': 'one,\ntwo', 'TI hashes': 'easy: 1, ', Version: 'v1.9.4' },
    });
  });

  it('may have no pairs: fewer than three belong to the prompt', () => {
    expect(read('a cat\nstyle: oil, mood: calm')).toEqual({ prompt: 'a cat\nstyle: oil, mood: calm', negative: '', fields: {} });
    expect(read('Steps: 20, Seed: 1, Size: 8x8')).toEqual({ prompt: '', negative: '', fields: { Steps: '20', Seed: '1', Size: '8x8' } });
    expect(read('')).toEqual({ prompt: '', negative: '', fields: {} });
  });

  it('keep words without a value, and the last of a key that comes twice', () => {
    expect(read('x\nSteps: 20, Tiling, Seed: 1, Size: 8x8, Steps: 30, Restore faces').fields).toEqual({ Steps: '30', Tiling: 'Tiling', Seed: '1', Size: '8x8', 'Restore faces': 'Restore faces' });
    expect(read('a cat, Steps: 20, Seed: 1, Size: 8x8'), 'pairs behind a prompt').toEqual({ prompt: 'a cat', negative: '', fields: { Steps: '20', Seed: '1', Size: '8x8' } });
    expect(read('Tiling, style: oil, mood: calm')).toEqual({ prompt: 'Tiling, style: oil, mood: calm', negative: '', fields: {} });
    expect(read(text({ files: { model: { name: 'Model', hash: null } } })).fields).toMatchObject({ Model: 'Model', RNG: 'CPU' });
  });

  it("have values in bare JSON, as Civitai writes them, commas and all", () => {
    const resources = '[{"type":"lora","weight":0.8,"modelVersionName":"a, [b]: \\"c"},{"x":{}}]';
    expect(read(`x\nSteps: 20, Seed: 1, Civitai resources: ${resources}, Civitai metadata: {}, Version: v1`).fields).toEqual({
      Steps: '20', Seed: '1', 'Civitai resources': resources, 'Civitai metadata': '{}', Version: 'v1',
    });
    expect(read('x\nSteps: 20, Seed: 1, Model: [open, Hires prompt: {a} b, Size: 8x8').fields).toEqual({ Steps: '20', Seed: '1', Model: '[open', 'Hires prompt': '{a} b', Size: '8x8' });
  });

  it('may have empty lines around their prompts', () => {
    expect(read('\n\n  \na cat\n\non a mat\nNegative prompt:\n\nblurry\nSteps: 20, Seed: 1, Size: 8x8')).toMatchObject({ prompt: 'a cat\n\non a mat', negative: 'blurry' });
  });

  it('may be broken: a quote without its end, a key of one letter, a key named like a prototype', () => {
    expect(read('x\nSteps: 20, Model: "half, Seed: 1, a: 2, Size: 1x').fields).toEqual({ Steps: '20', Model: '"half', Seed: '1', 'a: 2': 'a: 2', Size: '1x' });
    expect([...parseParameters('x\n__proto__: 1, Steps: 2, Seed: 3').fields]).toEqual([['__proto__', '1'], ['Steps', '2'], ['Seed', '3']]);
  });

  it('never throw', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('Steps', ':', ',', '"', '\\', ' ', '\n', 'x', '1x1', '[', '}')).map((parts) => parts.join(''))), (any) => { parseParameters(any); }), { numRuns: fuzzRuns(2000) });
  });
  it.each(['a', 'ab:', 'ab:"', 'ab: "\\', ' ', 'a b', '"'])('take linear time for any number of %j', (part) => expectLinear((n) => parseParameters(part.repeat(n / part.length)), 12_000));
});
