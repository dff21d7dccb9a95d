// A picture of any program, as what we would ask for: models that are here by their ids, values in range, words in our language.
import { describe, expect, test } from 'vitest';
import { parseAttention } from '../../../main/engine/text/attention';
import { parseChoices } from '../../../main/engine/text/choices';
import { parsePrompt } from '../../../main/engine/text/prompt';
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
  { entry: entry('fine', { kind: 'vae', runnable: false }), hashes: hashes('b') }, { entry: entry('4x-Here', { kind: 'upscaler', runnable: false }), hashes: null }, { entry: entry('clip_l', { kind: 'text-encoder', runnable: false }), hashes: hashes('c') },
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

describe('of several files that fit', () => {
  const file = (path: string, known: Partial<Record<'sha256' | 'autov1', string>> | null) => ({
    entry: entry(path.replace(/^.*\/|\.\w+$/g, ''), { id: path, path: `/models/${path}` }),
    hashes: known && { sha256: (known.sha256 ?? path.length.toString(16)).padEnd(64, '0'), autov1: known.autov1 ?? 'ffffffff', autov2: '', autov3: '333333333333' },
  });
  const readFrom = (here: readonly ReturnType<typeof file>[], model: PictureJob['model']) =>
    readingOf({ kind: 'picture', source: 'a1111', job: { prompt: 'x', negative: '', loras: [], extra: {}, model } as unknown as PictureJob, missing: [] }, here);
  const short = 'de2f2560', mixes = [file('mini.safetensors', { autov1: short }), file('alpha-mix.safetensors', { autov1: short }), file('beta-mix.safetensors', { autov1: short, sha256: 'b' })];

  test.each([
    ['a short hash counts beside the name', mixes, { name: 'beta-mix', hash: short }, 'beta-mix.safetensors'],
    ['the name counts while its hash is not known, whatever else has the short hash', [mixes[0]!, file('beta-mix.safetensors', null)], { name: 'beta-mix', hash: short }, 'beta-mix.safetensors'],
    ['a short hash alone finds a renamed file', [file('other.ckpt', null), file('renamed.ckpt', { autov1: short })], { name: 'beta-mix', hash: short }, 'renamed.ckpt'],
    ['the same contents count more than the name', [file('dream.safetensors', { sha256: '1' }), file('renamed.safetensors', { sha256: 'abcdef0123' })], { name: 'dream', hash: 'abcdef0123' }, 'renamed.safetensors'],
    ['contents that are known to differ count less than those that are not known', [file('a/dream.ckpt', { sha256: '1' }), file('b/dream.ckpt', null)], { name: 'dream', hash: 'abcdef0123' }, 'b/dream.ckpt'],
    ['the folder decides', [file('a/meadow.safetensors', null), file('b/meadow.safetensors', null)], { name: 'meadow', hash: null, folder: 'b' }, 'b/meadow.safetensors'],
    ['as much of the folder as is here', [file('a/meadow.safetensors', null), file('b/meadow.safetensors', null)], { name: 'meadow', hash: null, folder: 'D:/sd/b' }, 'b/meadow.safetensors'],
    ['the folder within a name without ending', [file('a/meadow.safetensors', null), file('b/meadow.safetensors', null)], { name: 'b/meadow', hash: null }, 'b/meadow.safetensors'],
    ['the folder as A1111 glues it to the name', [file('a/meadow.safetensors', null), file('b/meadow.safetensors', null)], { name: 'b_meadow', hash: null }, 'b/meadow.safetensors'],
    ['a file that has that name is nearer than a folder glued to it', [file('b/meadow.safetensors', null), file('b_meadow.safetensors', null)], { name: 'b_meadow', hash: null }, 'b_meadow.safetensors'],
  ])('%s', (_, here, model, path) => {
    expect(readFrom(here, model)).toMatchObject({ request: { files: { model: path } }, severalFit: [] });
  });

  test('says which was taken where nothing decides, and nothing of copies', () => {
    const meadows = [file('a/meadow.safetensors', null), file('b/meadow.safetensors', null)];
    expect(readFrom(meadows, { name: 'meadow', hash: null })).toMatchObject({
      request: { files: { model: 'a/meadow.safetensors' } }, severalFit: [{ slot: 'model', name: 'meadow', taken: 'a/meadow.safetensors', others: ['b/meadow.safetensors'] }],
    });
    expect(readFrom(mixes.slice(0, 2), { name: 'gone', hash: short }).severalFit).toEqual([{ slot: 'model', name: 'mini', taken: 'mini.safetensors', others: ['alpha-mix.safetensors'] }]);
    expect(readFrom(['a', 'b'].map((folder) => file(`${folder}/meadow.safetensors`, { sha256: '5' })), { name: 'meadow', hash: null }).severalFit).toEqual([]);
  });
});

