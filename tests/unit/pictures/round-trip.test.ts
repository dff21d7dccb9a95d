// What the studio writes is read the same by itself, by A1111's rules and by Civitai's, which are restated here from what they do.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readParameters } from '../../../main/services/pictures/read/a1111';
import { parametersText } from '../../../main/services/pictures/parameters';
import { samplerLabels, scheduleLabels } from '../../../preload/contract/vocabulary';
import { fuzzRuns } from '../../support/fuzz';
import { anyJob } from '../../support/pictures';

interface Told { readonly prompt: string; readonly negative: string; readonly fields: Record<string, unknown> }

/** A1111's infotext_utils: the last line has the pairs if there are three; a quoted value is JSON; a size is two fields. */
function asA1111(text: string): Told {
  const pair = /\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/gu, lines = text.trim().split('\n'), last = lines.at(-1)!, pairs = [...last.matchAll(pair)];
  const parts: { prompt: string[]; negative: string[] } = { prompt: [], negative: [] };
  let part: keyof typeof parts = 'prompt';
  for (const line of (pairs.length < 3 ? lines : lines.slice(0, -1)).map((each) => each.trim())) {
    if (line.startsWith('Negative prompt:')) part = 'negative';
    parts[part].push(line.startsWith('Negative prompt:') ? line.slice('Negative prompt:'.length).trim() : line);
  }
  const fields = Object.fromEntries((pairs.length < 3 ? [] : pairs).flatMap(([, key, value]): [string, string][] => {
    const plain = value!.startsWith('"') && value!.endsWith('"') ? String(JSON.parse(value!)) : value!, size = /^(\d+)x(\d+)$/.exec(plain);
    return size ? [[`${key}-1`, size[1]!], [`${key}-2`, size[2]!]] : [[key!, plain]];
  }));
  return { prompt: parts.prompt.join('\n'), negative: parts.negative.join('\n'), fields };
}

/** Civitai's upload: the first line that begins with `Steps: ` has the pairs, letter by letter; what stands in quotes is pairs again. */
function asCivitai(text: string): Told {
  const lines = text.split('\n').filter((line) => line.trim() !== ''), at = lines.findIndex((line) => line.startsWith('Steps: '));
  const [prompt = '', ...negative] = lines.filter((_, i) => i !== at).join('\n').split('Negative prompt:').map((each) => each.trim());
  const pairs = (line: string): Record<string, unknown> => {
    const found: Record<string, unknown> = {};
    let key = '', value = '', isQuoted = false;
    for (const letter of line) {
      if (letter === '"') {
        if (isQuoted) { found[key] = pairs(value.trim()); key = ''; }
        isQuoted = !isQuoted;
      } else if (letter === ':' && !isQuoted) { key = value.trim(); value = ''; } else if (letter === ',' && !isQuoted) {
        if (key) found[key] = value.trim();
        key = value = '';
      } else value += letter;
    }
    return key ? { ...found, [key]: value.trim() } : found;
  };
  return { prompt, negative: negative.join(' ').trim(), fields: pairs(lines[at] ?? '') };
}

/** No program can tell these from its own marks, and A1111 no name from a size. */
const canBeTold = (text: string): boolean => text === text.split('\n').map((line) => line.trim()).join('\n').trim() && !/[\r\0\u2028\u2029\ufeff\v\f\x1c-\x1e\x85]|^\s*(?:Negative prompt|Steps|(?:Negative )?Template):/im.test(text) && Buffer.from(text).toString() === text;
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,20}[A-Za-z0-9]$/).filter((text) => !/^(?:model|refiner|vae|none|automatic|\d+x\d+)$|\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)$/i.test(text));
const jobs = fc.tuple(anyJob, fc.array(name, { minLength: 4, maxLength: 4 })).map(([job, names]) => ({
  ...job, files: { ...job.files, model: { ...job.files.model, name: names[0]! }, ...(job.files.refiner && { refiner: { ...job.files.refiner, name: names[1]! } }), ...(job.files.vae && { vae: { ...job.files.vae, name: names[2]! } }) },
})).filter(({ prompt, negative, template }) => [prompt, negative].every(canBeTold) && [template?.prompt ?? '', template?.negative ?? ''].every((text) => Buffer.from(text).toString() === text && !/[\0\r]/.test(text)) && !/<[a-z]+:/i.test(prompt));

