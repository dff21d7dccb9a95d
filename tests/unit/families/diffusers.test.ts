// Diffusers' names: a real list, the other direction written out by hand, and folders on disk that make the same picture as the single file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type CheckpointSizes, sd21 } from '../../../main/engine/families/known-sizes';
import { checkpointTensors, unetTensors } from '../../../main/engine/families/network-tensors';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import { assembleCheckpoint } from '../../../main/engine/weights/key-maps/assemble';
import { unetKeyMap, unetLayerNames, vaeKeyMap } from '../../../main/engine/weights/key-maps/diffusers';
import { familyTraits } from '../../../main/engine/pipeline/family';
import { generate } from '../../../main/engine/pipeline/generate';
import { composeModel } from '../../../main/engine/pipeline/model';
import type { Dims } from '../../../main/engine/tensor';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import type { WeightFile } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { openModelFolder } from '../../../main/files/model-folder';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';
import { writeRandomCheckpoint } from '../../../main/services/model-tools/random-checkpoint';
import { JobSpec } from '../../../preload/contract/job';
import { randomFamilyCheckpoint, referenceTensors, scratchFolder, tinyFamilies, weightFile } from '../../support/checkpoints';
import { refusalOf } from '../../support/words';

test('SD 2.1\'s U-Net of diffusers becomes exactly the original one', () => {
  const file = weightFile(referenceTensors('sd21-diffusers-unet'));
  const map = unetKeyMap(file);
  const mapped = new Map([...file.tensors.values()].map(({ name, shape }) => [`model.diffusion_model.${map(name)}`, shape] as const));
  expect(new Map([...mapped].sort())).toEqual(new Map([...unetTensors(sd21.unet)].sort()));
});

test.each(['sd15-checkpoint', 'sd21-v-checkpoint', 'sdxl-base-checkpoint'])('every layer of the U-Net of %s has one name in each layout, there and back', (name) => {
  const root = 'model.diffusion_model.', file = weightFile(referenceTensors(name));
  const paths = [...file.tensors.keys()].filter((key) => key.startsWith(root) && key.endsWith('.weight')).map((key) => key.slice(root.length, -'.weight'.length));
  const namesOf = unetLayerNames(file, root), theirs = paths.map((path) => namesOf(path).diffusers);
  expect(theirs.filter((path) => /^(?:input|output|middle)_block|^time_embed\.|^out\.|^label_emb/.test(path))).toEqual([]);
  const back = unetLayerNames(weightFile(theirs.map((path) => [`${path}.weight`, [1]])), '');
  expect(theirs.map((path) => back(path).ldm)).toEqual(paths);
});

test.each([
  ['encoder.down_blocks.1.resnets.0.conv_shortcut.weight', 'encoder.down.1.block.0.nin_shortcut.weight'], ['encoder.down_blocks.2.downsamplers.0.conv.bias', 'encoder.down.2.downsample.conv.bias'],
  ['decoder.up_blocks.0.resnets.2.norm1.weight', 'decoder.up.3.block.2.norm1.weight'], ['decoder.up_blocks.2.upsamplers.0.conv.weight', 'decoder.up.1.upsample.conv.weight'],
  ['decoder.mid_block.resnets.1.conv2.bias', 'decoder.mid.block_2.conv2.bias'], ['encoder.mid_block.attentions.0.to_out.0.weight', 'encoder.mid.attn_1.proj_out.weight'],
  ['encoder.mid_block.attentions.0.query.weight', 'encoder.mid.attn_1.q.weight'], ['encoder.mid_block.attentions.0.proj_attn.bias', 'encoder.mid.attn_1.proj_out.bias'],
  ['decoder.mid_block.attentions.0.group_norm.weight', 'decoder.mid.attn_1.norm.weight'], ['encoder.conv_norm_out.weight', 'encoder.norm_out.weight'],
  ['decoder.conv_in.weight', 'decoder.conv_in.weight'], ['post_quant_conv.bias', 'post_quant_conv.bias'],
])('VAE: %s', (theirs, ours) => {
  const map = vaeKeyMap(weightFile([0, 1, 2, 3].map((level) => [`decoder.up_blocks.${level}.resnets.0.conv1.weight`, [8, 8, 3, 3]])));
  expect(map(theirs)).toBe(ours);
});

