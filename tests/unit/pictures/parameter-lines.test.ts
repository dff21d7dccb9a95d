// Where the pairs of a `parameters` text begin, whatever stands around them: templates, line breaks in fields, pairs in prompts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readParameters } from '../../../main/services/pictures/read/a1111';
import { parseParameters } from '../../../main/services/pictures/parameters';
import type { PictureJob } from '../../../preload/contract/picture-report';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

const line = 'Steps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 77777, Size: 640x640, Model hash: d8691b4d16, Model: orchard';
const job = { prompt: 'a blue kite', negative: 'text', steps: 28, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 7.5, seed: 77777, width: 640, height: 640, model: { name: 'orchard', hash: 'd8691b4d16' } } satisfies Partial<PictureJob>;
const prompts = 'a blue kite\nNegative prompt: text';

describe('lines of Dynamic Prompts', () => {
  it.each<[string, string, Partial<PictureJob>]>([
    ['behind the pairs', `${prompts}\n${line}\nTemplate: a {blue|red} kite\nNegative Template: text`, { template: { prompt: 'a {blue|red} kite', negative: 'text' } }],
    ['the prompt\'s alone', `${prompts}\n${line}\nTemplate: a {blue|red} kite`, { template: { prompt: 'a {blue|red} kite', negative: '' } }],
    ['the negative one\'s alone', `${prompts}\n${line}\nNegative Template: {text|blur}`, { template: { prompt: '', negative: '{text|blur}' } }],
    ['the negative one first', `${prompts}\n${line}\nNegative Template: {text|blur}\nTemplate: a {blue|red} kite`, { template: { prompt: 'a {blue|red} kite', negative: '{text|blur}' } }],
    ['of several lines, one of them empty', `${prompts}\n${line}\nTemplate: a {blue|red} kite\n\nover a __place__\nNegative Template: {text\n|blur}`, { template: { prompt: 'a {blue|red} kite\n\nover a __place__', negative: '{text\n|blur}' } }],
    ['with pairs in them', `${prompts}\n${line}\nTemplate: a {blue|red} kite, style: oil, light: dawn, lens: 85mm`, { template: { prompt: 'a {blue|red} kite, style: oil, light: dawn, lens: 85mm', negative: '' } }],
    ['with a whole line of pairs in them', `${prompts}\n${line}\nTemplate: a {blue|red} kite\nSteps: 5, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 64x64`, { template: { prompt: 'a {blue|red} kite\nSteps: 5, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 64x64', negative: '' } }],
    ['before the pairs', `${prompts}\nTemplate: a {blue|red} kite\nof __kind__\nNegative Template: {text}\n${line}`, { template: { prompt: 'a {blue|red} kite\nof __kind__', negative: '{text}' } }],
    ['among the pairs', `${prompts}\n${line}, Template: "a {blue|red} kite, over", Negative Template: {text}`, { template: { prompt: 'a {blue|red} kite, over', negative: '{text}' } }],
    ['among the pairs, over two lines', `${prompts}\n${line}, Template: a {blue|red} kite\nover a __place__, Negative Template: {text}, Version: v1.6.0`, { template: { prompt: 'a {blue|red} kite\nover a __place__', negative: '{text}' }, extra: { Version: 'v1.6.0', 'Downcast alphas_cumprod': 'True' } }],
    ['with the line ends of Windows', `${prompts}\n${line}\nTemplate: a {blue|red} kite\nNegative Template: text`.replaceAll('\n', '\r\n'), { template: { prompt: 'a {blue|red} kite', negative: 'text' } }],
  ])('%s', (_, text, expected) => { expect(readParameters(text).job).toEqual({ ...job, clipSkip: 1, rng: 'nv', compat: 'a1111', loras: [], extra: {}, ...expected }); });

  it('need no negative prompt, and are words of a prompt where there are no pairs', () => {
    expect(readParameters(`a blue kite\n${line}\nTemplate: a {blue|red} kite`).job).toMatchObject({ ...job, negative: '' });
    expect(parseParameters('a kite\nTemplate: of bamboo\nNegative Template: of paper')).toEqual({ prompt: 'a kite\nTemplate: of bamboo\nNegative Template: of paper', negative: '', fields: new Map() });
  });
});

