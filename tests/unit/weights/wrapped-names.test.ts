// Words that wrap a network's names come off in every kind of file, safetensors and pickle alike; names of the network's own stay.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import type { Dims } from '../../../main/engine/tensor';
import type { StoredDType } from '../../../main/engine/weights/source';
import { unwrapNames } from '../../../main/engine/weights/wrapped-names';
import { openWeightFile } from '../../../main/files/weight-file';
import { convertModel } from '../../../main/services/model-tools/convert';
import { readEmbedding } from '../../../main/worker/embeddings/file';
import { referenceTensors, scratchFolder, weightFile } from '../../support/checkpoints';
import { fuzzRuns } from '../../support/fuzz';
import { TestTensor, torchZip } from '../../support/pickles';
import { floats, writeRaw } from '../../support/scaled';
import { readWeights } from '../../support/weights';

type List = [string, Dims, StoredDType?][];
const sd15 = referenceTensors('sd15-checkpoint'), sdxl = referenceTensors('sdxl-base-checkpoint'), lora = referenceTensors('sd15-kohya-lora-rank16'), diffusersUnet = referenceTensors('sd21-diffusers-unet');
const unet = 'model.diffusion_model.';
const within = (prefix: string, word: string) => (name: string): string => (name.startsWith(prefix) ? prefix + word + name.slice(prefix.length) : name);
const before = (word: string) => (name: string): string => word + name;
const only = (list: List, prefix: string, as = ''): List => list.filter(([name]) => name.startsWith(prefix)).map(([name, ...rest]) => [as + name.slice(prefix.length), ...rest]);
const vae = only(sd15, 'first_stage_model.'), clip = only(sd15, 'cond_stage_model.transformer.');
const esrgan: List = [['conv_first.weight', [64, 3, 3, 3]], ['body.0.rdb1.conv1.weight', [32, 64, 3, 3]], ['conv_up1.weight', [64, 64, 3, 3]], ['conv_up2.weight', [64, 64, 3, 3]], ['conv_last.weight', [3, 64, 3, 3]]];
const oldEsrgan: List = [['model.0.weight', [64, 3, 3, 3]], ['model.1.sub.0.RDB1.conv1.0.weight', [32, 64, 3, 3]], ['model.3.weight', [64, 64, 3, 3]], ['model.6.weight', [64, 64, 3, 3]], ['model.8.weight', [64, 64, 3, 3]], ['model.10.weight', [3, 64, 3, 3]]];

const wraps: [string, List, (name: string) => string][] = [
  ['a compiled U-Net', sd15, within(unet, '_orig_mod.')], ['all of it compiled', sd15, before('_orig_mod.')], ['data-parallel', sd15, before('module.')], ['a data-parallel U-Net', sd15, within(unet, 'module.')],
  ['a compiled text encoder and VAE', sd15, (name) => within('first_stage_model.', '_orig_mod.')(within('cond_stage_model.', '_orig_mod.')(name))], ['a data-parallel text encoder', sd15, within('cond_stage_model.transformer.', 'module.')],
  ['a model in a model', sd15, before('model.')], ['three deep', sd15, before('model.model.model.')], ['only its U-Net', sd15, (name) => (name.startsWith(unet) ? `model.${name}` : name)],
  ['several, one in the other', sdxl, (name) => `module._orig_mod.model.${within(unet, '_orig_mod.module.')(name)}`], ['FSDP', sdxl, before('_fsdp_wrapped_module.')],
  ['layers of their own', sdxl, (name) => name.replace(/(input_blocks\.\d+\.1)\./, '$1._checkpoint_wrapped_module.').replace(/(transformer_blocks\.\d+)\./, '$1._orig_mod.')],
  ['a U-Net alone', only(sd15, unet), before('_orig_mod.')], ['diffusers\' U-Net', diffusersUnet, before('module.')], ['diffusers\' U-Net in a model', diffusersUnet, before('model.')], ['diffusers\' U-Net in both', diffusersUnet, before('module.model.')],
  ['a VAE', vae, before('module.')], ['a VAE in a model', vae, before('model._orig_mod.')], ['a text encoder', clip, before('_orig_mod.')], ['an upscaler', esrgan, before('module.')], ['an upscaler in a model', esrgan, before('model.')], ['an old upscaler', oldEsrgan, before('model.')], ['an old upscaler, compiled', oldEsrgan, before('module._orig_mod.')],
  ['a LoRA in kohya\'s names', lora, (name) => name.replace('lora_unet_', 'lora_unet__orig_mod_')], ['a LoRA of compiled blocks', lora, (name) => name.replace(/_(attentions_\d)_/, '_$1__orig_mod_')], ['a LoRA, data-parallel', lora, (name) => name.replace('lora_unet_', 'lora_unet_module_')], ['a LoRA as a module', lora, before('module.')],
  ['a LoRA in diffusers\' names', [['unet.mid_block.attentions.0.proj_in.lora_A.weight', [4, 1280]], ['unet.mid_block.attentions.0.proj_in.lora_B.weight', [1280, 4]]], within('unet.', '_orig_mod.')],
  ['an embedding', [['clip_l', [2, 768]], ['clip_g', [2, 1280]]], before('module.')], ['an embedding of AUTOMATIC1111', [['string_to_param.*', [2, 768]]], before('_orig_mod.')],
];

