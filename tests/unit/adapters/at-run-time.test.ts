// LoRAs while a picture is made, against the same LoRA baked into the checkpoint: every form, on the demo checkpoint and on each family in small.
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openLora, type Lora } from '../../../main/engine/adapters/lora';
import { composeModel, type Model } from '../../../main/engine/pipeline/model';
import { lorasOn, shareOf, type OpenLoraUse } from '../../../main/engine/pipeline/loras';
import type { Runtime } from '../../../main/engine/pipeline/runtime';
import { stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { float32, sizeOf, type Dims, type Tensor } from '../../../main/engine/tensor';
import { numbersOf } from '../../../main/engine/weights/values';
import { Hires } from '../../../preload/contract/editing';
import { loraTargets } from '../../../main/engine/weights/lora/targets';
import { openWeightFile, withFile } from '../../../main/files/weight-file';
import { bakeLoras } from '../../../main/services/model-tools/bake';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
import { demoJob, demoPath } from '../../support/demo';
import { loraForms } from '../../support/lora-forms';
import { randomValues, writeWeights, type StoredWeights } from '../../support/weights';
import { runWholeJob } from '../../support/whole-jobs';

const random = (dims: Dims, seed: number, size: number): StoredWeights => ({ dims, values: randomValues(sizeOf(dims), seed).map((value) => size * value), dtype: 'F16' });
const values = (dims: Dims, seed: number): Tensor => float32(dims, Float32Array.from(randomValues(sizeOf(dims), seed)));

const open = (path: string, version = path): Promise<Lora> => withFile(path, async ({ read }) => openLora(await openWeightFile(path), version, (entry) => numbersOf(entry, read)));

/** Rank 3 on every layer of transformers, convolutions and text encoders. */
async function loraFor(model: string, wanted: RegExp): Promise<string> {
  const weights: Record<string, StoredWeights> = {};
  const targets = [...new Set(loraTargets(await openWeightFile(model)).values())].filter(({ kohyaName, weight }) => wanted.test(kohyaName) && weight.shape.length > 1 && !weight.name.includes('token_embedding') && !weight.name.includes('position'));
  targets.forEach(({ kohyaName, weight, rows, transposed }, i) => {
    const shape = transposed ? [...weight.shape].reverse() : [rows?.count ?? weight.shape[0]!, ...weight.shape.slice(1)], [out, input, ...kernel] = shape as [number, number, ...number[]];
    weights[`${kohyaName}.lora_down.weight`] = random([3, input, ...kernel], 2 * i, 0.3);
    weights[`${kohyaName}.lora_up.weight`] = random([out, 3, ...kernel.map(() => 1)], 2 * i + 1, 0.3);
    weights[`${kohyaName}.alpha`] = { dims: [], values: [2] };
  });
  return writeWeights(weights);
}

type Answers = Record<string, Tensor>;
const modelAt = async (path: string, runtime: Runtime = ortRuntime({ threads: 1 })): Promise<Model> => {
  const file = await openWeightFile(path);
  return composeModel({ unet: file, text: file, vae: file }, runtime);
};

/** What the U-Net and the text encoders say with these LoRAs. */
async function ask(model: Model, uses: readonly OpenLoraUse[], progress = 0.5): Promise<Answers> {
  const loras = lorasOn(model, uses, shareOf('a1111', stableDiffusionTable));
  const ids = Array.from({ length: 77 }, (_, i) => (i < 6 ? 49406 - i * 100 : 49407));
  const { states, pooled } = await model.encodeText([ids], 1, [], loras.text);
  const { inChannels, contextDim, vectorDim } = model.unet;
  const x = values([2, inChannels, 16, 16], 1), t = float32([2], Float32Array.of(500, 500));
  const out = await model.predict(x, t, { context: values([2, 77, contextDim], 2), ...(vectorDim > 0 && { y: values([2, vectorDim], 3) }) }, { rows: ['cond', 'uncond'], sigma: 2, progress }, loras.extensions);
  return { unet: out, ...Object.fromEntries(states.map((state, i) => [`text${i}`, state])), ...(pooled && { pooled }) };
}

async function answers(path: string, uses: readonly OpenLoraUse[]): Promise<Answers> {
  const model = await modelAt(path), all = await ask(model, uses);
  await model.close();
  return all;
}

const apart = (a: Answers, b: Answers): Record<string, number> =>
  Object.fromEntries(Object.entries(a).map(([name, { data }]) => [name, Math.max(...data.map((value, i) => Math.abs(value - b[name]!.data[i]!))) / Math.max(...b[name]!.data.map(Math.abs))]));

describe.each(Object.entries(tinyFamilies))('%s', (_, sizes) => {
  test('a LoRA on all layers is as baked, at any strength', async () => {
    const path = await randomFamilyCheckpoint(sizes), lora = await loraFor(path, /./), file = await open(lora), out = join(scratchFolder(), 'baked.safetensors');
    const plain = await answers(path, []);
    for (const [unet, text] of [[1, 1], [0.7, -0.4]] as const) {
      await bakeLoras(ortRuntime(), { model: path, loras: [{ path: lora, weight: unet, te: text }], out, precision: 'F32' });
      const now = await answers(path, [{ lora: file, unet, text }]), baked = await answers(out, []);
      for (const [name, far] of Object.entries(apart(now, baked))) expect([name, far < 1e-4, far]).toEqual([name, true, far]);
      for (const [name, far] of Object.entries(apart(now, plain))) expect([name, far > 1e-2, far]).toEqual([name, true, far]);
    }
  }, 60_000);
});

const { sd1, sdxl } = tinyFamilies;
/** One form on a linear layer of attention, a convolution and a text encoder's layer of the model. */
async function formFor(model: string, form: (out: number, input: number, kernel: readonly number[]) => Record<string, StoredWeights>): Promise<string> {
  const weights: Record<string, StoredWeights> = {}, targets = [...new Set(loraTargets(await openWeightFile(model)).values())];
  for (const wanted of [/^lora_unet_.*attn1_to_q$/, /^lora_unet_.*(?:resnets_0_conv1|in_layers_2)$/, /^lora_te1?_.*layers_0_mlp_fc1$/]) {
    const { kohyaName, weight: { shape } } = targets.find((target) => wanted.test(target.kohyaName) && target.weight.shape.length > 1)!, [out, input, ...kernel] = shape as [number, number, ...number[]];
    for (const [part, tensor] of Object.entries(form(out, input, kernel))) weights[`${kohyaName}.${part}`] = tensor;
  }
  return writeWeights(weights);
}
const pair = (out: number, input: number, kernel: readonly number[]): Record<string, StoredWeights> => ({ 'lora_down.weight': small([2, input, ...kernel], 1), 'lora_up.weight': small([out, 2, ...kernel.map(() => 1)], 2), alpha: { dims: [], values: [1] } });
const small = (dims: Dims, seed: number): StoredWeights => ({ ...random(dims, seed, 0.3), dtype: 'F32' });
const forms: Record<string, Parameters<typeof formFor>[1]> = {
  ...Object.fromEntries(Object.entries(loraForms).map(([name, make]) => [name, (...layer: Parameters<typeof make>) => make(...layer).parts])),
  'lora with a bias of its own, and a difference of the bias': (out, input, kernel) => ({ ...pair(out, input, kernel), diff_b: small([out], 3), 'lora_B.bias': small([out], 4) }),
  'locon with its middle': (out, input, kernel) => (kernel.length === 0 ? pair(out, input, kernel) : { 'lora_down.weight': small([2, input, 1, 1], 1), 'lora_mid.weight': small([2, 2, ...kernel], 2), 'lora_up.weight': small([out, 2, 1, 1], 3) }),
  'dora on outputs': (out, input, kernel) => ({ ...pair(out, input, kernel), dora_scale: small([out, ...(kernel.length > 0 ? [1, 1, 1] : [1])], 5) }),
  'dora on inputs': (out, input, kernel) => ({ ...pair(out, input, kernel), dora_scale: small([1, input, ...kernel.map(() => 1)], 6) }),
};

describe.each([['SD 1', sd1], ['SDXL', sdxl]] as const)('%s: every form is as baked, in the U-Net and in the text encoders', (_, sizes) => {
  test.each(Object.entries(forms))('%s', async (_, form) => {
    const path = await randomFamilyCheckpoint(sizes), lora = await formFor(path, form), file = await open(lora), out = join(scratchFolder(), 'baked.safetensors'), plain = await answers(path, []);
    for (const [unet, text] of [[1, 1], [0.7, -0.4]] as const) {
      await bakeLoras(ortRuntime(), { model: path, loras: [{ path: lora, weight: unet, te: text }], out, precision: 'F32' });
      const now = await answers(path, [{ lora: file, unet, text }]), baked = await answers(out, []);
      for (const [name, far] of Object.entries(apart(now, baked))) expect([name, far < 1e-4, far]).toEqual([name, true, far]);
      for (const name of ['unet', 'text0']) expect(apart(now, plain)[name]).toBeGreaterThan(1e-4);
    }
    const none = await answers(path, [{ lora: file, unet: 0, text: 0 }]);
    expect(Object.values(none).map(({ data }) => [...data])).toEqual(Object.values(plain).map(({ data }) => [...data]));
  }, 60_000);
});

describe('on the demo checkpoint', () => {
  test('at strength 0 nothing changes by a bit, and at 1 the picture is that of the checkpoint with the LoRA baked in', async () => {
    const lora = await loraFor(demoPath, /attn/), out = join(scratchFolder(), 'baked.safetensors'), file = await open(lora);
    await bakeLoras(ortRuntime(), { model: demoPath, loras: [{ path: lora, weight: 0.1, te: 0.1 }], out, precision: 'F32' });
    const job = demoJob({ prompt: 'a red house on grass', sampler: 'euler', schedule: 'normal', steps: 6, width: 64, height: 64 });
    const paint = async (model: string, use?: Partial<OpenLoraUse>): Promise<Tensor> => {
      const loras = use ? [{ unet: 0.1, text: 0.1, ...use }] : [];
      return runWholeJob({ ...job, ...(use && { loras, files: { ...job.files, loras: loras.map(() => ({ name: 'x', hash: null })) } }) }, { model }, { loras: use ? [file] : [] });
    };
    const plain = await paint(demoPath), whole = await paint(demoPath, {}), baked = await paint(out), none = await paint(demoPath, { unet: 0, text: 0 });
    expect([...none.data]).toEqual([...plain.data]);
    expect(Math.max(...whole.data.map((value, i) => Math.abs(value - baked.data[i]!)))).toBeLessThan(1e-4);
    expect(Math.max(...whole.data.map((value, i) => Math.abs(value - plain.data[i]!)))).toBeGreaterThan(1e-2);
  });
});

test('of two passes each has its own', async () => {
  const lora = await open(await loraFor(demoPath, /attn/)), hires = Hires.parse({ scale: 1.5, strength: 0.6, steps: 3 });
  const paint = async (uses: readonly object[]): Promise<Tensor> => {
    const job = demoJob({ prompt: 'a red house on grass', sampler: 'euler', schedule: 'normal', steps: 3, width: 64, height: 64, hires });
    return runWholeJob({ ...job, loras: uses.map((use) => ({ unet: 0.3, text: 0, ...use })), files: { ...job.files, loras: uses.map(() => ({ name: 'x', hash: null })) } }, { model: demoPath }, { loras: uses.map(() => lora) });
  };
  const [none, both, first, second, split] = [await paint([]), await paint([{}]), await paint([{ pass: 'first' }]), await paint([{ pass: 'second' }]), await paint([{ pass: 'first' }, { pass: 'second' }])];
  expect(new Set([none, both, first, second].map(({ data }) => [...data].join())).size).toBe(4);
  expect([...split.data]).toEqual([...both.data]);
});

describe('on one model', () => {
  test('another strength, and one that follows the schedule, open nothing anew; at 0 all is as without it, bit for bit', async () => {
    const path = await randomFamilyCheckpoint(tinyFamilies.sd1), lora = await open(await loraFor(path, /attn/));
    const ort = ortRuntime({ threads: 1 }), opened: string[] = [];
    const model = await modelAt(path, { open: (graph) => { opened.push(graph.name); return ort.open(graph); } });
    const unets = (): number => opened.filter((name) => name === 'unet').length;
    const plain = await ask(model, []), whole = await ask(model, [{ lora, unet: 1, text: 0 }]);
    expect(unets()).toBe(2);
    const half = await ask(model, [{ lora, unet: 0.5, text: 0 }]), before = await ask(model, [{ lora, unet: 1, text: 0, start: 0.6 }]), after = await ask(model, [{ lora, unet: 1, text: 0, end: 0.5 }]);
    const during = await ask(model, [{ lora, unet: 1, text: 0, start: 0.5, end: 0.6 }]);
    expect(unets()).toBe(2);
    for (const off of [before, after]) expect(apart(off, plain)['unet']).toBeLessThan(1e-5);
    expect([...during['unet']!.data]).toEqual([...whole['unet']!.data]);
    expect(apart(half, whole)['unet']).toBeGreaterThan(1e-3);
    const none = await ask(model, [{ lora, unet: 0, text: 0 }]);
    expect(Object.values(none).map(({ data }) => [...data])).toEqual(Object.values(plain).map(({ data }) => [...data]));
    expect(opened.filter((name) => name === 'text')).toHaveLength(1);       // the words' answers are kept, by the LoRAs on them
    await ask(model, [{ lora, unet: 0, text: 1 }]);
    expect(opened.filter((name) => name === 'text')).toHaveLength(2);
    await model.close();
  });

  test('blocks, several at once, and ranks left out', async () => {
    const path = await randomFamilyCheckpoint(tinyFamilies.sd1), model = await modelAt(path), [a, b] = [await open(await loraFor(path, /attn/)), await open(await loraFor(path, /conv|proj/), 'b')] as const;
    const use = (lora: Lora, more: Partial<OpenLoraUse> = {}): OpenLoraUse => ({ lora, unet: 1, text: 1, ...more });
    const names = [...Array.from({ length: 12 }, (_, i) => [`IN${String(i).padStart(2, '0')}`, `OUT${String(i).padStart(2, '0')}`]).flat(), 'M00'];
    const none = Object.fromEntries(names.map((name) => [name, 0])), plain = await ask(model, []), whole = await ask(model, [use(a)]);
    const inText = await ask(model, [use(a, { blocks: none })]), inUnet = await ask(model, [use(a, { blocks: { BASE: 0 } })]), middle = await ask(model, [use(a, { blocks: { ...none, M00: 1 } })]);
    expect(apart(inText, plain)['unet']).toBeLessThan(1e-5);
    expect(apart(inText, whole)['text0']).toBe(0);
    expect(apart(inUnet, whole)['unet']).toBeLessThan(1e-5);
    expect(apart(inUnet, plain)['text0']).toBeLessThan(1e-5);
    expect([apart(middle, plain)['unet']! > 1e-4, apart(middle, whole)['unet']! > 1e-4]).toEqual([true, true]);
    const both = await ask(model, [use(a), use(b, { unet: -0.5 })]), turned = await ask(model, [use(b, { unet: -0.5 }), use(a)]);
    expect(apart(both, turned)['unet']).toBeLessThan(1e-4);
    expect(apart(both, whole)['unet']).toBeGreaterThan(1e-4);
    const ranked = await ask(model, [use(a, { ranks: 1 })]), all = await ask(model, [use(a, { ranks: 3 })]);
    expect(apart(all, whole)['unet']).toBe(0);
    expect(apart(ranked, whole)['unet']).toBeGreaterThan(1e-4);
    await model.close();
  });
});

test('a LoRA on another drive than the model is as one beside it', async () => {
  const path = await randomFamilyCheckpoint(sd1), lora = await loraFor(path, /attn/), file = await open(lora), uses = [{ lora: file, unet: 1, text: 1 }];
  const near = await modelAt(path), far = await modelAt(path, ortRuntime({ threads: 1, rootOf: dirname }));
  expect(dirname(lora)).not.toBe(dirname(path));
  expect(apart(await ask(far, uses), await ask(near, uses))).toEqual(Object.fromEntries(Object.keys(await ask(near, uses)).map((name) => [name, 0])));
  await Promise.all([near.close(), far.close()]);
});

describe('files that are no good', () => {
  const at = 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q';
  const broken = (weights: Record<string, StoredWeights>): Promise<unknown> => open(writeWeights(weights)).catch((error: unknown) => error);
  test('half a pair, and rank 0, are named', async () => {
    expect(await broken({ [`${at}.lora_down.weight`]: random([3, 64], 1, 1), [`${at}.alpha`]: { dims: [], values: [1] } })).toMatchObject({ code: 'lora.broken', data: { why: 'half', layer: at } });
    expect(await broken({ [`${at}.lora_down.weight`]: random([0, 64], 1, 1), [`${at}.lora_up.weight`]: random([64, 0], 1, 1) })).toMatchObject({ code: 'lora.broken', data: { why: 'rank', layer: at } });
    expect(await broken({ [`${at}.alpha`]: { dims: [], values: [1] } })).toMatchObject({ modules: [] });
  });
  test('of another base: nothing that fits, a layer that does not fit, and what is left out', async () => {
    const path = await randomFamilyCheckpoint(tinyFamilies.sd1), model = await modelAt(path);
    const put = async (weights: Record<string, StoredWeights>) => lorasOn(model, [{ lora: await open(writeWeights(weights)), unet: 1, text: 1 }], () => 0);
    const pair = (name: string, out: number, input: number): Record<string, StoredWeights> => ({ [`${name}.lora_down.weight`]: random([2, input], 1, 1), [`${name}.lora_up.weight`]: random([out, 2], 2, 1) });
    await expect(put(pair('lora_unet_double_blocks_0_img_attn_qkv', 64, 64))).rejects.toMatchObject({ code: 'lora.changesNothing', data: { why: 'family', layer: 'lora_unet_double_blocks_0_img_attn_qkv' } });
    expect((await put({ ...pair(at, 64, 64), ...pair('lora_unet_nowhere', 4, 4) })).notices).toEqual([{ code: 'lora.unmatched', data: { name: 'model', count: 1, of: 2, layers: 'lora_unet_nowhere' } }]);
    const wrong = await open(writeWeights(pair(at, 64, 32)));
    await expect(ask(model, [{ lora: wrong, unet: 1, text: 1 }])).rejects.toMatchObject({ code: 'lora.misfit', data: { layer: at, want: [64, 64] } });
    await model.close();
  });
});