describe('a line break in a field', () => {
  it.each<[string, string, Record<string, string>]>([
    ['bare', `${prompts}\nSteps: 28, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 77777, Region notes: left half\nright half, Size: 640x640, Model hash: d8691b4d16, Model: orchard`, { 'Region notes': 'left half\nright half' }],
    ['bare, in the last of them', `${prompts}\n${line}, Region notes: left half\nright half\nmiddle`, { 'Region notes': 'left half\nright half\nmiddle' }],
    ['bare, soon behind the start', `${prompts}\nSteps: 28, Notes: one\ntwo\nthree, ${line.slice('Steps: 28, '.length)}`, { Notes: 'one\ntwo\nthree' }],
    ['in quotes', `${prompts}\n${line}, Wildcard prompt: "a __kind__, morning\nsoft light", Restore faces: True`, { 'Wildcard prompt': 'a __kind__, morning\nsoft light', 'Restore faces': 'True' }],
    ['in quotes, with a tab and quotes', `${prompts}\n${line}, Note: "one\ttwo\n\\"three\\": 4", Restore faces: True`, { Note: 'one\ttwo\n"three": 4', 'Restore faces': 'True' }],
    ['escaped, as since 1.6', `${prompts}\n${line}, Note: "one\\ntwo, three", Restore faces: True`, { Note: 'one\ntwo, three', 'Restore faces': 'True' }],
    ['in quotes around the text of another picture', `${prompts}\n${line}, Parent: "a red kite, far\nNegative prompt: fog\nSteps: 5, Sampler: Euler, Seed: 1, Size: 64x64", Restore faces: True`, { Parent: 'a red kite, far\nNegative prompt: fog\nSteps: 5, Sampler: Euler, Seed: 1, Size: 64x64', 'Restore faces': 'True' }],
    ['between pairs', `${prompts}\n${line.replaceAll(', ', '\n')}`, {}],
  ])('%s', (_, text, extra) => { expect(readParameters(text).job).toMatchObject({ ...job, extra }); });

  it('leaves the pairs of other pictures in the prompts that they stand in', () => {
    const other = 'Steps: 5, Sampler: Euler, CFG scale: 1, Seed: 1, Size: 64x64';
    expect(readParameters(`a kite\n${other}\nNegative prompt: fog\n${other}\n${line}`).job).toMatchObject({ ...job, prompt: `a kite\n${other}`, negative: `fog\n${other}` });
    expect(readParameters(`Steps: 3 of stone\nmoss\n${line}`).job).toMatchObject({ ...job, prompt: 'Steps: 3 of stone\nmoss', negative: '' });
    expect(parseParameters('Steps: 3\nmoss, trees')).toMatchObject({ prompt: 'Steps: 3\nmoss, trees', fields: new Map() });
  });

  it('may be bars, as SD.Next once showed pairs', () => { expect(readParameters(`prompt: ${prompts}\n${line.replaceAll(', ', ' | ')}`).job).toMatchObject({ ...job, extra: {} }); });
  it('is none where a site put all into one line', () => {
    expect(readParameters(`a blue kite. Negative prompt: text. ${line}`).job).toMatchObject(job);
    expect(readParameters(`a blue kite, ${line}`).job).toMatchObject({ ...job, negative: '' });
  });
});

describe('a text of prompts, templates and pairs in any order', () => {
  const words = fc.array(fc.stringMatching(/^[a-z{}|_]{1,8}$/), { minLength: 1, maxLength: 6 }).map((all) => all.join(' ')), lines = fc.array(words, { minLength: 1, maxLength: 3 }).map((all) => all.join('\n'));
  it('gives each its own', () => {
    fc.assert(fc.property(lines, fc.option(lines), fc.option(lines), fc.option(lines), fc.boolean(), fc.option(lines), (prompt, negative, template, negativeTemplate, before, note) => {
      const templates = [...(template === null ? [] : [`Template: ${template}`]), ...(negativeTemplate === null ? [] : [`Negative Template: ${negativeTemplate}`])], pairs = note === null ? line : `${line}, Note: ${note}, Tiling: True`;
      const text = [prompt, ...(negative === null ? [] : [`Negative prompt: ${negative}`]), ...(before ? [...templates, pairs] : [pairs, ...templates])].join('\n');
      const { job: found } = readParameters(text);
      expect(found).toMatchObject({ ...job, prompt, negative: negative ?? '' });
      expect(found.template).toEqual(templates.length === 0 ? undefined : { prompt: template ?? '', negative: negativeTemplate ?? '' });
      if (note !== null) expect(found.extra['Note']).toBe(note);
    }), { numRuns: fuzzRuns(1000) });
  });

  it.each(['\nTemplate: a', '\nNegative Template: a', '\nSteps: 5, Seed: 1', '\nNegative prompt: a', '\nab: "', '\nab', '. Steps: 1', 'Seed: 1, Size: 2, '])('is read in linear time with any number of %j', (part) =>
    expectLinear((n) => readParameters(`a\nSteps: 1, Seed: 2, Size: 8x8${part.repeat(n / part.length)}`), 25_000));
});