const replaceAll = (name: string, pairs: readonly (readonly [RegExp | string, string])[]): string => pairs.reduce((text, [from, to]) => text.replace(from, to), name);
const resnet = [['in_layers.0', 'norm1'], ['in_layers.2', 'conv1'], ['emb_layers.1', 'time_emb_proj'], ['out_layers.0', 'norm2'], ['out_layers.3', 'conv2'], ['skip_connection', 'conv_shortcut']] as const;

/** From LDM's name to [folder, diffusers' name], for small models of one res block a level, by hand. */
function theirName(name: string): [folder: string, name: string] {
  if (name.startsWith('cond_stage_model.transformer.')) return ['text_encoder', name.slice('cond_stage_model.transformer.'.length)];
  if (name.startsWith('conditioner.embedders.0.transformer.')) return ['text_encoder', name.slice('conditioner.embedders.0.transformer.'.length)];
  if (name.startsWith('conditioner.embedders.1.transformer.')) return ['text_encoder_2', name.slice('conditioner.embedders.1.transformer.'.length)];
  if (name.startsWith('first_stage_model.')) {
    return ['vae', replaceAll(name.slice('first_stage_model.'.length), [
      [/^encoder\.down\.(\d)\.block/, 'encoder.down_blocks.$1.resnets'], [/^encoder\.down\.(\d)\.downsample/, 'encoder.down_blocks.$1.downsamplers.0'],
      ...[0, 1, 2, 3].flatMap((level) => [[`decoder.up.${level}.block`, `decoder.up_blocks.${3 - level}.resnets`], [`decoder.up.${level}.upsample`, `decoder.up_blocks.${3 - level}.upsamplers.0`]] as const),
      ['nin_shortcut', 'conv_shortcut'], ['mid.block_1', 'mid_block.resnets.0'], ['mid.block_2', 'mid_block.resnets.1'], [/mid\.attn_1\.([qkv])\./, 'mid_block.attentions.0.to_$1.'],
      ['mid.attn_1.proj_out', 'mid_block.attentions.0.to_out.0'], ['mid.attn_1.norm', 'mid_block.attentions.0.group_norm'], [/coder\.norm_out/, 'coder.conv_norm_out'],
    ])];
  }
  const unet = name.slice('model.diffusion_model.'.length);
  const [, side, block, part, rest] = /^(input|output)_blocks\.(\d+)\.(\d)\.(.+)$/.exec(unet) ?? [];
  if (unet.startsWith('input_blocks.0.0')) return ['unet', unet.replace('input_blocks.0.0', 'conv_in')];
  if (rest !== undefined) {
    const n = Number(block) - (side === 'input' ? 1 : 0), level = Math.floor(n / 2), j = n % 2;
    const at = `${side === 'input' ? 'down' : 'up'}_blocks.${level}`;
    if (rest.startsWith('op.')) return ['unet', `${at}.downsamplers.0.conv.${rest.slice(3)}`];
    if (rest.startsWith('conv.')) return ['unet', `${at}.upsamplers.0.${rest}`];
    return ['unet', part === '0' ? `${at}.resnets.${j}.${replaceAll(rest, resnet)}` : `${at}.attentions.${j}.${rest}`];
  }
  return ['unet', replaceAll(unet, [
    ['middle_block.0', 'mid_block.resnets.0'], ['middle_block.1', 'mid_block.attentions.0'], ['middle_block.2', 'mid_block.resnets.1'], ...(unet.startsWith('middle_block') ? resnet : []),
    [/^out\.0/, 'conv_norm_out'], [/^out\.2/, 'conv_out'], ['time_embed.0', 'time_embedding.linear_1'], ['time_embed.2', 'time_embedding.linear_2'],
    ['label_emb.0.0', 'add_embedding.linear_1'], ['label_emb.0.2', 'add_embedding.linear_2'],
  ])];
}

/** SDXL's second encoder in transformers' names, as folders have it. */
const sizes: Record<string, CheckpointSizes> = {
  sd1: tinyFamilies.sd1,
  sdxl: { ...tinyFamilies.sdxl, text: {
    'conditioner.embedders.0.transformer.text_model.': tinyFamilies.sdxl.text['conditioner.embedders.0.transformer.text_model.'],
    'conditioner.embedders.1.transformer.text_model.': tinyFamilies.sdxl.text['conditioner.embedders.1.model.'],
  } },
};

