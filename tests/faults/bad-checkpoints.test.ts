// Files that people really have and that cannot be used: each ends in one clear error that names the file and says what to do.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { runInspect } from '../../main/cli/inspect';
import { AppError } from '../../main/engine/errors';
import { identify, whyNotRunnable } from '../../main/engine/identify/identify';
import { openWeightFile, scanNotFinite } from '../../main/files/weight-file';
import { hashModel } from '../../main/services/models/file-hashes';
import { ModelReport } from '../../preload/contract/model';
import { zipOf } from '../support/pickles';
import { randomCheckpoint, rawFile, referenceTensors, scratchFolder, weightFile } from '../support/checkpoints';
import { wordsFor } from '../support/words';

const folder = scratchFolder();
let good: string;
beforeAll(async () => { good = await randomCheckpoint({ path: join(folder, 'good.safetensors') }); });

/** A copy of the good checkpoint under another name. */
function copy(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, readFileSync(good));
  return path;
}
async function refusal(run: () => unknown): Promise<AppError> {
  try { await run(); } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    return error as AppError;
  }
  throw new Error('nothing was refused');
}
function expectClear(error: AppError | null, code: string, path: string, message: RegExp): void {
  expect(error?.code).toBe(code);
  const said = wordsFor(error);
  expect(said.message).toContain(path.split('/').pop());
  expect(said.message).toMatch(message);
  expect(error?.info.data).toMatchObject({ file: path });
  expect(said.hint).toMatch(/\w+ .*\.$/);
}

test('the good checkpoint is good', async () => {
  const file = await openWeightFile(good);
  expect(whyNotRunnable(file)).toBeNull();
  expect(await scanNotFinite(file)).toEqual([]);
});

describe('a file that cannot be opened', () => {
  test('is not there', async () => {
    const path = join(folder, 'gone.safetensors');
    expectClear(await refusal(() => openWeightFile(path)), 'file.notFound', path, /not there/);
  });
  test('is a folder', async () => {
    const path = join(folder, 'diffusers-model');
    mkdirSync(path);
    expectClear(await refusal(() => openWeightFile(path)), 'file.unreadable', path, /folder/);
  });
});

describe('a download that went wrong', () => {
  test('is cut off inside the weights', async () => {
    const path = copy('cut.safetensors');
    truncateSync(path, 1_000_000);
    expectClear(await refusal(() => openWeightFile(path)), 'weights.truncated', path, /1000000 bytes are there, \d+ expected/);
  });
  test('is cut off inside the header', async () => {
    const path = copy('cut-early.safetensors');
    truncateSync(path, 500);
    expectClear(await refusal(() => openWeightFile(path)), 'weights.truncated', path, /inside its header/);
  });
  test('is a zip that breaks off', async () => {
    const path = join(folder, 'old.ckpt');
    writeFileSync(path, 'PK\x03\x04\0\0\0\0\0\0 archive/data.pkl');
    expectClear(await refusal(() => openWeightFile(path)), 'weights.truncated', path, /zip directory/);
  });
  test('is a web page', async () => {
    const path = join(folder, 'page.safetensors');
    writeFileSync(path, '<!doctype html><html><body>Please log in</body></html>');
    expectClear(await refusal(() => openWeightFile(path)), 'weights.notSafetensors', path, /web page/);
  });
  test('has something appended', async () => {
    const path = copy('long.safetensors');
    writeFileSync(path, 'tail', { flag: 'a' });
    expectClear(await refusal(() => openWeightFile(path)), 'weights.badOffsets', path, /4 bytes behind/);
  });
});