describe('a text of ours', () => {
  it('is read the same by itself', () => {
    fc.assert(fc.property(jobs, (job) => {
      const { source, job: found } = readParameters(parametersText(job, { version: '1.0.0' }));
      const { prompt, negative, seed, steps, sampler, schedule, cfg, width, height, clipSkip, strength, imageCfg, cfgRescale, variation, refiner, template, files: { model, vae, refiner: second } } = job;
      const told = { prompt, negative, seed, steps, sampler, schedule, cfg, width, height, clipSkip, strength, imageCfg, cfgRescale, variation };
      expect(source).toBe('atelier');
      expect(found).toMatchObject(JSON.parse(JSON.stringify(told)) as object);
      expect(found.model).toMatchObject({ name: model.name, hash: model.hash?.slice(0, 10) ?? null });
      expect(found.vae).toBe(vae?.name);
      if (second) expect(found.refiner).toMatchObject({ model: { name: second.name, hash: second.hash?.slice(0, 10) ?? null }, switchAt: refiner!.switchAt });
      expect(found.template).toEqual(template && (template.prompt || template.negative) ? template : undefined);
    }), { numRuns: fuzzRuns(500) });
  });

  it("is read the same by A1111's rules", () => {
    fc.assert(fc.property(jobs, (job) => {
      const text = parametersText(job, { version: '1.0.0' }), { prompt, negative, fields } = asA1111(text), { files: { model, vae, refiner } } = job;
      expect([prompt, negative]).toEqual([job.prompt, job.negative]);
      expect(fields).toMatchObject({ Steps: String(job.steps), Sampler: samplerLabels[job.sampler], 'Schedule type': scheduleLabels[job.schedule], 'CFG scale': String(job.cfg), Seed: String(job.seed), 'Size-1': String(job.width), 'Size-2': String(job.height), Model: model.name, Version: 'atelier 1.0.0' });
      expect([fields['Model hash'], fields['VAE'], fields['Clip skip'], fields['Denoising strength']]).toEqual([model.hash?.slice(0, 10), vae?.name, job.clipSkip > 1 ? String(job.clipSkip) : undefined, job.strength === undefined ? undefined : String(job.strength)]);
      if (refiner) expect(fields).toMatchObject({ Refiner: refiner.hash ? `${refiner.name} [${refiner.hash.slice(0, 10)}]` : refiner.name, 'Refiner switch at': String(job.refiner!.switchAt) });
      const of = (text = ''): string | undefined => (text === '' || text === 'Template' || text === 'Negative Template' ? undefined : text);
      if (!/^(?:Negative )?Template$/.test(job.template?.prompt ?? '')) expect([fields['Template'], fields['Negative Template']]).toEqual([of(job.template?.prompt), of(job.template?.negative)]);
    }), { numRuns: fuzzRuns(500) });
  });

  it("is read the same by Civitai's", () => {
    fc.assert(fc.property(jobs.map(({ template, edit, refiner, files: { model, vae }, ...job }) => ({ ...job, files: { model, ...(vae && { vae }) } })), (job) => {
      const { prompt, negative, fields } = asCivitai(parametersText(job, { version: '1.0.0' })), { files: { model, vae } } = job;
      const lines = (text: string) => text.split('\n').filter((line) => line.trim() !== '').join('\n').trim();
      if (!job.prompt.includes('Negative prompt:')) expect([prompt, negative]).toEqual([lines(job.prompt), lines(job.negative).replaceAll('Negative prompt:', ' ').trim()]);
      expect(fields).toMatchObject({ Steps: String(job.steps), Sampler: samplerLabels[job.sampler], 'CFG scale': String(job.cfg), Seed: String(job.seed), Size: `${job.width}x${job.height}`, Model: model.name, ...(model.hash && { 'Model hash': model.hash.slice(0, 10) }), ...(vae && { VAE: vae.name }) });
    }), { numRuns: fuzzRuns(500) });
  });

  it('has values that could be taken for more than letters in quotes', () => {
    const job = fc.sample(jobs, 1)[0]!;
    for (const prompt of ['"quoted"', '{a|b} x', '{red', '[a', ' space ', '"', '"a", "b"', 'a\nb', '{"a": 1}']) {
      const text = parametersText({ ...job, template: { prompt, negative: 'x}' } }, { version: '1' });
      expect(readParameters(text).job.template).toEqual({ prompt, negative: 'x}' });
      expect(asA1111(text).fields).toMatchObject({ Template: prompt, 'Negative Template': 'x}' });
    }
  });
});
