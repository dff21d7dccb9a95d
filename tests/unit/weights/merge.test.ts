// Merges of small checkpoints: what the algebra promises, which tensors meet, what is refused, and what the file says of itself.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import { blockOf, parseBlocks } from '../../../main/engine/weights/merge/blocks';
import { mergeModels, type MergeRequest } from '../../../main/services/model-tools/merge';
import { scratchFolder } from '../../support/checkpoints';
import { fuzzRuns } from '../../support/fuzz';
import { randomWeights, readWeights, writeWeights, type WeightsByName } from '../../support/weights';
import { wordsFor } from '../../support/words';

const unet = 'model.diffusion_model.';
const shapes = {
  [`${unet}input_blocks.0.0.weight`]: [8, 4, 3, 3], [`${unet}input_blocks.4.1.proj_in.weight`]: [8, 8], [`${unet}middle_block.0.in_layers.0.bias`]: [8],
  [`${unet}output_blocks.11.0.in_layers.2.weight`]: [8, 8, 3, 3], [`${unet}out.2.bias`]: [4], [`${unet}time_embed.0.weight`]: [16, 8],
  'cond_stage_model.transformer.text_model.final_layer_norm.weight': [8], 'first_stage_model.decoder.conv_in.weight': [4, 4, 1, 1],
} as const;
const names = Object.keys(shapes);
const [a, b, c] = [1, 2, 3].map((seed) => randomWeights(shapes, seed)) as [WeightsByName, WeightsByName, WeightsByName];

async function merged(models: { a: WeightsByName; b: WeightsByName; c?: WeightsByName }, options: Partial<MergeRequest>) {
  const out = join(scratchFolder(), 'merged.safetensors');
  const report = await mergeModels({
    a: writeWeights(models.a), b: writeWeights(models.b), c: models.c && writeWeights(models.c), mode: models.c ? 'add-difference' : 'weighted-sum', multiplier: 0.5, out, ...options,
  });
  return { report, out, ...(report.dryRun ? { tensors: {}, metadata: {} } : await readWeights(out)) };
}

async function refusal(work: Promise<unknown>): Promise<AppError> {
  const error: unknown = await work.then(() => null, (cause: unknown) => cause);
  if (!(error instanceof AppError)) throw new Error(`expected an AppError, got ${String(error)}`);
  return error;
}

const without = (weights: WeightsByName, name: string): WeightsByName => Object.fromEntries(Object.entries(weights).filter(([key]) => key !== name));
const values = (weights: WeightsByName): Record<string, readonly number[]> => Object.fromEntries(Object.entries(weights).map(([name, tensor]) => [name, tensor.values]));
const valuesOf = (tensors: Record<string, { values: number[] }>): Record<string, number[]> => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.values]));

