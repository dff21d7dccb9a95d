// Jobs that earlier versions wrote, and a later one: brought to the present form, or refused by their number.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapSlots, slotEntries, slotsFrom } from '../../../preload/contract/file-slots';
import { invalidRequest } from '../../../preload/contract/invalid';
import { JobRequest, JobSpec } from '../../../preload/contract/job';
import { upgradeJob } from '../../../preload/contract/job-versions';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { planSampling } from '../../../main/engine/sampling/plan';
import { anyJob } from '../../support/pictures';

const first = {
  version: 1, kind: 'txt2img', model: { name: 'mini', hash: 'ab'.repeat(32) }, prompt: 'a cat', negative: 'fog', seed: 1, steps: 8, sampler: 'euler_a', schedule: 'karras', cfg: 7,
  width: 64, height: 64, clipSkip: 1, noise: 'cpu',
};

describe('a job of version 1', () => {
  it.each([['cpu', 'cpu', 'a1111'], ['gpu', 'nv', 'a1111'], ['comfy', 'cpu_nv', 'comfy']])('with noise %s has rng %s and compat %s', (noise, rng, compat) => {
    const { noise: _, model, ...rest } = first;
    expect(JobSpec.parse({ ...first, noise })).toEqual({ ...rest, version: 4, files: { model }, rng, compat });
  });

  it('of ComfyUI keeps its first noise, the noise of its steps, and its levels', () => {
    const { rng, compat, seed, steps } = JobSpec.parse({ ...first, noise: 'comfy' }), dims = [1, 4, 8, 8];
    const { initial, next } = latentNoise(rng, seed, dims);
    expect(initial.data).toEqual(latentNoise('cpu', seed, dims).initial.data);
    expect(next(1, 0.5).data).toEqual(latentNoise('nv', seed, dims).initial.data);
    expect(planSampling({ sampler: 'unipc', schedule: 'normal', steps, compat }, stableDiffusionTable, 'sd1')).not.toEqual(planSampling({ sampler: 'unipc', schedule: 'normal', steps, compat: 'a1111' }, stableDiffusionTable, 'sd1'));
  });

  it('has its files in slots', () => {
    const file = (name: string) => ({ name, hash: null });
    const all = { ...first, vae: file('v'), textEncoders: [file('t'), file('u')], refiner: { model: file('r'), switchAt: 0.6 }, embeddings: [file('e')] }, job = JobSpec.parse(all);
    expect(job.files).toEqual({ model: first.model, vae: file('v'), textEncoders: [file('t'), file('u')], refiner: file('r'), embeddings: [file('e')] });
    expect(job.refiner).toEqual({ switchAt: 0.6 });
    for (const gone of ['model', 'vae', 'textEncoders', 'embeddings']) expect(job).not.toHaveProperty(gone);
    expect(JobSpec.safeParse({ ...all, refiner: { switchAt: 0.6 } }).error?.issues, 'half of a refiner').toMatchObject([{ path: ['refiner'] }]);
    expect(JobSpec.safeParse({ ...all, refiner: 'r' }).success).toBe(false);
  });

  it('that left out what had a default, its version too', () => {
    const { version: _version, noise: _noise, ...bare } = first;
    expect(JobSpec.parse(bare)).toMatchObject({ version: 4, rng: 'cpu', compat: 'a1111' });
  });

  it('with a noise of nobody is refused', () => {
    expect(JobSpec.safeParse({ ...first, noise: 'mine' }).error?.issues).toMatchObject([{ path: ['rng'] }]);
  });
});

describe('a job of version 2', () => {
  const { model, noise: _, ...rest } = first, second = { ...rest, version: 2, rng: 'cpu', compat: 'a1111', files: { model } };
  it.each([
    ['a sign \\#1, a cat', 'a sign #1, a cat'], ['a\\<lora:x:1> b', 'a<lora:x:1> b'], ['a \\AND b \\BREAK c', 'a AND b BREAK c'], ['(a\\:1.2)', '(a:1.2)'],
    ['\\(a\\) \\[b\\] \\\\# c', '\\(a\\) \\[b\\] \\\\# c'], ['\\ANDROID <b> a\\b [c\\:d:0.5]', '\\ANDROID <b> a\\b [c\\:d:0.5]'],
  ])('has the same words behind a backslash that it had: %j', (written, now) => {
    expect(JobSpec.parse({ ...second, prompt: written, negative: written })).toMatchObject({ version: 4, prompt: now, negative: now });
    expect(JobSpec.parse({ ...second, prompt: written, emphasis: 'comfy' }).prompt, 'in a language that had none').toBe(written);
    expect(JobSpec.parse({ ...second, version: 3, prompt: written }).prompt, 'of this version').toBe(written);
  });
});

it('a job of a newer version is refused by its number, and stays as it is', () => {
  const newer = Object.freeze({ ...first, version: 5, beyond: { us: true } });
  expect(upgradeJob(newer)).toBe(newer);
  expect(invalidRequest(JobSpec.safeParse(newer).error!)).toEqual({ code: 'request.invalid', data: { field: 'version', why: 'version', known: 4 } });
});

it('a job of this version stays as it is, and so does what is no job', () => {
  fc.assert(fc.property(anyJob, (job) => { expect(JobSpec.parse(JSON.parse(JSON.stringify(job)))).toEqual(job); }));
  fc.assert(fc.property(fc.anything(), (thing) => { JobSpec.safeParse(thing); }));
});

it('a file in a slot that is not there is refused by the name of the slot, and so is a job without a model', () => {
  const { model, noise: _, ...job } = { ...first, version: 4 };
  expect(JobSpec.safeParse({ ...job, files: { model, lora: model } }).error?.issues).toMatchObject([{ path: ['files'], message: expect.stringContaining('lora') }]);
  expect(JobSpec.safeParse({ ...job, files: {} }).error?.issues).toMatchObject([{ path: ['files', 'model'] }]);
  expect(JobSpec.safeParse({ ...job, files: { model, textEncoders: [model, model, model] } }).error?.issues).toMatchObject([{ path: ['files', 'textEncoders'] }]);
});

it('slots keep their files, in the order of lists', () => {
  fc.assert(fc.property(anyJob, ({ files }) => {
    expect(slotsFrom(slotEntries(files))).toEqual(files);
    expect(mapSlots(mapSlots(files, (file, slot) => ({ file, slot })), ({ file }) => file)).toEqual(files);
  }));
});

it('a request of an earlier client', () => {
  const { kind: _kind, version: _version, ...request } = { ...first, model: 'm' };
  expect(JobRequest.parse({ ...request, noise: 'comfy' })).toMatchObject({ rng: 'cpu_nv', compat: 'comfy' });
  expect(JobRequest.parse({ ...request, vae: null, textEncoders: ['t'], refiner: { model: 'r' } })).toMatchObject({ files: { model: 'm', vae: null, textEncoders: ['t'], refiner: 'r' }, refiner: { switchAt: 0.8 } });
  expect(JobRequest.parse({ ...request, vae: undefined }).files).toEqual({ model: 'm' });
  expect(JobRequest.parse({ ...request, noise: 'gpu' })).toMatchObject({ rng: 'nv', compat: 'a1111' });
});