test('finds the built-in model by its own name, and no other model by a wrong hash', () => {
  expect(read({ model: { name: 'nice name', hash: null } }).request!.files?.model).toBe('id-Nice Name');
  expect(read({ model: { name: 'nobody', hash: 'd'.repeat(10) } }).request!.files).not.toHaveProperty('model');
});

test('takes over what a request can have, sides to multiples of 8, and names what it leaves out', () => {
  const { request, leftOut } = read({
    steps: 20, sampler: 'euler_a', schedule: 'karras', cfg: 7, seed: 42, width: 1023, height: 769, clipSkip: 2, rng: 'nv', compat: 'a1111', vae: 'fine.safetensors',
    refiner: { model: { name: 'xl-refiner', hash: null }, switchAt: 0.8 }, loras: [{ name: 'style', weight: 0.8 }], hires: { scale: 2, upscaler: '4x-Gone' }, strength: 0.5, extra: { Tiling: 'True' },
  });
  expect(request).toEqual({
    prompt: 'x', negative: '', steps: 20, sampler: 'euler_a', schedule: 'karras', cfg: 7, seed: 42, width: 1024, height: 768, clipSkip: 2, rng: 'nv', compat: 'a1111',
    files: { vae: 'id-fine', refiner: 'id-xl-refiner' }, refiner: { switchAt: 0.8 },
  });
  expect(leftOut).toEqual(['hires']);
  expect(read({ steps: 999, seed: '98765432109876543210', cfg: 7 })).toMatchObject({ request: { cfg: 7 }, leftOut: ['seed', 'steps'] });
  expect(read({ steps: 999 }).request).not.toHaveProperty('steps');
});

test('a second pass is ours to do where its upscaler is here, with the strength that A1111 writes once', () => {
  const asked = (hires: PictureJob['hires']) => { const { request, leftOut } = read({ strength: 0.45, hires, compat: 'a1111' }); return { hires: request!.hires, leftOut, upscaler: request!.files?.upscaler }; };
  expect(asked({ scale: 1.5, steps: 12, upscaler: 'Latent (nearest-exact)', sampler: 'dpmpp_2m' })).toEqual({ hires: { scale: 1.5, steps: 12, upscaler: 'latent_nearest_exact', sampler: 'dpmpp_2m', strength: 0.45 }, leftOut: [] });
  expect(asked({ width: 96, height: 128, steps: 0, strength: 0.3 })).toEqual({ hires: { width: 96, height: 128, upscaler: 'latent', strength: 0.3 }, leftOut: [] });
  expect(asked({ scale: 2, upscaler: '4x-Here' })).toEqual({ hires: { scale: 2, strength: 0.45 }, leftOut: [], upscaler: 'id-4x-Here' });
  expect(asked({ scale: 2, upscaler: '4x-Gone' }).leftOut).toEqual(['hires']);
  expect(asked({ scale: 2, model: { name: 'other', hash: null } }).leftOut).toEqual(['hires']);
  expect(asked({ scale: 40 }), 'out of range').toEqual({ leftOut: ['hires'] });
});

test('has the words of other programs in ours', () => {
  expect(read({ prompt: '{{red}} house', negative: '[bad]' }, 'novelai').request).toMatchObject({ prompt: '(red:1.103) house', negative: '(bad:0.952)' });
  expect(read({ prompt: '{{red}} house' }).request!.prompt).toBe('{{red}} house');
  expect(read({ prompt: '[a] embedding:b', emphasis: 'comfy' }, 'comfyui').request, 'which a job may have as well').toMatchObject({ prompt: '[a] embedding:b', emphasis: 'comfy' });
  expect(read({ prompt: '[a] embedding:b BREAK c' }, 'comfyui').request!.prompt).toBe('\\[a\\] b BREAK c');
});