describe('weighted sum', () => {
  test('is (1 − M)·A + M·B for every value', async () => {
    const { tensors, report } = await merged({ a, b }, { multiplier: 0.3 });
    for (const name of names) {
      tensors[name]!.values.forEach((value, i) => expect(value).toBeCloseTo(0.7 * a[name]!.values[i]! + 0.3 * b[name]!.values[i]!, 6));
    }
    expect(report).toMatchObject({ merged: names.length, onlyA: [], onlyB: [], variant: null, notFinite: [] });
  });

  test('M = 0 is A and M = 1 is B, to the bit, whatever the other holds', async () => {
    const seed = fc.integer({ min: 1, max: 1e6 }), odd = fc.constantFrom(NaN, Infinity, -Infinity, 3e38, -0);
    await fc.assert(fc.asyncProperty(seed, seed, odd, async (seedA, seedB, poison) => {
      const one = randomWeights(shapes, seedA), other = randomWeights(shapes, seedB);
      const poisoned = { ...other, [names[1]!]: { dims: shapes[names[1] as keyof typeof shapes], values: Array<number>(64).fill(poison) } };
      expect(valuesOf((await merged({ a: one, b: poisoned }, { multiplier: 0 })).tensors)).toEqual(values(one));
      expect(valuesOf((await merged({ a: poisoned, b: one }, { multiplier: 1 })).tensors)).toEqual(values(one));
    }), { numRuns: 10 });
  });

  test('of a model with itself changes nothing beyond rounding', async () => {
    const { tensors } = await merged({ a, b: a }, { multiplier: 0.37 });
    for (const name of names) tensors[name]!.values.forEach((value, i) => expect(Math.abs(value - a[name]!.values[i]!)).toBeLessThanOrEqual(2 ** -24));
  });

  test('NaN stays NaN where it is, and is reported', async () => {
    const poisoned = { ...a, [names[0]!]: { ...a[names[0]!]!, values: a[names[0]!]!.values.map((value, i) => (i === 5 ? NaN : value)) } };
    const { tensors, report } = await merged({ a: poisoned, b }, {});
    expect(tensors[names[0]!]!.values.flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([5]);
    expect(report.notFinite).toEqual([names[0]]);
  });
});

describe('add difference', () => {
  test('is A + M·(B − C) for every value', async () => {
    const { tensors } = await merged({ a, b, c }, { multiplier: 0.8 });
    for (const name of names) {
      tensors[name]!.values.forEach((value, i) => expect(value).toBeCloseTo(a[name]!.values[i]! + 0.8 * (b[name]!.values[i]! - c[name]!.values[i]!), 6));
    }
  });

  test('B = C and M = 0 give A to the bit; A = C with M = 1 gives B beyond rounding', async () => {
    const seed = fc.integer({ min: 1, max: 1e6 });
    await fc.assert(fc.asyncProperty(seed, seed, fc.double({ min: -2, max: 2, noNaN: true }), async (seedA, seedB, multiplier) => {
      const one = randomWeights(shapes, seedA), other = randomWeights(shapes, seedB);
      expect(valuesOf((await merged({ a: one, b: other, c: other }, { multiplier })).tensors)).toEqual(values(one));
      expect(valuesOf((await merged({ a: one, b: other, c: a }, { multiplier: 0 })).tensors)).toEqual(values(one));
      const { tensors } = await merged({ a: one, b: other, c: one }, { multiplier: 1 });
      for (const name of names) tensors[name]!.values.forEach((value, i) => expect(Math.abs(value - other[name]!.values[i]!)).toBeLessThanOrEqual(2 ** -22));
    }), { numRuns: 8 });
  });

  test('what C lacks stays as in A, and C must be given', async () => {
    const { tensors } = await merged({ a, b, c: without(c, names[3]!) }, {});
    expect(tensors[names[3]!]!.values).toEqual(a[names[3]!]!.values);
    expect((await refusal(merged({ a, b }, { mode: 'add-difference' }))).code).toBe('merge.noThird');
  });
});

describe('which tensors meet', () => {
  test('what only A has is kept, what only B has is left out', async () => {
    const extra = { dims: [3], values: [1, 2, 3] };
    const { tensors, report } = await merged({ a: { ...a, 'first_stage_model.only_a': extra }, b: { ...b, 'first_stage_model.only_b': extra } }, {});
    expect(report).toMatchObject({ onlyA: ['first_stage_model.only_a'], onlyB: ['first_stage_model.only_b'], merged: names.length });
    expect(tensors['first_stage_model.only_a']!.values).toEqual([1, 2, 3]);
    expect(Object.keys(tensors)).not.toContain('first_stage_model.only_b');
  });

  test('buffers and whole numbers are A\'s, and keep their precision', async () => {
    const ids = 'cond_stage_model.transformer.text_model.embeddings.position_ids';
    const more = (first: number) => ({ alphas_cumprod: { dims: [2], values: [first, 0.1234567] }, [ids]: { dims: [1, 2], values: [first, 7], dtype: 'I64' as const } });
    const { tensors } = await merged({ a: { ...a, ...more(1) }, b: { ...b, ...more(2) } }, { precision: 'F16' });
    expect(tensors.alphas_cumprod).toMatchObject({ dtype: 'F32', values: [1, Math.fround(0.1234567)] });
    expect(tensors[ids]).toMatchObject({ dtype: 'I64', values: [1, 7] });
    expect(tensors[names[0]!]!.dtype).toBe('F16');
  });

  test.each([[9, 'inpaint'], [8, 'pix2pix']] as const)('A with %i input channels: the first four are merged, the rest is A\'s', async (channels, variant) => {
    const first = names[0]!;
    const wide = { ...a, ...randomWeights({ [first]: [8, channels, 3, 3] }, 9) };
    for (const models of [{ a: wide, b }, { a: wide, b, c }]) {
      const { tensors, report } = await merged(models, { multiplier: 0.25 });
      expect(report.variant).toBe(variant);
      tensors[first]!.values.forEach((value, i) => {
        const row = Math.floor(i / (channels * 9)), channel = Math.floor(i / 9) % channels, at = (row * 4 + channel) * 9 + (i % 9), own = wide[first]!.values[i]!;
        const want = channel >= 4 ? own : 'c' in models ? own + 0.25 * (b[first]!.values[at]! - c[first]!.values[at]!) : 0.75 * own + 0.25 * b[first]!.values[at]!;
        expect(value).toBeCloseTo(want, 6);
      });
    }
    const swapped = await refusal(merged({ a: b, b: wide }, {}));
    expect(wordsFor(swapped)).toMatchObject({ code: 'merge.misfit', hint: expect.stringContaining('must be A') as string });
  });

  test('text encoders named without "text_model" meet the others', async () => {
    const old = 'cond_stage_model.transformer.final_layer_norm.weight', now = names[6]!;
    const { tensors } = await merged({ a: { ...without(a, now), [old]: a[now]! }, b }, {});
    tensors[now]!.values.forEach((value, i) => expect(value).toBeCloseTo((a[now]!.values[i]! + b[now]!.values[i]!) / 2, 6));
  });

  test('other shapes and other networks are refused by the tensors\' names', async () => {
    const odd = await refusal(merged({ a, b: { ...b, ...randomWeights({ [names[1]!]: [8, 16] }, 4) } }, {}));
    expect(wordsFor(odd)).toMatchObject({ code: 'merge.misfit', message: expect.stringContaining(`${names[1]} [8, 8] and [8, 16]`) as string });
    const stranger = await refusal(merged({ a, b: randomWeights({ 'down_blocks.0.resnets.0.conv1.weight': [8, 8, 3, 3], 'conv_in.weight': [8, 4, 3, 3] }, 1) }, {}));
    expect(wordsFor(stranger)).toMatchObject({ code: 'merge.strangers', message: expect.stringContaining(names[0]!) as string });
  });

  test('LoRAs are refused', async () => {
    const lora = randomWeights({ 'lora_unet_mid_block_attentions_0_proj_in.lora_down.weight': [2, 8], 'lora_unet_mid_block_attentions_0_proj_in.lora_up.weight': [8, 2] }, 1);
    expect((await refusal(merged({ a: lora, b: lora }, {}))).code).toBe('merge.lora');
  });

  test('prune leaves out the EMA copy and the schedule, and says so in the recipe', async () => {
    const more = { 'model_ema.diffusion_modelout2bias': { dims: [4], values: [1, 2, 3, 4] }, betas: { dims: [2], values: [0.1, 0.2] }, v_pred: { dims: [0], values: [] } };
    const { tensors, metadata } = await merged({ a: { ...a, ...more }, b }, { prune: true });
    expect(Object.keys(tensors).sort()).toEqual([...names, 'v_pred'].sort());
    expect((JSON.parse(metadata.sd_merge_recipe!) as { discard_weights: string }).discard_weights).toContain('model_ema');
  });
});

describe('blocks', () => {
  test('each tensor gets its block\'s multiplier', async () => {
    const { tensors } = await merged({ a, b }, { multiplier: 0.5, blocks: { IN04: 0, M00: 1, OUT11: 0.25, BASE: 1 } });
    const mix = { 0: 0.5, 1: 0, 2: 1, 3: 0.25, 4: 0.25, 5: 0.5, 6: 1, 7: 1 } as Record<number, number>;
    names.forEach((name, n) => tensors[name]!.values.forEach((value, i) => expect(value).toBeCloseTo((1 - mix[n]!) * a[name]!.values[i]! + mix[n]! * b[name]!.values[i]!, 6)));
  });

  test('lists of 25 and 26, of SDXL\'s 19 and 20, and JSON', () => {
    const list = Array.from({ length: 25 }, (_, i) => i / 100);
    const blocks = parseBlocks(list.join(','));
    expect([blocks.IN00, blocks.IN11, blocks.M00, blocks.OUT00, blocks.OUT11, blocks.BASE]).toEqual([0, 0.11, 0.12, 0.13, 0.24, undefined]);
    expect(parseBlocks(JSON.stringify([9, ...list]))).toEqual({ ...blocks, BASE: 9 });
    expect(parseBlocks(list.slice(0, 19).join(' '))).toMatchObject({ IN08: 0.08, M00: 0.09, OUT08: 0.18 });
    expect(parseBlocks('{"IN03": 0.5}')).toEqual({ IN03: 0.5 });
  });

  test.each(['1,2,3', '{"IN12": 1}', '{"IN01": "much"}', `${'1,'.repeat(24)}x`, '{"IN01": 1'])('%s is refused', (text) => {
    expect(() => parseBlocks(text)).toThrow(AppError);
  });

  test('any text is a list of finite numbers by block, or refused', () => {
    const pieces = fc.constantFrom('{', '}', '[', ']', '"IN00"', '"BASE"', '"__proto__"', ':', ',', ' ', '1', '-.5', '1e999', 'NaN', 'null', '1 '.repeat(24), '0,'.repeat(18));
    fc.assert(fc.property(fc.oneof(fc.string(), fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''))), (text) => {
      let blocks: ReturnType<typeof parseBlocks> = {};
      try { blocks = parseBlocks(text); } catch (error) { expect(error).toMatchObject({ code: 'merge.blocks' }); }
      for (const [name, multiplier] of Object.entries(blocks)) expect([/^(?:BASE|M00|(?:IN|OUT)\d\d)$/.test(name), Number.isFinite(multiplier)]).toEqual([true, true]);
    }), { numRuns: fuzzRuns(500) });
  });

  test('time and size embeddings go with the first block, the output with the last', () => {
    expect([`${unet}time_embed.0.weight`, `${unet}label_emb.0.0.weight`, `${unet}out.2.bias`, `${unet}input_blocks.10.0.out_layers.0.weight`, 'first_stage_model.encoder.conv_out.bias']
      .map((name) => blockOf(name, 8))).toEqual(['IN00', 'IN00', 'OUT08', 'IN10', 'BASE']);
  });
});