describe.each(Object.keys(sizes))('%s', (family) => {
  let vocabulary: Tokenizer;
  beforeAll(async () => { vocabulary = new Tokenizer(await clipMerges()); });
  const draw = async (file: WeightFile): Promise<Float32Array> => {
    const job = JobSpec.parse({ kind: 'txt2img', model: { name: 'tiny', hash: null }, prompt: 'a house', seed: 1, steps: 2, sampler: 'euler', schedule: 'normal', cfg: 3, width: 64, height: 64 });
    const host = { vocabulary, now: () => 0, signal: new AbortController().signal, onPhase: () => undefined, onStep: () => undefined };
    return (await generate(job, composeModel({ unet: file, text: file, vae: file }, ortRuntime({ threads: 1 })), {}, host)).image.data;
  };

  test('cut into diffusers\' parts and put together again, the picture is the same', async () => {
    const whole = await openWeightFile(await randomFamilyCheckpoint(sizes[family]!));
    const parts: Record<string, Map<string, WeightFile['tensors'] extends ReadonlyMap<string, infer E> ? E : never>> = {};
    for (const entry of whole.tensors.values()) {
      const [folder, name] = theirName(entry.name);
      const shape = folder === 'vae' && name.includes('attentions') && entry.shape.length === 4 ? entry.shape.slice(0, 2) : entry.shape;
      (parts[folder] ??= new Map()).set(name, { ...entry, name, shape });
    }
    const part = (name: string): WeightFile | undefined => parts[name] && { ...whole, tensors: parts[name] };
    const joined = assembleCheckpoint('/models/folder', { unet: part('unet'), vae: part('vae'), text: part('text_encoder'), text2: part('text_encoder_2') });
    expect([...joined.tensors.keys()].sort()).toEqual([...whole.tensors.keys()].sort());
    expect(await draw(joined)).toEqual(await draw(whole));
  });

  test('a folder on disk, in shards and half precision, runs and is told apart', async () => {
    const root = scratchFolder();
    const folders = new Map<string, [string, Dims][]>();
    for (const [ours, shape] of checkpointTensors(sizes[family]!)) {
      const [folder, name] = theirName(ours);
      folders.set(folder, [...folders.get(folder) ?? [], [name, shape]]);
    }
    for (const [folder, tensors] of folders) {
      mkdirSync(join(root, folder));
      const half = Math.ceil(tensors.length / 2);
      const files = folder === 'unet'
        ? [['diffusion_pytorch_model.fp16-00001-of-00002', tensors.slice(0, half)], ['diffusion_pytorch_model.fp16-00002-of-00002', tensors.slice(half)]] as const
        : [[folder === 'vae' ? 'diffusion_pytorch_model' : 'model', tensors]] as const;
      for (const [name, list] of files) await writeRandomCheckpoint(join(root, folder, `${name}.safetensors`), new Map(list), 3);
    }
    mkdirSync(join(root, 'scheduler'));
    writeFileSync(join(root, 'scheduler', 'scheduler_config.json'), JSON.stringify({ prediction_type: 'v_prediction', rescale_betas_zero_snr: true }));
    const file = await openModelFolder(root);
    expect(whyNotRunnable(file)).toBeNull();
    expect(identify(file)).toMatchObject({ kind: 'checkpoint', family, prediction: 'v', problems: [] });
    expect(familyTraits(file).table.sigmaMax).toBeGreaterThan(4000);
    expect((await draw(file)).every(Number.isFinite)).toBe(true);
  });
});

test('another VAE takes the place of the checkpoint\'s', async () => {
  const [file, other] = await Promise.all([1, 2].map(async (seed) => openWeightFile(await randomFamilyCheckpoint(tinyFamilies.sd1, { seed }))));
  const bare = new Map([...other!.tensors].filter(([name]) => name.startsWith('first_stage_model.')).map(([name, entry]) => [name.slice(18), { ...entry, name: name.slice(18) }]));
  const joined = assembleCheckpoint('/models/joined', { checkpoint: file, vae: { ...other!, tensors: bare } });
  expect(joined.tensors.get('first_stage_model.decoder.conv_in.weight')).toMatchObject({ file: other!.path });
  expect(joined.tensors.get('model.diffusion_model.out.2.weight')).toMatchObject({ file: file!.path });
  expect(whyNotRunnable(joined)).toBeNull();
});

test('a folder without a network is refused by the name of what is missing', async () => {
  expect(await refusalOf(openModelFolder(scratchFolder()))).toMatchObject({ code: 'model.notACheckpoint', message: expect.stringContaining('no unet folder') as string });
});