describe('a file that is no checkpoint', () => {
  test('is a picture', async () => {
    const path = join(folder, 'cat.png');
    writeFileSync(path, Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'));
    expectClear(await refusal(() => openWeightFile(path)), 'model.notACheckpoint', path, /picture/);
  });
  test('is another kind of zip', async () => {
    const path = join(folder, 'pictures.ckpt');
    writeFileSync(path, zipOf([{ name: 'cat.png', data: new Uint8Array(8) }]));
    expectClear(await refusal(() => openWeightFile(path)), 'model.notACheckpoint', path, /zip file/);
  });
  test('holds tensors of something else', async () => {
    const path = join(folder, 'embeddings.safetensors');
    writeFileSync(path, rawFile('{"table":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4));
    expectClear(whyNotRunnable(await openWeightFile(path)), 'model.notACheckpoint', path, /no model that Atelier knows/);
  });
  test('is a LoRA', () => {
    const file = weightFile(referenceTensors('sd15-kohya-lora-rank16'), {}, '/models/style.safetensors');
    expectClear(whyNotRunnable(file), 'model.notACheckpoint', '/models/style.safetensors', /is a LoRA/);
  });
});

describe('a model that is not supported yet is named', () => {
  test('by its family', () => {
    const unclip = weightFile([...referenceTensors('sd21-v-checkpoint'), ['model.diffusion_model.label_emb.0.0.weight', [1280, 2048]]], {}, '/models/unclip.safetensors');
    expectClear(whyNotRunnable(unclip), 'model.unsupported', '/models/unclip.safetensors', /family sd2-unclip,/);
  });
  test('by its number of input channels', () => {
    const tensors = referenceTensors('sd15-checkpoint').map(([name, dims, dtype]) => [name, name.endsWith('input_blocks.0.0.weight') ? [320, 12, 3, 3] : dims, dtype] as const);
    expectClear(whyNotRunnable(weightFile(tensors)), 'model.unsupported', '/models/test.safetensors', /variant of Stable Diffusion 1 that/);
  });
});

describe('a checkpoint of a later family that is not whole', () => {
  test.each([
    ['sdxl-base-checkpoint', 'conditioner.embedders.1.model.text_projection', /SDXL checkpoint: .*text_projection \[1280, 1280\] is missing$/],
    ['sdxl-refiner-checkpoint', 'model.diffusion_model.label_emb.0.2.bias', /SDXL refiner checkpoint: .*label_emb\.0\.2\.bias \[1536\] is missing$/],
    ['sd21-v-checkpoint', 'cond_stage_model.model.transformer.resblocks.7.attn.in_proj_bias', /Stable Diffusion 2 checkpoint: .*in_proj_bias \[3072\] is missing$/],
  ])('%s', (name, missing, message) => {
    const path = `/models/${name}.safetensors`;
    expectClear(whyNotRunnable(weightFile(referenceTensors(name).filter(([key]) => key !== missing), {}, path)), 'model.incomplete', path, message);
  });
});

describe('a checkpoint whose tensors are wrong', () => {
  const bias = 'model.diffusion_model.middle_block.0.in_layers.2.bias';
  test('misses one', async () => {
    const path = await randomCheckpoint({ path: join(folder, 'missing.safetensors'), change: (tensors) => tensors.delete(bias) });
    const file = await openWeightFile(path);
    expectClear(whyNotRunnable(file), 'model.incomplete', path, /middle_block\.0\.in_layers\.2\.bias \[64\] is missing$/);
    expect(identify(file)).toMatchObject({ kind: 'checkpoint', runnable: false, problems: [{ code: 'tensor.missing', data: { key: bias, shape: [64] } }] });
  });
  test('has one of a wrong shape', async () => {
    const path = await randomCheckpoint({ path: join(folder, 'shape.safetensors'), change: (tensors) => tensors.set(bias, [63]) });
    expectClear(whyNotRunnable(await openWeightFile(path)), 'model.incomplete', path, /bias is \[63\], expected \[64\]/);
  });
  test('misses many: twenty are named, the rest is counted', () => {
    const tensors = referenceTensors('sd15-checkpoint').filter(([name]) => !name.includes('.attn1.'));
    const { problems } = identify(weightFile(tensors));
    expect(problems).toHaveLength(21);
    expect(problems[20]).toEqual({ code: 'more', data: { count: 60, total: 80 } });   // 16 transformers of five tensors each
  });
  test('holds NaN: the tensor and the place are found', async () => {
    const path = copy('nan.safetensors');
    const file = await openWeightFile(path);
    const where = [['first_stage_model.decoder.conv_out.weight', 5, 0x7e00], ['model.diffusion_model.out.2.weight', 17, 0xfc00]] as const;
    const handle = await open(path, 'r+');
    for (const [name, index, bits] of where) await handle.write(Uint8Array.of(bits & 255, bits >> 8), 0, 2, file.tensors.get(name)!.offset + 2 * index);
    await handle.close();
    expect(await scanNotFinite(file)).toEqual(where.map(([tensor, index]) => ({ file: path, tensor, index })));
    expect(await scanNotFinite(file, undefined, 1)).toHaveLength(1);
    await expect(scanNotFinite(file, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
  test('shrinks while it is read', async () => {
    const path = copy('shrinks.safetensors');
    const file = await openWeightFile(path);
    truncateSync(path, 2_000_000);
    expectClear(await refusal(() => scanNotFinite(file)), 'file.unreadable', path, /ends at byte 2000000/);
    truncateSync(path, 0);
    await expect(hashModel(file)).rejects.toThrow(AppError);
  });
});

describe('inspect', () => {
  afterEach(() => { vi.restoreAllMocks(); });
  async function inspect(...args: string[]): Promise<string> {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    expect(await runInspect(args)).toBe(0);
    return out.mock.calls.join('').trimEnd();
  }
  test('ends with one line of JSON', async () => {
    const out = await inspect(good, '--json');
    const report = JSON.parse(out.split('\n').at(-1)!) as unknown;
    expect(ModelReport.parse(report)).toEqual(report);
    expect(report).toMatchObject({ kind: 'checkpoint', family: 'sd1', variant: 'base', prediction: 'eps', precision: 'fp16', problems: [], metadata: {},
      hashes: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/), autov1: expect.stringMatching(/^[0-9a-f]{8}$/), autov2: expect.stringMatching(/^[0-9a-f]{10}$/), autov3: expect.stringMatching(/^[0-9a-f]{12}$/) } });
  });
  test('for people, without hashes, with a prediction of their choice', async () => {
    const out = await inspect('--no-hash', '--prediction', 'v', good);
    expect(out).toMatch(/^family +Stable Diffusion 1$/m);
    expect(out).toMatch(/^prediction +v$/m);
    expect(out).toMatch(/^runs here +yes$/m);
    expect(out).not.toContain('sha256');
  });
  test('refuses what it cannot read', async () => {
    const path = copy('cut-inspect.safetensors');
    truncateSync(path, 1_000_000);
    expectClear(await refusal(() => runInspect([path, '--json'])), 'weights.truncated', path, /1000000 bytes/);
  });
  test.runIf(process.platform !== 'win32')('does not wait for a pipe', async () => {
    for (const name of ['pipe.safetensors', 'pipe.png']) {
      const path = join(folder, name);
      execFileSync('mkfifo', [path]);
      expectClear(await refusal(() => runInspect([path, '--json', '--no-hash'])), 'file.unreadable', path, /device or a pipe/);
    }
  });
  test.each([[[]], [['a', 'b']], [['a', '--colour']], [['a', '--prediction', 'x']]])('refuses the words %j', async (args) => {
    expect((await refusal(() => runInspect(args))).code).toBe('usage');
  });
});
