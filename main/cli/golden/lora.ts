// Golden case of LoRA files: each is baked into the tiny networks' weights, in fp32; merged weights and the networks' outputs are compared, and the outputs
// once more with the LoRAs as nodes of the graphs.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DoraRule } from '../../engine/adapters/change';
import { loraHooks } from '../../engine/adapters/hooks';
import { matchLora, openLora } from '../../engine/adapters/lora';
import { clipTower } from '../../engine/families/clip';
import { openClipTower } from '../../engine/families/openclip';
import { buildTextTower, firstEnd, type TextTower } from '../../engine/families/text-tower';
import { buildUnet, timestepEmbedding, unetConfig } from '../../engine/families/unet';
import type { Hooks } from '../../engine/graph/hooks';
import { float32, int64, type Tensor } from '../../engine/tensor';
import { loraTargets } from '../../engine/weights/lora/targets';
import { numbersOf } from '../../engine/weights/values';
import { openWeightFile, withFile } from '../../files/weight-file';
import type { WeightFile } from '../../engine/weights/source';
import { bakeLoras, type LoraUse } from '../../services/model-tools/bake';
import { withTensors, openModel } from '../../services/model-tools/tensor-reader';
import { ortRuntime } from '../../worker/ort-runtime';
import { caseTensors, compareTensor, evaluate, headsOf, type CaseTensors } from './networks';
import { readCase } from './read';
import type { CaseFolder, Check, Checker } from './types';

/** One baked result: which files, how strong, and under which name its tensors are stored. */
interface Setting { readonly name: string; readonly loras: readonly LoraUse[]; readonly dora: DoraRule; readonly isXl: boolean; readonly stem: string }