describe('the file', () => {
  test('says how it was made, with the recipes of its parents', async () => {
    const out = join(scratchFolder(), 'my mix.safetensors');
    const first = writeWeights(a, { title: 'first', sshs_model_hash: 'ab', 'modelspec.hash_sha256': '0x1' }), second = writeWeights(b);
    await mergeModels({ a: first, b: second, mode: 'weighted-sum', multiplier: 0.4, out, precision: 'F16' });
    const hash = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
    const { metadata } = await readWeights(out);
    expect(metadata).toMatchObject({ format: 'pt', title: 'first' });
    expect(Object.keys(metadata).sort()).toEqual(['format', 'sd_merge_models', 'sd_merge_recipe', 'title']);
    const recipe: unknown = JSON.parse(metadata.sd_merge_recipe!);
    expect(recipe).toEqual({
      type: 'webui', primary_model_hash: hash(first), secondary_model_hash: hash(second), tertiary_model_hash: null, interp_method: 'Weighted sum', multiplier: 0.4,
      save_as_half: true, custom_name: 'my mix', config_source: 0, bake_in_vae: 'None', discard_weights: '', is_inpainting: false, is_instruct_pix2pix: false,
    });
    const again = join(scratchFolder(), 'again.safetensors');
    await mergeModels({ a: out, b: second, c: first, mode: 'add-difference', multiplier: 1, out: again });
    const models = JSON.parse((await readWeights(again)).metadata.sd_merge_models!) as Record<string, { name: string; legacy_hash: string; sd_merge_recipe: unknown }>;
    expect(Object.keys(models).sort()).toEqual([hash(first), hash(second), hash(out)].sort());
    expect(models[hash(out)]).toMatchObject({ name: 'my mix.safetensors', legacy_hash: expect.stringMatching(/^[0-9a-f]{8}$/) as string, sd_merge_recipe: recipe });
  });

  test('is the same for the same inputs, and as planned by a dry run, which writes nothing', async () => {
    const models = { a: writeWeights(a), b: writeWeights(b), mode: 'weighted-sum', multiplier: 0.5 } as const;
    const folder = scratchFolder();
    const write = async (n: number) => { await mergeModels({ ...models, out: join(folder, String(n), 'x.safetensors') }); return readFileSync(join(folder, String(n), 'x.safetensors')); };
    expect(Buffer.compare(await write(1), await write(2))).toBe(0);
    const dry = await mergeModels({ ...models, out: join(folder, '3', 'x.safetensors'), dryRun: true });
    expect(dry).toMatchObject({ dryRun: true, merged: names.length, tensors: names.length });
    expect(readdirSync(folder).sort()).toEqual(['1', '2']);
  });

  test('is not there, nor any part of it, when the work is cancelled', async () => {
    const out = join(scratchFolder(), 'x.safetensors'), abort = new AbortController();
    const work = mergeModels({ a: writeWeights(a), b: writeWeights(b), mode: 'weighted-sum', multiplier: 0.5, out }, { signal: abort.signal, onProgress: () => abort.abort(new AppError('job.cancelled', { message: 'enough', hint: 'none' })) });
    expect((await refusal(work)).code).toBe('job.cancelled');
    expect(readdirSync(dirname(out))).toEqual([]);
  });

  test('has A\'s precision where both agree, fp32 where they do not', async () => {
    const half = randomWeights(shapes, 2, 'F16');
    expect((await merged({ a: half, b: half }, {})).tensors[names[0]!]!.dtype).toBe('F16');
    expect((await merged({ a: half, b }, {})).tensors[names[0]!]!.dtype).toBe('F32');
  });
});
