// Models whose parts lie in files of their own, and autoencoders that stand in for a model's own: VAEs and TAESD.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { JobSpec } from '../../../preload/contract/job';
import { ModelCache } from '../../../main/worker/model-cache';
import { encodeHeader } from '../../../main/engine/weights/safetensors';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import type { FromWorker } from '../../../main/worker/protocol';
import { runJob } from '../../../main/worker/run-job';
import { below, partOf, randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
import { stateDictFrom, torchZip } from '../../support/pickles';
import { runPaths, type JobPaths } from '../../support/run-message';
import { refusalOf } from '../../support/words';

const side = 64, blob = 'a'.repeat(64);
const models = new ModelCache(ortRuntime({ threads: 1 }));
const taesd = (part: string): string => join(import.meta.dirname, `../../golden/cases/taesd_tiny/taesd_${part}.safetensors`);

async function run(paths: JobPaths, changes: Partial<JobSpec> = {}): Promise<{ rgb: Uint8Array; said: FromWorker[] }> {
  const job = JobSpec.parse({
    kind: 'txt2img', prompt: 'a red house', seed: 7, steps: 3, sampler: 'euler', schedule: 'normal', cfg: 4, width: side, height: side, files: { model: { name: 'tiny', hash: null } }, ...changes,
  });
  const said: FromWorker[] = [];
  const { pixels } = await runJob({ type: 'run', id: 'test', job, ...runPaths(paths) }, models, new AbortController().signal, (message) => { said.push(message); });
  return { rgb: pixels.rgb, said };
}
const paint = async (...args: Parameters<typeof run>): Promise<Uint8Array> => (await run(...args)).rgb;

let sd1: string, other: string, ownVae: string, otherVae: string;
beforeAll(async () => {
  [sd1, other] = [await randomFamilyCheckpoint(tinyFamilies.sd1), await randomFamilyCheckpoint(tinyFamilies.sd1, { seed: 2 })];
  [ownVae, otherVae] = [await partOf(sd1, 'own.safetensors', below('first_stage_model.')), await partOf(other, 'other.safetensors', below('first_stage_model.'))];
});

describe('a U-Net with its parts in files of their own makes the picture of the whole checkpoint', () => {
  test.each(['model.diffusion_model.', 'diffusion_model.', ''])('SD 1, the U-Net below "%s"', async (prefix) => {
    const modelPath = await partOf(sd1, 'unet.safetensors', below('model.diffusion_model.', prefix));
    const text = await partOf(sd1, 'clip_l.safetensors', below('cond_stage_model.transformer.'));
    expect(await paint({ modelPath, vaePath: ownVae, textEncoderPaths: [text] })).toEqual(await paint({ modelPath: sd1 }));
  });
  test('SD 2, with an OpenCLIP tower', async () => {
    const whole = await randomFamilyCheckpoint(tinyFamilies.sd2);
    const parts = { modelPath: await partOf(whole, 'unet.safetensors', below('model.diffusion_model.')), vaePath: await partOf(whole, 'vae.safetensors', below('first_stage_model.')) };
    const text = await partOf(whole, 'clip_h.safetensors', below('cond_stage_model.model.'));
    expect(await paint({ ...parts, textEncoderPaths: [text] }, { prediction: 'v' })).toEqual(await paint({ modelPath: whole }, { prediction: 'v' }));
  });
  test('SDXL, with two text encoders in either order', async () => {
    const whole = await randomFamilyCheckpoint(tinyFamilies.sdxl);
    const parts = { modelPath: await partOf(whole, 'unet.safetensors', below('model.diffusion_model.')), vaePath: await partOf(whole, 'vae.safetensors', below('first_stage_model.')) };
    const texts = [await partOf(whole, 'clip_l.safetensors', below('conditioner.embedders.0.transformer.')), await partOf(whole, 'clip_g.safetensors', below('conditioner.embedders.1.model.'))];
    const expected = await paint({ modelPath: whole });
    expect(await paint({ ...parts, textEncoderPaths: texts })).toEqual(expected);
    expect(await paint({ ...parts, textEncoderPaths: texts.reverse() })).toEqual(expected);
  });
});

describe('a VAE in place of the checkpoint\'s own', () => {
  test('decodes: its own VAE changes nothing, another one the picture', async () => {
    const usual = await paint({ modelPath: sd1 });
    expect(await paint({ modelPath: sd1, vaePath: ownVae })).toEqual(usual);
    expect(await paint({ modelPath: sd1, vaePath: otherVae })).not.toEqual(usual);
    expect(await paint({ modelPath: sd1 }), 'and is gone again').toEqual(usual);
  });
  test('may be a pickle with the remains of its training, or the one of another checkpoint', async () => {
    const pickled = join(scratchFolder(), 'other.vae.pt'), file = await openWeightFile(otherVae), expected = await paint({ modelPath: sd1, vaePath: otherVae });
    const [first] = file.tensors.values();
    const trained = { ...file, tensors: new Map([...file.tensors, ['loss.logvar', { ...first!, name: 'loss.logvar' }]]) };
    writeFileSync(pickled, torchZip(stateDictFrom(trained, readFileSync(otherVae))));
    for (const vaePath of [pickled, other]) expect(await paint({ modelPath: sd1, vaePath })).toEqual(expected);
  });
  test('encodes the picture to start from', async () => {
    const initPath = join(scratchFolder(), 'init.png');
    await sharp(Uint8Array.from({ length: 3 * side * side }, (_, i) => (i * 37) % 256), { raw: { width: side, height: side, channels: 3 } }).png().toFile(initPath);
    const start = { kind: 'img2img', init: blob, strength: 0.4 } as const;
    const [own, another] = [await paint({ modelPath: sd1, initPath }, start), await paint({ modelPath: sd1, initPath, vaePath: otherVae }, start)];
    expect(another).not.toEqual(own);

    // A decoder alone leaves reading to the model's own VAE; with its encoder in the same file, both are used.
    const both = join(scratchFolder(), 'taesd.safetensors');
    const decoderAlone = await paint({ modelPath: sd1, initPath, vaePath: taesd('decoder') }, start);
    await joinParts(both, { taesd_encoder: taesd('encoder'), taesd_decoder: taesd('decoder') });
    expect(decoderAlone).not.toEqual(own);
    expect(await paint({ modelPath: sd1, initPath, vaePath: both }, start)).not.toEqual(decoderAlone);
    expect(await paint({ modelPath: sd1, vaePath: both }), 'nothing to read').toEqual(await paint({ modelPath: sd1, vaePath: taesd('decoder') }));
  });
  test('that is no VAE is refused by name, and so is a model that lacks a part', async () => {
    const unet = await partOf(sd1, 'unet.safetensors', below('model.diffusion_model.'));
    const text = await partOf(sd1, 'clip_l.safetensors', below('cond_stage_model.transformer.'));
    expect(await refusalOf(paint({ modelPath: sd1, vaePath: text }))).toMatchObject({ code: 'model.wrongPart', message: 'clip_l.safetensors is no VAE' });
    expect(await refusalOf(paint({ modelPath: sd1, textEncoderPaths: [ownVae] }))).toMatchObject({ code: 'model.wrongPart', message: 'own.safetensors is no text encoder' });
    expect(await refusalOf(paint({ modelPath: sd1, vaePath: taesd('encoder') }))).toMatchObject({ code: 'model.wrongPart', message: expect.stringContaining('without a decoder') });
    expect(await refusalOf(paint({ modelPath: unet, vaePath: ownVae }))).toMatchObject({ code: 'model.lacks', message: 'unet.safetensors has no text encoder inside' });
    expect(await refusalOf(paint({ modelPath: unet }))).toMatchObject({ code: 'model.lacks', message: 'unet.safetensors has no text encoder and VAE inside' });
    expect(await refusalOf(paint({ modelPath: unet, textEncoderPaths: [text] }))).toMatchObject({ message: 'unet.safetensors has no VAE inside' });
  });
});

describe('TAESD', () => {
  test('decodes alone, in every form that its files have', async () => {
    const modelPath = await partOf(sd1, 'unet.safetensors', below('model.diffusion_model.'));
    const text = await partOf(sd1, 'clip_l.safetensors', below('cond_stage_model.transformer.'));
    const expected = await paint({ modelPath: sd1, vaePath: taesd('decoder') });
    expect(expected).not.toEqual(await paint({ modelPath: sd1 }));
    expect(await paint({ modelPath, vaePath: taesd('decoder'), textEncoderPaths: [text] }), 'a U-Net needs no other').toEqual(expected);
    // Diffusers leaves out the clamp, so that its numbers are one less.
    const renumbered = (name: string): string => name.replace(/^\d+/, (number) => `decoder.layers.${Number(number) - 1}`);
    const forms = [await partOf(taesd('decoder'), 'diffusers.safetensors', renumbered), await partOf(taesd('decoder'), 'comfy.safetensors', (name) => `taesd_decoder.${name}`),
      await partOf(taesd('decoder'), 'both.safetensors', (name) => `decoder.${name}`)];
    for (const vaePath of forms) expect(await paint({ modelPath: sd1, vaePath }), vaePath).toEqual(expected);
  });
  test('shows the steps, and leaves the picture alone; a broken one is done without', async () => {
    const plain = await run({ modelPath: sd1 }), shown = await run({ modelPath: sd1, previewPath: taesd('decoder') });
    const previews = ({ said }: { said: FromWorker[] }) => said.flatMap((message) => (message.type === 'step' && message.preview ? [message.preview] : []));
    expect(shown.rgb).toEqual(plain.rgb);
    expect(previews(shown).length).toBeGreaterThan(0);
    expect(previews(shown)[0]).toMatchObject({ width: side, height: side });
    expect(previews(shown)[0]!.rgb).not.toEqual(previews(plain)[0]?.rgb);
    const broken = join(scratchFolder(), 'taesd_decoder.safetensors');
    copyFileSync(taesd('decoder'), broken);
    writeFileSync(broken, readFileSync(broken).subarray(0, 1000));
    expect((await run({ modelPath: sd1, previewPath: broken })).rgb).toEqual(plain.rgb);
  });
});

async function joinParts(out: string, parts: Readonly<Record<string, string>>): Promise<void> {
  const read = await Promise.all(Object.entries(parts).map(async ([name, path]) => ({ name, file: await openWeightFile(path), bytes: readFileSync(path) })));
  const tensors = read.flatMap(({ name, file, bytes }) => [...file.tensors.values()].map((entry) => ({ ...entry, name: `${name}.${entry.name}`, bytes })));
  writeFileSync(out, Buffer.concat([encodeHeader(tensors).header, ...tensors.map(({ offset, byteLength, bytes }) => bytes.subarray(offset, offset + byteLength))]));
}
