// A picture of any program, as what we would ask for: models that are here by their ids, values in range, words in our language.
import { expect, test } from 'vitest';
import { readingOf } from '../../../main/services/pictures/request';
import type { PictureJob, PictureReport } from '../../../preload/contract/picture-report';
import { usualSettings, type ModelEntry } from '../../../preload/contract/model';
import { job as ownJob } from '../../support/pictures';

const entry = (name: string, patch: Partial<ModelEntry> = {}): ModelEntry => ({
  id: `id-${name}`, kind: 'checkpoint', name, path: `/models/${name}.safetensors`, sizeBytes: 1, hash: null, family: 'sd1', variant: 'base', prediction: 'eps', predictionDoubtful: false, runnable: true,
  lacks: [], besideVae: null, parts: { vae: null, textEncoders: [] }, error: null, nativeSize: { width: 512, height: 512 }, examples: [], defaults: usualSettings, builtIn: false, ...patch,
});
const hashes = (digit: string) => ({ sha256: digit.repeat(64), autov1: `${digit}1`.repeat(4), autov2: digit.repeat(10), autov3: `${digit}3`.repeat(6) });
const files = [
  { entry: entry('dream'), hashes: hashes('a') }, { entry: entry('xl-refiner', { family: 'sdxl-refiner' }), hashes: null }, { entry: entry('Nice Name', { path: '/models/other.safetensors' }), hashes: null },
  { entry: entry('fine', { kind: 'vae', runnable: false }), hashes: hashes('b') }, { entry: entry('clip_l', { kind: 'text-encoder', runnable: false }), hashes: hashes('c') },
];
const read = (job: Partial<PictureJob>, source: PictureReport['source'] = 'a1111') =>
  readingOf({ kind: 'picture', source, job: { prompt: 'x', negative: '', loras: [], extra: {}, ...job } as PictureJob, missing: [] }, files);

test.each([
  ['AutoV2', { name: 'renamed', hash: 'a'.repeat(10) }], ['AutoV1', { name: '', hash: 'a1a1a1a1' }], ['its name, where it has no hash', { name: 'DREAM', hash: null }],
])('finds the model by %s', (_, model) => { expect(read({ model }).request).toMatchObject({ files: { model: 'id-dream' } }); });

test('takes a model of the right name and the wrong hash, and says so', () => {
  const model = { name: 'dream', hash: 'd'.repeat(10) }, job = { prompt: 'x', negative: '', loras: [], extra: {}, model } as PictureJob;
  const missing = [{ kind: 'checkpoint', ...model }, { kind: 'lora', name: 'style', hash: null }] as PictureReport['missing'];
  expect(readingOf({ kind: 'picture', source: 'a1111', job, missing }, files)).toMatchObject({ request: { files: { model: 'id-dream' } }, otherVersions: ['dream'] });
});

test('finds the built-in model by its own name, and no other model by a wrong hash', () => {
  expect(read({ model: { name: 'nice name', hash: null } }).request!.files?.model).toBe('id-Nice Name');
  expect(read({ model: { name: 'nobody', hash: 'd'.repeat(10) } }).request!.files).not.toHaveProperty('model');
});

test('takes over what a request can have, sides to multiples of 8, and names what it leaves out', () => {
  const { request, leftOut } = read({
    steps: 20, sampler: 'euler_a', schedule: 'karras', cfg: 7, seed: 42, width: 1023, height: 769, clipSkip: 2, rng: 'nv', compat: 'a1111', vae: 'fine.safetensors',
    refiner: { model: { name: 'xl-refiner', hash: null }, switchAt: 0.8 }, loras: [{ name: 'style', weight: 0.8 }], hires: { scale: 2 }, strength: 0.5, extra: { Tiling: 'True' },
  });
  expect(request).toEqual({
    prompt: 'x', negative: '', steps: 20, sampler: 'euler_a', schedule: 'karras', cfg: 7, seed: 42, width: 1024, height: 768, clipSkip: 2, rng: 'nv', compat: 'a1111',
    files: { vae: 'id-fine', refiner: 'id-xl-refiner' }, refiner: { switchAt: 0.8 },
  });
  expect(leftOut).toEqual(['loras', 'hires']);
  expect(read({ steps: 999, seed: '98765432109876543210', cfg: 7 })).toMatchObject({ request: { cfg: 7 }, leftOut: ['seed', 'steps'] });
  expect(read({ steps: 999 }).request).not.toHaveProperty('steps');
});

test('has the words of other programs in ours', () => {
  expect(read({ prompt: '{{red}} house', negative: '[bad]' }, 'novelai').request).toMatchObject({ prompt: '(red:1.103) house', negative: '(bad:0.952)' });
  expect(read({ prompt: '{{red}} house' }).request!.prompt).toBe('{{red}} house');
  expect(read({ prompt: '[a] embedding:b', emphasis: 'comfy' }, 'comfyui').request, 'which a job may have as well').toMatchObject({ prompt: '[a] embedding:b', emphasis: 'comfy' });
  expect(read({ prompt: '[a] embedding:b BREAK c' }, 'comfyui').request!.prompt).toBe('\\[a\\] b BREAK c');
});

test("our own jobs keep their pictures and parts; without a VAE it was the model's own", () => {
  const { files: { model }, refiner: _, ...rest } = ownJob({ files: { model: { name: 'dream', hash: null } }, kind: 'img2img', init: 'e'.repeat(64), strength: 0.4 }), plain = { ...rest, model };
  expect(read({ ...plain }, 'atelier').request).toMatchObject({ files: { model: 'id-dream', vae: null, textEncoders: [] }, init: 'e'.repeat(64), strength: 0.4 });
  const text = { name: 'gone', hash: 'c'.repeat(64) };
  expect(read({ ...plain, vae: 'renamed.safetensors', vaeHash: 'b'.repeat(64), textEncoders: [text] }, 'atelier').request).toMatchObject({ files: { vae: 'id-fine', textEncoders: ['id-clip_l'] } });
});

test('a picture that says nothing asks for nothing', () => {
  expect(readingOf({ kind: 'picture', source: 'none', job: null, missing: [] }, files)).toMatchObject({ request: null, leftOut: [] });
});
