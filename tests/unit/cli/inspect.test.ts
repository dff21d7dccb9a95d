// `inspect`: one answer for whatever a path leads to, in JSON as it is promised and in words.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { runInspect } from '../../../main/cli/inspect';
import { checkpointTensors } from '../../../main/engine/families/network-tensors';
import { ModelReport } from '../../../preload/contract/model';
import { scratchFolder, tinySizes, zeroFile } from '../../support/checkpoints';
import { asPng, hideInPixels, trainedJson } from '../../support/embedding-pictures';
import { op, tensorOf, torchLegacy, torchZip, Tuple, type Value } from '../../support/pickles';
import { refusalOf } from '../../support/words';

const folder = scratchFolder();
const write = (name: string, bytes: Uint8Array): string => { const path = join(folder, name); writeFileSync(path, bytes); return path; };
async function inspect(...args: string[]): Promise<string> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await runInspect(args)).toBe(0);
  const text = out.mock.calls.map(([part]) => String(part)).join('');
  out.mockRestore();
  return text;
}

const embedding: Value = { string_to_token: { '*': 265 }, string_to_param: { '*': tensorOf('F32', [2, 768]) }, name: 'ink\x1b[2J', step: 100 };

describe('a pickled model', () => {
  test.each([['new.pt', torchZip(embedding)], ['old.bin', torchLegacy(embedding)]])('%s as JSON', async (name, bytes) => {
    const report = ModelReport.parse(JSON.parse(await inspect(write(name, bytes), '--json')));
    expect(report).toMatchObject({ kind: 'embedding', family: 'sd1', precision: 'fp32', parameters: 1536, tensors: 1, metadata: { step: '100' }, problems: [] });
    expect(report.hashes?.autov3).toBe(report.hashes?.sha256.slice(0, 12));
    expect(ModelReport.parse(JSON.parse(await inspect(write(name, bytes), '--json', '--no-hash'))).hashes).toBeNull();
  });
  test('in words, which cannot steer the terminal', async () => {
    const text = await inspect(write('words.pt', torchZip(embedding)), '--no-hash');
    expect(text).toMatch(/^kind +embedding$/m);
    expect(text).toMatch(/^ {2}step: 100$/m);
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
  test('a malicious one is refused by name', async () => {
    const path = write('evil.ckpt', torchZip(Buffer.concat([op.proto(2), op.global('os', 'system'), Buffer.from('.')])));
    expect(await refusalOf(runInspect([path, '--json']))).toMatchObject({ code: 'weights.forbiddenGlobal', message: expect.stringContaining('os.system'), hint: expect.any(String) });
  });
});

test('a picture that carries an embedding is that embedding', async () => {
  const path = write('ink.png', await asPng(hideInPixels(trainedJson([Array(768).fill(0.5)], 'ink'))));
  const report = ModelReport.parse(JSON.parse(await inspect(path, '--json')));
  expect(report).toMatchObject({ kind: 'embedding', family: 'sd1', precision: 'fp32', parameters: 768, metadata: { name: 'ink', step: '500' }, problems: [] });
  expect(report.hashes?.sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
});

/** As A1111 saves them: whole numbers for widths, a pair of state dictionaries for each, settings beside them. */
const hypernetwork: Value = new Map<Value, Value>([
  [768, new Tuple({ 'linear.0.weight': tensorOf('F32', [1536, 768]), 'linear.0.bias': tensorOf('F32', [1536]) }, { 'linear.0.weight': tensorOf('F32', [1536, 768]), 'linear.0.bias': tensorOf('F32', [1536]) })],
  ['step', 1000], ['name', 'ink'], ['layer_structure', [1, 2, 1]], ['activation_func', 'linear'], ['is_layer_norm', false], ['sd_checkpoint', 'abcd1234'], ['optional_info', null],
]);
const layers: Value = { state_dict: { 'model_ema.decay': tensorOf('F32', []), 'decoder.conv_in.weight': tensorOf('F32', [4, 4, 3, 3]), 'decoder.up.0.block.0.conv1.weight': tensorOf('F32', [4, 4, 3, 3]), 'loss.logvar': tensorOf('F32', []) }, optimizer: { state: { 0: { exp_avg: tensorOf('F32', [99]) } } } };

test.each<[string, Value, object]>([
  ['hypernetwork', hypernetwork, { kind: 'hypernetwork', family: 'sd1', parameters: 2 * (1536 * 768 + 1536), metadata: { step: '1000', name: 'ink', layer_structure: '[1,2,1]', is_layer_norm: 'False' } }],
  ['IP-Adapter in two groups', { image_proj: { latents: tensorOf('F16', [1, 16, 768]) }, ip_adapter: { '1.to_k_ip.weight': tensorOf('F16', [320, 768]) } }, { kind: 'ip-adapter', family: 'sd1', precision: 'fp16' }],
  ['upscaler with an averaged copy', { params: { 'body.0.weight': tensorOf('F32', [8, 3, 3, 3]), 'body.1.weight': tensorOf('F32', [8]), 'body.2.weight': tensorOf('F32', [12, 8, 3, 3]) }, params_ema: { 'body.0.weight': tensorOf('F32', [8, 3, 3, 3]), 'body.1.weight': tensorOf('F32', [8]), 'body.2.weight': tensorOf('F32', [12, 8, 3, 3]) } },
    { kind: 'upscaler', scale: 2, tensors: 3, parameters: 216 + 8 + 864 }],
  ['autoencoder among the state of its training', layers, { kind: 'vae', tensors: 4, parameters: 288 }],
])('a pickled %s, zipped or old', async (name, value, expected) => {
  for (const bytes of [torchZip(value), torchLegacy(value)]) {
    const path = write(`${name}.pt`, bytes), report = JSON.parse(await inspect(path, '--json')) as ModelReport;
    expect(report).toMatchObject(expected);
    expect(report.hashes).toMatchObject({ sha256: createHash('sha256').update(bytes).digest('hex'), autov3: report.hashes!.sha256.slice(0, 12) });
  }
});

/** What people have under a model's name, and what they are told. */
const strangeFiles: [name: string, bytes: string, code: string, message: RegExp][] = [
  ['empty.safetensors', '', 'weights.truncated', /is empty/], ['short.safetensors', '1234567', 'weights.notSafetensors', /a text/], ['zeros.safetensors', '\0'.repeat(500), 'weights.truncated', /begins with zeros/],
  ['page.safetensors', '\xef\xbb\xbf<!doctype HTML><html>', 'weights.notSafetensors', /a web page/], ['denied.ckpt', '<?xml version="1.0"?><Error>', 'weights.notSafetensors', /a web page/],
  ['refused.safetensors', '{"error":"Unauthorized","message":"log in"}', 'weights.notSafetensors', /a text/], ['message.bin', 'Entry not found', 'weights.notSafetensors', /a text/],
  ['pointer.ckpt', 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n', 'weights.notSafetensors', /Git LFS pointer/], ['m.gguf', `GGUF\x03${'\0'.repeat(60)}`, 'weights.notSafetensors', /GGUF/],
  ['m.onnx', `\x08\x08\x12\x07pytorch\x1a\x052.1.0:${'\xff'.repeat(40)}`, 'onnx.unreadable', /not an ONNX network/], ['m.7z', `7z\xbc\xaf\x27\x1c${'\0'.repeat(60)}`, 'weights.notSafetensors', /an archive/],
  ['m.gz', `\x1f\x8b\x08\0${'\x01'.repeat(60)}`, 'weights.notSafetensors', /an archive/], ['long.safetensors', `\0\0\0\0\0\0\0\x10{${' '.repeat(60)}`, 'weights.badHeader', /header of/],
  ['cut.safetensors', `\xff\x02\0\0\0\0\0\0{"a":`, 'weights.truncated', /cut off inside its header/], ['noise.ckpt', '\xc3\x28\xa0\xa1\x00\x9f'.repeat(20), 'weights.notSafetensors', /is not a safetensors file, nor/],
  ['old.pt', 'cos\nsystem\n(S\'true\'\ntR.', 'weights.forbiddenGlobal', /os\.system/], ['settings.json', '{"_class_name":"UNet2DConditionModel"}', 'weights.notSafetensors', /a text/],
];
test.each(strangeFiles)('%s is refused for what it is', async (name, bytes, code, message) => {
  expect(await refusalOf(runInspect([write(name, Buffer.from(bytes, 'latin1')), '--json', '--no-hash']))).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.any(String) });
});

test.each<[string, string, object]>([
  ['a1111.txt', 'a cat\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x768', { source: 'a1111', job: { prompt: 'a cat', negative: 'fog', width: 512 } }],
  ['easy.txt', 'Prompt: a cat\nNegative Prompt: fog\nSeed: 5\nStable Diffusion model: dreamy\nClip Skip: True\nSampler: euler_a\nSteps: 25\nLoRA model: a, b\nLoRA Strength: 0.5, 0.25\nSeamless Tiling: none\n',
    { source: 'easydiffusion', job: { prompt: 'a cat', negative: 'fog', steps: 25, clipSkip: 2, loras: [{ name: 'a', weight: 0.5 }, { name: 'b', weight: 0.25 }], extra: { 'Seamless Tiling': 'none' } } }],
  ['easy.json', '{"prompt":"a cat","seed":5,"num_inference_steps":20,"use_upscale":null}', { source: 'easydiffusion', job: { prompt: 'a cat', steps: 20, extra: { use_upscale: null } } }],
  ['comfy.json', '{"1":{"class_type":"KSampler","inputs":{"seed":4,"steps":9,"latent_image":["2",0]}},"2":{"class_type":"EmptyLatentImage","inputs":{"width":64,"height":64}}}', { source: 'comfyui', job: { seed: 4, steps: 9, width: 64 } }],
])('%s, which lies beside a picture, says the same', async (name, text, expected) => {
  expect(JSON.parse(await inspect(write(name, Buffer.from(text)), '--json'))).toMatchObject({ kind: 'picture', ...expected });
});

test('--prediction overrides what the file leaves open', async () => {
  const path = write('sd1.safetensors', zeroFile([...checkpointTensors(tinySizes)].map(([name, shape]) => ({ name, shape, dtype: 'F16' as const }))));
  expect(JSON.parse(await inspect(path, '--json', '--no-hash', '--prediction', 'v'))).toMatchObject({ kind: 'checkpoint', prediction: 'v' });
  expect(JSON.parse(await inspect(path, '--json', '--no-hash'))).toMatchObject({ kind: 'checkpoint', prediction: 'eps' });
});

describe('a folder', () => {
  test('of single files names them', async () => {
    const path = scratchFolder();
    mkdirSync(join(path, 'sub'));
    for (const name of ['b.ckpt', 'a.safetensors', 'sub/c.pt', 'notes.txt']) writeFileSync(join(path, name), '');
    expect(await refusalOf(runInspect([path]))).toMatchObject({ code: 'folder.noModel', message: expect.stringContaining(basename(path)), hint: expect.stringContaining(`a.safetensors, b.ckpt, and ${join('sub', 'c.pt')}.`) });
  });
  test('with one network alone, or of another family, is that network', async () => {
    const path = scratchFolder(), flux = zeroFile([{ name: 'single_transformer_blocks.0.attn.norm_k.weight', dtype: 'BF16', shape: [128] }]);
    mkdirSync(join(path, 'transformer'));
    writeFileSync(join(path, 'model_index.json'), '{"_class_name":"FluxPipeline"}');
    writeFileSync(join(path, 'transformer', 'diffusion_pytorch_model.safetensors'), flux);
    expect(JSON.parse(await inspect(path, '--json', '--no-hash'))).toMatchObject({ kind: 'unet', family: 'flux', precision: 'bf16', runnable: false });
    writeFileSync(join(path, 'transformer', 'config.json'), '{}');
    expect(JSON.parse(await inspect(join(path, 'transformer'), '--json', '--no-hash'))).toMatchObject({ kind: 'unet', family: 'flux' });
  });
  test('without models says so', async () => {
    expect(await refusalOf(runInspect([scratchFolder()]))).toMatchObject({ code: 'folder.noModel', hint: expect.stringMatching(/no model file/) });
  });
  test('of a diffusers model that is not whole names the part', async () => {
    const path = scratchFolder();
    mkdirSync(join(path, 'unet'));
    expect(await refusalOf(runInspect([path]))).toMatchObject({ code: 'model.notACheckpoint', message: expect.stringContaining('unet') });
  });
});