export const checkLora: Checker = async function* (folder) {
  const scratch = await mkdtemp(join(tmpdir(), 'atelier-golden-'));
  try {
    const expected = await caseTensors(join(folder.path, 'expected.safetensors'));
    for (const setting of settingsOf(folder, expected)) yield* checkSetting(folder, expected, setting, scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** Names begin with '<case>.m<strength>.', '<case>.comfy.m<strength>.' or 'two.<file>_<strength>.<file>_<strength>.'. */
function settingsOf(folder: CaseFolder, expected: CaseTensors): Setting[] {
  const stems = new Set(expected.names.map((name) => /^(?:two\..+_-?\d+(?:\.\d+)?(?=\.[a-z])|.+?\.m\d+(?:\.\d+)?(?=\.[a-z]))/.exec(name)?.[0] ?? name));
  return [...stems].flatMap((stem): Setting[] => {
    if (stem.startsWith('two.')) {
      const loras = [...stem.slice(4).matchAll(/([a-z_]+)_(-?\d+(?:\.\d+)?)/g)].map(([, file, weight]) => ({ path: join(folder.path, `${file}.safetensors`), weight: Number(weight) }));
      return [{ name: stem, stem, loras, dora: 'blend', isXl: false }];
    }
    const [, name = '', comfy, weight] = /^(.+?)(\.comfy)?\.m([\d.]+)$/.exec(stem) ?? [];
    // An entry of `files` may go on with a remark.
    const files = (folder.config['cases'] as { name: string; files?: string[] }[]).find((entry) => entry.name === name)?.files?.map((file) => file.split(' ')[0]!) ?? [`${name}.safetensors`];
    return files.map((file) => ({
      name: files.length > 1 ? `${stem} (${file})` : stem, stem, loras: [{ path: join(folder.path, file), weight: Number(weight) }],
      dora: comfy ? 'comfyui' : 'lycoris', isXl: name === 'sdxl',
    }));
  });
}

async function* checkSetting(folder: CaseFolder, expected: CaseTensors, setting: Setting, scratch: string): AsyncIterable<Check> {
  const prefix = `${setting.stem}.`;
  const wanted = expected.names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  for (const part of ['unet', 'te'] as const) {
    const names = wanted.filter((name) => name.startsWith('te') === (part === 'te'));
    if (names.length === 0) continue;
    const base = part === 'unet' ? (setting.isXl ? 'unet_sdxl_tiny' : 'unet_sd15_tiny') : setting.isXl ? 'open_clip_tiny' : 'clip_l_tiny';
    const root = join(dirname(folder.path), base);
    if (!existsSync(join(root, 'case.json'))) {
      yield { check: `${setting.name}.${part}`, status: 'unsupported', error: null, tolerance: null, note: `needs the case ${base} beside this one` };
      continue;
    }
    const out = join(scratch, `${part}.safetensors`);
    const weights = join(root, base === 'open_clip_tiny' ? 'weights_sdxl_g.safetensors' : 'weights.safetensors');
    await bakeLoras(ortRuntime(), { model: weights, loras: setting.loras, out, precision: 'F32', dora: setting.dora });
    const baked = await openModel(out), tiny = await readCase(root);
    const outputs = part === 'unet' ? await unetOutputs(baked, tiny, setting.isXl ? 'b' : 'a') : await textOutputs(baked, tiny, setting.isXl, names);
    for (const name of names) {
      const [, key] = /(?:^|\.)weight\.(.+)$/.exec(name) ?? [];
      const mine = key === undefined ? outputs[name] : await weightBelow(baked, key);
      const tolerance = folder.config['tolerance'][key === undefined ? 'eps max_abs_over_max_ref' : 'weights max_abs_over_max_ref'] as number;
      yield mine ? compareTensor(`${setting.name}.${name}`, mine, expected.stored(prefix + name), tolerance)
        : { check: `${setting.name}.${name}`, status: 'unsupported', error: null, tolerance, note: 'no such output' };
    }
    // LyCORIS' own rule for DoRA is there for baking alone.
    if (setting.dora !== 'lycoris' || !/^dora_/.test(setting.name)) yield* checkAtRunTime({ expected, wanted: names, folder }, setting, part, weights, root);
  }
}

/** The case leaves the network's prefix out. */
async function weightBelow(file: WeightFile, key: string): Promise<Tensor | undefined> {
  const entry = [...file.tensors.values()].find(({ name }) => name.endsWith(`.${key}`));
  return entry && withTensors([file], (reader) => reader.tensor(entry));
}

/** The same outputs of the unchanged networks with the LoRAs as nodes of their graphs. Their DoRA is ComfyUI's. */
async function* checkAtRunTime({ expected, wanted, folder }: { expected: CaseTensors; wanted: readonly string[]; folder: CaseFolder }, setting: Setting, part: 'unet' | 'te', weights: string, root: string): AsyncIterable<Check> {
  const file = await openModel(weights), tiny = await readCase(root), targets = loraTargets(file);
  const applied = await Promise.all(setting.loras.map(async ({ path, weight }, i) => {
    const lora = await withFile(path, async ({ read }) => openLora(await openWeightFile(path), '', (entry) => numbersOf(entry, read)));
    return { path: lora.file.path, input: `lora${i}`, weight, changes: matchLora(lora, targets).changes };
  }));
  const change: Changing = { hooks: () => loraHooks(applied), feeds: Object.fromEntries(applied.flatMap(({ input, weight, changes }) => (changes.length > 0 ? [[input, float32([], Float32Array.of(weight))]] : []))) };
  const names = wanted.filter((name) => !name.includes('weight.'));
  const outputs = part === 'unet' ? await unetOutputs(file, tiny, setting.isXl ? 'b' : 'a', change) : await textOutputs(file, tiny, setting.isXl, names, change);
  for (const name of names) {
    const mine = outputs[name];
    if (mine) yield compareTensor(`${setting.name}.${name} at run time`, mine, expected.stored(`${setting.stem}.${name}`), folder.config['tolerance']['eps max_abs_over_max_ref'] as number);
  }
}

/** What changes a network from outside. */
interface Changing { readonly hooks?: () => Hooks; readonly feeds?: Readonly<Record<string, Tensor>> }

async function unetOutputs(file: WeightFile, { path, config }: CaseFolder, set: string, { hooks, feeds: more }: Changing = {}): Promise<Record<string, Tensor | undefined>> {
  const io = await caseTensors(join(path, 'io.safetensors'));
  const network = unetConfig(file, 'model.diffusion_model', headsOf(config['config']));
  if (!network) throw new Error(`there is no U-Net in ${file.path}`);
  const x = io.float(`${set}.x`), context = io.float(`${set}.context`);
  const [batch, , height, width] = x.dims as [number, number, number, number];
  const feeds = { x, t: timestepEmbedding(io.float(`${set}.t`).data, network.modelChannels), context, ...(io.has(`${set}.y`) && { y: io.float(`${set}.y`) }) };
  const { out } = await evaluate(ortRuntime(), buildUnet(file, network, { batch, height, width, tokens: context.dims[1]! }, hooks?.()), { ...feeds, ...more });
  return { eps: out };
}

/** Of the first two rows of the case's token ids. */
async function textOutputs(file: WeightFile, { path, config }: CaseFolder, isXl: boolean, names: readonly string[], { hooks, feeds: more }: Changing = {}): Promise<Record<string, Tensor | undefined>> {
  const all = (await caseTensors(join(path, 'io.safetensors'))).ids('in.input_ids'), length = all.dims[1]!, batch = 2;
  const ids = int64([batch, length], all.data.slice(0, batch * length));
  const run = (tower: TextTower, clipSkip: number, feeds = {}) => evaluate(ortRuntime(), buildTextTower(tower, { batch, clipSkip }, hooks?.()), { ids, ...feeds, ...more });
  if (isXl) {
    const tower = openClipTower(file, 'conditioner.embedders.1.model', config['config'].heads);
    if (!tower) throw new Error(`there is no OpenCLIP text tower in ${file.path}`);
    const ends = int64([batch], BigInt64Array.from([0, 1], (row) => BigInt(row * length + firstEnd(Array.from(ids.data.subarray(row * length, (row + 1) * length), Number)))));
    const { hidden, pooled } = await run({ ...tower, clipSkip: 2, normed: false }, 2, { ends });
    return { 'te2.penultimate': hidden, 'te2.pooled': pooled };
  }
  const tower = clipTower(file, 'cond_stage_model.transformer', { heads: config['config'].num_attention_heads });
  if (!tower) throw new Error(`there is no CLIP text tower in ${file.path}`);
  const skipped = names.includes('te.clip_skip_2') ? (await run(tower, 2))['hidden'] : undefined;
  return { 'te.last_hidden_state': (await run(tower, 1))['hidden'], 'te.clip_skip_2': skipped };
}