test.each(wraps)('%s', (_, list, wrap) => {
  const plain = weightFile(list), wrapped = weightFile(list.map(([name, ...rest]) => [wrap(name), ...rest]));
  expect([...wrapped.tensors.keys()]).not.toEqual([...plain.tensors.keys()]);
  expect([...unwrapNames(wrapped).tensors.keys()]).toEqual([...plain.tensors.keys()]);
  expect(identify(wrapped)).toEqual(identify(plain));
  expect(whyNotRunnable(wrapped)?.info).toEqual(whyNotRunnable(plain)?.info);
});

test('marks of trainers stand outside', () => {
  const list = sdxl.map(([name, ...rest]): List[number] => [`module.${name}`, ...rest]);
  expect(identify(weightFile([...list, ['v_pred', [0]], ['ztsnr', [0]]]))).toMatchObject({ kind: 'checkpoint', family: 'sdxl', prediction: 'v', problems: [] });
});

describe('a network\'s own names stay', () => {
  test.each<[string, List]>([
    ['checkpoints', sd15], ['SDXL', sdxl], ['SD 2', referenceTensors('sd21-v-checkpoint')], ['LoRAs', lora], ['an old upscaler', oldEsrgan], ['a U-Net with its prefix', only(sd15, unet, unet)], ['OpenCLIP alone', only(referenceTensors('sd21-v-checkpoint'), 'cond_stage_model.')],
    ['one module of many', [['module.a.weight', [2]], ['b.weight', [2]]]], ['a layer called module', [['body.0.module.weight', [2]], ['body.1.module.weight', [2]]]], ['a language model', [['model.layers.0.self_attn.q_proj.weight', [8, 8]], ['model.embed_tokens.weight', [8, 8]]]],
    ['a motion module', [['down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight', [320, 320]]]], ['nothing but a wrapper\'s word', [['module', [2]], ['_orig_mod', [2]]]], ['none', []],
  ])('%s', (_, list) => {
    const file = weightFile(list);
    expect(unwrapNames(file)).toBe(file);
  });
});

describe('a tensor under both names', () => {
  test('the plain one counts, and the other is named', async () => {
    const path = writeRaw([floats('_orig_mod.a.weight', [1], [1]), floats('a.weight', [1], [2]), floats('_orig_mod.b.weight', [1], [3])]), file = await openWeightFile(path);
    expect([...file.tensors.keys()]).toEqual(['_orig_mod.a.weight', 'a.weight', 'b.weight']);
    expect(identify(file).problems[0]).toEqual({ code: 'names.twice', data: { key: 'a.weight', other: '_orig_mod.a.weight', count: 1 } });
    const double = weightFile([...sd15, ...sd15.filter(([name]) => name.startsWith(unet)).map(([name, ...rest]): List[number] => [within(unet, '_orig_mod.')(name), ...rest])]);
    expect(identify(double)).toMatchObject({ kind: 'checkpoint', family: 'sd1', runnable: true });
    expect(identify(double).problems[0]).toMatchObject({ code: 'names.twice', data: { count: 686 } });
  });
  test('one and the same in a pickle is no doubt', async () => {
    const storage = { dtype: 'F32' as const, data: new Uint8Array(8) }, path = join(scratchFolder(), 'a.pt');
    writeFileSync(path, torchZip({ '_orig_mod.a.w': new TestTensor(storage, [2]), 'a.w': new TestTensor(storage, [2]) }));
    const file = await openWeightFile(path);
    expect([[...file.tensors.keys()], file.doubts]).toEqual([['a.w'], undefined]);
  });
});

test('tools write the plain names; a wrapped embedding has its vectors', async () => {
  const out = join(scratchFolder(), 'out.safetensors');
  await convertModel({ in: writeRaw([floats('module._orig_mod.a.weight', [1], [1]), floats('module._orig_mod.b.bias', [1], [2])]), out });
  expect(Object.keys((await readWeights(out)).tensors).sort()).toEqual(['a.weight', 'b.bias']);
  const path = writeRaw([floats('module.emb_params', [1, 768], Array<number>(768).fill(0.5))], { path: join(scratchFolder(), 'lilac.safetensors') });
  expect((await readEmbedding(path)).vectors.get(768)!.data[767]).toBe(0.5);
});

test('any names keep their count or are named twice, and once unwrapped stay (property)', () => {
  const segment = fc.constantFrom('_orig_mod', 'module', 'model', 'diffusion_model', 'first_stage_model', 'cond_stage_model', 'transformer', 'input_blocks', '0', 'weight', 'lora_unet__orig_mod_a', '_checkpoint_wrapped_module', 'conv_in', '');
  const name = fc.oneof(fc.array(segment, { minLength: 1, maxLength: 7 }).map((parts) => parts.join('.')), fc.string({ maxLength: 30 }));
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 8 }), (names) => {
    const given = weightFile(names.map((each, i): List[number] => [each, [i + 1]])), file = unwrapNames(given);
    expect([...file.tensors.values()].map(({ offset }) => offset)).toEqual([...given.tensors.values()].map(({ offset }) => offset));
    for (const [key, entry] of file.tensors) expect(entry.name).toBe(key);
    if (!file.doubts) expect([...unwrapNames(file).tensors.keys()]).toEqual([...file.tensors.keys()]);
  }), { numRuns: fuzzRuns(1000) });
});
