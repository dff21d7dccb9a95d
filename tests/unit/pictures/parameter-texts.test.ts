// Sixty texts, each read into exactly the job that it means; and nothing in any text is ever lost.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parameterTexts } from './parameter-texts';
import { readParameters } from '../../../main/services/pictures/read/a1111';
import { parametersText, parseParameters } from '../../../main/services/pictures/parameters';
import { JobSpec } from '../../../preload/contract/job';
import { job } from '../../support/pictures';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

describe('a parameters text', () => {
  it('comes in sixty forms', () => { expect(parameterTexts.length).toBeGreaterThanOrEqual(60); });

  it.each(parameterTexts)('is read: $name', ({ text, job, source = 'a1111', needs }) => {
    const found = readParameters(text);
    expect(found.job).toEqual({ negative: '', clipSkip: 1, rng: 'nv', compat: 'a1111', loras: [], extra: {}, ...job });
    expect(found.source).toBe(source);
    if (needs) expect(found.resources.map(({ kind, name, hash }) => `${kind} ${name} ${hash}`)).toEqual(needs);
  });

  it.each(['unknown', 'Unknown', 'undefined', 'null'])('has no model that is called %s', (name) => {
    expect(readParameters(`a house\nSteps: 20, Seed: 1, Model: ${name}`)).toMatchObject({ job: { prompt: 'a house' }, resources: [] });
    expect(readParameters(`a house\nSteps: 20, Seed: 1, Model: ${name}`).job).not.toHaveProperty('model');
  });

  it("is written in A1111's order with all that our job has, and read back", () => {
    const all = JobSpec.parse({
      ...job(), kind: 'img2img', init: 'cd'.repeat(32), strength: 0.6, negative: 'fog', imageCfg: 1.5, clipSkip: 2, cfgRescale: 0.7, variation: { seed: 5, strength: 0.25 }, ensd: 31337, emphasis: 'no_norm',
      files: { ...job().files, refiner: { name: 'xl_refiner', hash: 'ef'.repeat(32) } }, refiner: { switchAt: 0.8 }, template: { prompt: 'a {red|blue} house', negative: 'fog: __kind__' },
    });
    const text = parametersText(all, { version: '1.2.3' });
    expect(text.split('\n')[2]).toBe('Steps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7, Image CFG scale: 1.5, Seed: 42, Size: 64x64, Model hash: ababababab, Model: mini, Variation seed: 5, '
      + 'Variation seed strength: 0.25, Denoising strength: 0.6, Clip skip: 2, ENSD: 31337, RNG: CPU, Emphasis: No norm, CFG rescale: 0.7, Refiner: xl_refiner [efefefefef], Refiner switch at: 0.8, '
      + 'Template: a {red|blue} house, Negative Template: "fog: __kind__", Version: atelier 1.2.3');
    const { version, kind, init, files, ...said } = all;
    expect(readParameters(text).job).toEqual({ ...said, model: { name: 'mini', hash: 'ababababab' }, refiner: { model: { name: 'xl_refiner', hash: 'efefefefef' }, switchAt: 0.8 }, loras: [], extra: { Version: 'atelier 1.2.3' } });
  });

  const keys = ['Steps', 'Sampler', 'Schedule type', 'CFG scale', 'Image CFG scale', 'Seed', 'Size', 'Model hash', 'Model', 'VAE hash', 'VAE', 'Variation seed', 'Denoising strength', 'Clip skip',
    'ENSD', 'RNG', 'Tiling', 'Hires upscale', 'Hires resize', 'Hires steps', 'Hires upscaler', 'Hires sampler', 'Hires schedule type', 'Hires checkpoint', 'Hires prompt', 'Refiner', 'Refiner switch at',
    'Hypernet', 'Hypernet strength', 'First pass size', 'Version', 'TI hashes', 'Lora hashes', 'Hashes', 'Civitai resources', 'ControlNet 0', 'Module 1', 'Raw prompt', '__proto__', 'constructor'];
  const value = fc.oneof(fc.constantFrom('20', '7.5', '0', '-1', 'Euler a', 'DPM++ 2M Karras', 'Karras', 'Automatic', '512x768', '0x0', 'None', 'CPU', 'NV', 'v1.5.0', 'name [0123456789]', 'Use same sampler',
    '{"a": 1}', '[1, 2]', '[1, 2', '0123456789', '18446744073709551615', '1e400'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }));
  const written = (text: string) => (/[,:\n]/.test(text) ? JSON.stringify(text) : text);

  /** A key is the same in any spelling. */
  const spelled = (name: string) => name.toLowerCase().replace(/[ _-]/g, '');

  it('loses nothing: whatever a key has as value is in the job, or kept', () => {
    const key = fc.oneof(fc.constantFrom(...keys), fc.stringMatching(/^[A-Za-z][A-Za-z0-9 ]{2,20}[a-z]$/));
    fc.assert(fc.property(fc.uniqueArray(fc.tuple(key, value), { minLength: 3, maxLength: 12, selector: ([name]) => name }), (pairs) => {
      const text = `a cat\n${pairs.map(([name, content]) => `${name}: ${written(content)}`).join(', ')}`;
      const { fields } = parseParameters(text), { job } = readParameters(text);
      const said = JSON.stringify(job).toLowerCase();
      for (const [name, content] of fields) {
        if (Object.hasOwn(job.extra, name)) continue;
        expect(keys.map(spelled), `${name} is neither known nor kept`).toContain(spelled(name));
        expect(said.includes(String(Number(content))) || content.toLowerCase().split(/[\s[\]x"\\]+/).every((word) => said.includes(word.replace(/\.(?:bin|pt)$/, '').replace(/^.*[\\/]/, '')))
          || /^(?:sampler|scheduletype|rng|hiressampler|hiresscheduletype|firstpasssize)$/.test(spelled(name)), `${name}: ${content}`).toBe(true);
      }
    }), { numRuns: fuzzRuns(3000) });
  });

  it('is never too much: any text is read', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.oneof(fc.constantFrom(...keys, ': ', ', ', '\n', '"', '\\', '[', '{', '<lora:', '>'), value)).map((parts) => parts.join(''))), (text) => {
      expect(typeof readParameters(text).job.prompt).toBe('string');
    }), { numRuns: fuzzRuns(2000) });
  });
  it.each(['a', 'ab:', 'ab: [', 'ab: {"', 'ab:"', 'ab: "\\', '<lora:', '<lora:a:', '[', ', ', 'Lora hashes: "a: 0123456789, ', '\n', '"', 'Civitai resources: [{'])('is read in linear time with any number of %j', (part) =>
    expectLinear((n) => readParameters(`Steps: 1, Seed: 2, Size: 8x8, ${part.repeat(n / part.length)}`), 25_000));
});