test.each([
  ['invokeai', 'a red house with a sign "#1" on it'], ['fooocus', 'a red house with a sign "#1" on it'], ['invokeai', 'salt AND pepper, 16:9'], ['novelai', 'no #7 BREAK <lora:x:1> __x__'],
  ['drawthings', '#hashtag {a|b} AND'], ['easydiffusion', 'C# BREAK __x__'],
] as const)('%s: %s is text, all of it', (source, prompt) => {
  const { request } = read({ prompt, negative: prompt }, source);
  for (const text of [request!.prompt!, request!.negative!]) {
    expect(parsePrompt(text, { steps: 5 }).parts.map(({ weight, schedule }) => [weight, schedule.map((entry) => parseAttention(entry.text))])).toEqual([[1, [[{ text: prompt, weight: 1 }]]]]);
    expect(parseChoices(text).map(({ kind }) => kind)).toEqual(['text']);
  }
});

test("our own jobs keep their pictures and parts; without a VAE it was the model's own", () => {
  const { files: { model }, refiner: _, loras: _loras, controls: _controls, ...rest } = ownJob({ files: { model: { name: 'dream', hash: null } }, kind: 'img2img', init: 'e'.repeat(64), strength: 0.4 }), plain = { ...rest, model };
  expect(read({ ...plain }, 'atelier').request).toMatchObject({ files: { model: 'id-dream', vae: null, textEncoders: [] }, init: 'e'.repeat(64), strength: 0.4 });
  const text = { name: 'gone', hash: 'c'.repeat(64) };
  expect(read({ ...plain, vae: 'renamed.safetensors', vaeHash: 'b'.repeat(64), textEncoders: [text] }, 'atelier').request).toMatchObject({ files: { vae: 'id-fine', textEncoders: ['id-clip_l'] } });
});

test('a picture that says nothing asks for nothing', () => {
  expect(readingOf({ kind: 'picture', source: 'none', job: null, missing: [] }, files)).toMatchObject({ request: null, leftOut: [] });
});

test('a prompt with characters that cannot be kept is asked for without them', () => {
  const job = { prompt: 'a\0 cat\ud800', negative: '\udfff', loras: [], extra: {} } as unknown as PictureJob;
  expect(readingOf({ kind: 'picture', source: 'comfyui', job, missing: [] }, files)).toMatchObject({ request: { prompt: 'a cat\ufffd', negative: '\ufffd' }, leftOut: [] });
});

test('LoRAs that no tag calls up are asked for; a tag stays, under the name that its file has here', () => {
  const [lora] = [{ entry: { ...files[0]!.entry, id: 'id-ink', name: 'ink-renamed', path: '/models/ink-renamed.safetensors', kind: 'lora' as const }, hashes: { sha256: 'f'.repeat(64), autov1: 'aaaaaaaa', autov2: 'f'.repeat(10), autov3: '0123456789ab' } }];
  const here = [...files, lora!], reading = (job: Partial<PictureJob>, source: PictureReport['source']) => readingOf({ kind: 'picture', source, job: { prompt: 'x', negative: '', loras: [], extra: {}, ...job } as PictureJob, missing: [] }, here).request!;
  expect(reading({ loras: [{ name: 'ink-renamed', weight: 0.8, textWeight: 0.3 }, { name: 'gone', weight: 1 }] }, 'comfyui')).toMatchObject({ files: { loras: ['id-ink'] }, loras: [{ unet: 0.8, text: 0.3 }] });
  const tagged = reading({ prompt: 'x <lora:ink:0.8>', loras: [{ name: 'ink', weight: 0.8, hash: '0123456789ab', fromPrompt: true }] }, 'a1111');
  expect([tagged.prompt, tagged.loras, tagged.files?.loras]).toEqual(['x <lora:ink-renamed:0.8>', undefined, undefined]);
  const both = reading({ prompt: 'x <lora:ink-renamed:1>', loras: [{ name: 'ink-renamed', weight: 0.5 }, { name: 'ink-renamed', weight: 1, fromPrompt: true }] }, 'atelier');
  expect([both.prompt, both.loras, both.files?.loras]).toEqual(['x <lora:ink-renamed:1>', [{ unet: 0.5, text: 0.5 }], ['id-ink']]);
});
