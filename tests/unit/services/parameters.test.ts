// AUTOMATIC1111's text: ours is what it writes, and what it writes is read as it reads it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parametersText, parseParameters } from '../../../main/services/pictures/parameters';
import { samplerLabels, scheduleLabels } from '../../../preload/contract/vocabulary';
import { anyJob, job } from '../../support/pictures';

const text = (patch: Parameters<typeof job>[0]) => parametersText(job(patch), { version: '1.2.3' });

describe('the parameters text', () => {
  it('has prompt, negative prompt and the pairs in the order of A1111', () => {
    expect(text({ prompt: 'a cat\non a mat', negative: 'blurry, bad', cfg: 7.5, width: 512, height: 768 })).toBe([
      'a cat\non a mat',
      'Negative prompt: blurry, bad',
      'Steps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7.5, Seed: 42, Size: 512x768, Model hash: ababababab, Model: mini, RNG: CPU, Version: atelier 1.2.3',
    ].join('\n'));
  });

  it('leaves out what is empty or as usual, and quotes what holds a comma or a colon', () => {
    expect(text({ negative: '', noise: 'gpu', model: { name: 'a, b: "c"', hash: null } })).toBe(
      'a red house on grass\nSteps: 20, Sampler: Euler, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 64x64, Model: "a, b: \\"c\\"", Version: atelier 1.2.3');
  });

  it('has the strength of img2img and a clip skip above 1', () => {
    expect(text({ kind: 'img2img', init: 'cd'.repeat(32), strength: 0.6, clipSkip: 2, sampler: 'dpmpp_2m_sde', schedule: 'sgm_uniform' }))
      .toContain('Sampler: DPM++ 2M SDE, Schedule type: SGM Uniform, CFG scale: 7, Seed: 42, Size: 64x64, Model hash: ababababab, Model: mini, Denoising strength: 0.6, Clip skip: 2, RNG: CPU, ');
  });

  it('is read back from any job, but for prompts that look like the rest of it', () => {
    const clean = (part: string) => part.trim() === part && !/[\r\n\0\u2028\u2029\ufeff]|negative prompt:/i.test(part) && Buffer.from(part).toString() === part;
    fc.assert(fc.property(anyJob.filter(({ prompt, negative, model }) => [prompt, negative, model.name].every(clean) && !/^"|^Model$/.test(model.name)), (original) => {
      const { prompt, negative, fields } = parseParameters(parametersText(original, { version: '1' }));
      expect({ prompt, negative }).toEqual({ prompt: original.prompt, negative: original.negative });
      expect(Object.fromEntries(fields)).toEqual({
        Steps: String(original.steps), Sampler: samplerLabels[original.sampler], 'Schedule type': scheduleLabels[original.schedule], 'CFG scale': String(original.cfg),
        Seed: String(original.seed), 'Size-1': String(original.width), 'Size-2': String(original.height), Version: 'atelier 1',
        ...(original.model.hash && { 'Model hash': original.model.hash.slice(0, 10) }), ...(original.model.name && { Model: original.model.name }),
        ...(original.strength !== undefined && { 'Denoising strength': String(original.strength) }), ...(original.clipSkip > 1 && { 'Clip skip': String(original.clipSkip) }),
        ...(original.noise !== 'gpu' && { RNG: 'CPU' }),
      });
    }), { numRuns: 500 });
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
      fields: { Steps: '30', Sampler: 'DPM++ 2M', 'CFG scale': '5.5', Seed: '1', 'Size-1': '832', 'Size-2': '1216', 'Hires upscale': '2',
        'Lora hashes': 'add_detail: 7c6bad76eb54, b: "x"', 'Hires prompt': 'one,\ntwo', 'TI hashes': 'easy: 1, ', Version: 'v1.9.4' },
    });
  });

  it('may have no pairs: fewer than three belong to the prompt', () => {
    expect(read('a cat\nstyle: oil, mood: calm')).toEqual({ prompt: 'a cat\nstyle: oil, mood: calm', negative: '', fields: {} });
    expect(read('Steps: 20, Seed: 1, Size: 8x8')).toEqual({ prompt: '', negative: '', fields: { Steps: '20', Seed: '1', 'Size-1': '8', 'Size-2': '8' } });
    expect(read('')).toEqual({ prompt: '', negative: '', fields: {} });
  });

  it('may be broken: a quote without its end, a key of one letter, a key named like a prototype', () => {
    expect(read('x\nSteps: 20, Model: "half, Seed: 1, a: 2, Size: 1x').fields).toEqual({ Steps: '20', Model: '"half', Seed: '1', Size: '1x' });
    expect([...parseParameters('x\n__proto__: 1, Steps: 2, Seed: 3').fields]).toEqual([['__proto__', '1'], ['Steps', '2'], ['Seed', '3']]);
  });

  it('never throw, and a line of 100,000 characters takes no time', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('Steps', ':', ',', '"', '\\', ' ', '\n', 'x', '1x1')).map((parts) => parts.join(''))), (any) => { parseParameters(any); }), { numRuns: 2000 });
    for (const part of ['a', 'ab:', 'ab:"', 'ab: "\\', ' ', 'a b', '"']) {
      const started = performance.now();
      parseParameters(part.repeat(100_000 / part.length));
      expect(performance.now() - started, part).toBeLessThan(2000);
    }
  });
});