describe('the second pass', () => {
  const read = (fields: string) => readParameters(`a\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512, ${fields}`).job;
  it.each<[string, string, PictureJob['hires']]>([
    ['AUTOMATIC1111', 'Denoising strength: 0.4, Hires upscale: 1.5, Hires steps: 10, Hires upscaler: Latent, Hires prompt: "b, c", Hires negative prompt: d', { scale: 1.5, steps: 10, upscaler: 'Latent', prompt: 'b, c', negative: 'd', strength: 0.4 }],
    ['Forge', 'Denoising strength: 0.4, Hires Module 1: Use same choices, Hires CFG Scale: 5, Hires schedule type: Beta, Hires sampler: DPM++ 2M, Hires upscale: 2, Hires upscaler: ESRGAN', { scale: 2, upscaler: 'ESRGAN', cfg: 5, schedule: 'beta', sampler: 'dpmpp_2m', strength: 0.4 }],
    ['an extension', 'Hires CFG scale: 5, Hires upscale: 2, Hires upscaler: ESRGAN, Denoising strength: 0.4', { scale: 2, upscaler: 'ESRGAN', cfg: 5, strength: 0.4 }],
    ['SD.Next', 'App: SD.Next, Refine: True, HiRes mode: 1, Hires upscaler: ESRGAN 4x, Hires scale: 1.5, Hires size: 768x768, Hires force: True, Hires steps: 8, Hires strength: 0.3, Hires sampler: Euler, Hires CFG scale: 6', { scale: 1.5, width: 768, height: 768, upscaler: 'ESRGAN 4x', steps: 8, strength: 0.3, sampler: 'euler', cfg: 6 }],
    ['SD.Next, to a size', 'App: SD.Next, Hires upscaler: ESRGAN 4x, Hires fixed: 800x600', { width: 800, height: 600, upscaler: 'ESRGAN 4x' }],
    ['stable-diffusion.cpp', 'Hires upscale: Latent (nearest), Hires scale: 2.000000, Hires resize: 1024x1280, Hires steps: 10, Denoising strength: 0.450000, Version: stable-diffusion.cpp', { scale: 2, width: 1024, height: 1280, steps: 10, upscaler: 'Latent (nearest)', strength: 0.45 }],
    ['a program of diffusers', 'Hires upscaler: 4x.pth, Hires upscale: 1.5, Hires steps: 12, Hires denoising strength: 0.55', { scale: 1.5, steps: 12, upscaler: '4x.pth', strength: 0.55 }],
    ['other capitals', 'denoising strength: 0.4, HIRES UPSCALE: 1.5, hires_upscaler: Latent', { scale: 1.5, upscaler: 'Latent', strength: 0.4 }],
  ])('of %s', (_, fields, hires) => {
    const { hires: found, extra } = read(fields);
    expect(found).toEqual(hires);
    expect(Object.keys(extra).filter((key) => /^hires (?!module|force|mode)/i.test(key))).toEqual([]);
  });

  it('has its neighbours in any spelling, too', () => {
    expect(read('CFG Scale: 8.0, CLIP skip: -2, Variation seed: 5, Variation strength: 0.2, Refiner: xl, Refiner start: 0.8')).toMatchObject({ cfg: 8, clipSkip: 2, variation: { seed: 5, strength: 0.2 }, refiner: { model: { name: 'xl' }, switchAt: 0.8 } });
    expect(readParameters('a\nSteps: 20, Sampler: DPM++ 2M, Sampler sigma: karras, Seed: 1').job).toMatchObject({ sampler: 'dpmpp_2m', schedule: 'karras', extra: {} });
    expect(readParameters('a\nSteps: 20, Sampler: euler_ancestral_karras, Seed: 1')).toMatchObject({ source: 'comfyui', job: { sampler: 'euler_a', schedule: 'karras' } });
  });
});
