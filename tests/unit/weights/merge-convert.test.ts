// Precision: narrowing against the nearest value of each format, conversions of whole files, and what pruning takes away.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { toFloat32 } from '../../../main/engine/weights/half';
import type { WrittenDType } from '../../../main/engine/weights/dtypes';
import { fromFloat32 } from '../../../main/engine/weights/merge/encode';
import { isPrunable } from '../../../main/engine/weights/merge/prune';
import { convertModel } from '../../../main/services/model-tools/convert';
import { withTensors } from '../../../main/services/model-tools/tensor-reader';
import type { TensorEntry } from '../../../main/engine/weights/source';
import { scratchFolder } from '../../support/checkpoints';
import { tensorOf, TestTensor, torchZip } from '../../support/pickles';
import { randomWeights, readWeights, writeWeights, type WeightsByName } from '../../support/weights';

afterEach(() => { vi.restoreAllMocks(); });

/** Every finite value of a format of one byte. */
const finiteValues = (dtype: 'F8_E4M3' | 'F8_E5M2'): number[] => [...toFloat32(dtype, Uint8Array.from({ length: 256 }, (_, i) => i))].filter(Number.isFinite);
const through = (dtype: WrittenDType, ...values: number[]): number[] => [...toFloat32(dtype, fromFloat32(dtype, Float32Array.from(values)))];

describe('narrowing', () => {
  test.each(['F8_E4M3', 'F8_E5M2'] as const)('%s takes the nearest value; of two as near, the one with an even code', (dtype) => {
    const values = finiteValues(dtype).sort((x, y) => x - y), largest = values.at(-1)!;
    fc.assert(fc.property(fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.float({ min: -500, max: 500, noNaN: true }), fc.float({ min: -0.015625, max: 0.015625, noNaN: true })), (x) => {
      const best = Math.min(...values.map((value) => Math.abs(value - Math.max(-largest, Math.min(largest, x)))));
      expect(Math.abs(through(dtype, x)[0]! - Math.max(-largest, Math.min(largest, x)))).toBe(best);
    }), { numRuns: 2000 });
    // Half way between each two neighbours.
    const positive = [...new Set(values.filter((value) => value >= 0))];
    positive.slice(1).forEach((value, i) => {
      const tie = (value + positive[i]!) / 2, [code] = fromFloat32(dtype, Float32Array.of(tie));
      expect([value, positive[i]]).toContain(through(dtype, tie)[0]);
      expect(code! % 2).toBe(0);
    });
  });

  test.each(['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'] as const)('%s: there and back is the identity on all that it can hold', (dtype) => {
    const bits = { F32: 0, F16: 16, BF16: 16, F8_E4M3: 8, F8_E5M2: 8 }[dtype];
    if (bits === 0) return expect(through(dtype, 0.1, -3e38)).toEqual([Math.fround(0.1), Math.fround(-3e38)]);
    const codes = bits === 8 ? Uint8Array.from({ length: 256 }, (_, i) => i) : Uint16Array.from({ length: 65_536 }, (_, i) => i);
    const values = toFloat32(dtype, new Uint8Array(codes.buffer));
    expect(toFloat32(dtype, fromFloat32(dtype, values))).toEqual(values);
  });

  test('bf16 rounds to nearest, ties to even, and does not make a NaN a number', () => {
    const word = (bits: number): number => new Float32Array(Uint32Array.of(bits).buffer)[0]!;
    const code = (bits: number): number => new Uint16Array(fromFloat32('BF16', Float32Array.of(word(bits))).slice().buffer)[0]!;
    expect([0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x3f80_7fff].map(code)).toEqual([0x3f80, 0x3f82, 0x3f81, 0x3f80]);
    expect(through('BF16', word(0x7f80_0001), Infinity, 3.4e38)).toEqual([NaN, Infinity, Infinity]);
  });

  test('fp8 keeps the largest value instead of overflowing; NaN and infinity stay visible', () => {
    expect(through('F8_E4M3', 1e9, -1e9, 449, NaN, Infinity)).toEqual([448, -448, 448, NaN, NaN]);
    expect(through('F8_E5M2', 1e9, -1e9, NaN, -Infinity)).toEqual([57344, -57344, NaN, -Infinity]);
  });
});

const shapes = { 'model.diffusion_model.out.2.weight': [4, 8, 3, 3], 'first_stage_model.decoder.conv_in.bias': [5] } as const;
const convert = async (weights: WeightsByName, options: { precision?: WrittenDType; prune?: boolean }, metadata?: Record<string, string>) => {
  const out = join(scratchFolder(), 'out.safetensors');
  return { report: await convertModel({ in: writeWeights(weights, metadata), out, ...options }), out, ...await readWeights(out) };
};

describe('files', () => {
  test('fp16 → fp32 → fp16 is the identity', async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
      const half = randomWeights(shapes, seed, 'F16');
      const wide = await convert(half, { precision: 'F32' });
      const back = join(scratchFolder(), 'back.safetensors');
      await convertModel({ in: wide.out, out: back, precision: 'F16' });
      const before = await readWeights(writeWeights(half));
      expect(wide.tensors['first_stage_model.decoder.conv_in.bias']!.dtype).toBe('F32');
      expect((await readWeights(back)).tensors).toEqual(before.tensors);
    }), { numRuns: 10 });
  });

  test.each(['F32', 'F16', 'BF16', 'F8_E4M3', 'F8_E5M2'] as const)('to %s: every weight is the nearest there is', async (precision) => {
    const source = randomWeights(shapes, 3, 'F32');
    const { tensors } = await convert(source, { precision });
    for (const [name, { values }] of Object.entries(source)) expect(tensors[name]).toMatchObject({ dtype: precision, values: through(precision, ...values) });
  });

  test('keeps metadata, but not the hashes of the old weights; overflow is reported', async () => {
    const { metadata, report } = await convert({ w: { dims: [2], values: [1, 70_000] } }, { precision: 'F16' }, { author: 'x', sshs_legacy_hash: '1' });
    expect(metadata).toEqual({ author: 'x', format: 'pt' });
    expect(report.notFinite).toEqual(['w']);
  });

  test('prune drops EMA copies, optimizer state and buffers, and keeps what says how the model works', async () => {
    const extra = (...names: string[]): WeightsByName => Object.fromEntries(names.map((name) => [name, { dims: [1], values: [1] }]));
    const gone = ['model_ema.diffusion_modelout2weight', 'optimizer_states.0', 'betas', 'alphas_cumprod_prev', 'sqrt_one_minus_alphas_cumprod', 'posterior_mean_coef1',
      'cond_stage_model.transformer.text_model.embeddings.position_ids', 'first_stage_model.loss.logvar', 'denoiser.sigmas'];
    const stay = ['v_pred', 'ztsnr', 'layer.alpha', 'body.1.running_mean', 'cond_stage_model.logit_scale'];
    const { tensors, report } = await convert({ ...randomWeights(shapes, 1), ...extra(...gone, ...stay) }, { prune: true });
    expect(Object.keys(tensors).sort()).toEqual([...Object.keys(shapes), ...stay].sort());
    expect([...report.dropped].sort()).toEqual([...gone].sort());
    expect(gone.every(isPrunable)).toBe(true);
  });
});

test('a pickled checkpoint becomes safetensors: its model alone, every axis in its place', async () => {
  const folder = scratchFolder(), path = join(folder, 'old.ckpt'), out = join(folder, 'new.safetensors');
  const storage = { dtype: 'F32' as const, data: new Uint8Array(Float32Array.from([1, 2, 3, 4, 5, 6]).buffer) };
  writeFileSync(path, torchZip({
    state_dict: { 'model.diffusion_model.out.2.weight': new TestTensor(storage, [2, 3], { strides: [1, 2] }), 'model_ema.decay': tensorOf('F32', [1]) }, global_step: 5,
  }));
  await convertModel({ in: path, out, precision: 'F16', prune: true });
  const { tensors } = await readWeights(out);
  expect(tensors).toEqual({ 'model.diffusion_model.out.2.weight': { dtype: 'F16', dims: [2, 3], values: [1, 3, 5, 2, 4, 6] } });
});

test('a disk that fills up leaves the old file as it was, and nothing beside it', async () => {
  const source = writeWeights(randomWeights(shapes, 1)), out = join(scratchFolder(), 'out.safetensors');
  writeFileSync(out, 'old');
  const open = fs.open.bind(fs);
  vi.spyOn(fs, 'open').mockImplementation(async (path, flags, mode) => {
    const handle = await open(path, flags, mode), writeFile = handle.writeFile.bind(handle);
    let writes = 0;
    // The header fits, the first tensor does not.
    handle.writeFile = (...args) => (++writes > 1 ? Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })) : writeFile(...args));
    return handle;
  });
  await expect(convertModel({ in: source, out })).rejects.toMatchObject({ code: 'disk.full', data: { neededBytes: expect.any(Number) as number } });
  expect(readdirSync(dirname(out))).toEqual(['out.safetensors']);
  expect(readFileSync(out, 'utf8')).toBe('old');
});

test('tensors whose bytes lie in another order are read in the order of their shape', async () => {
  const path = join(scratchFolder(), 'turned.bin');
  // [2, 3, 2] kept with its axes as (2, 0, 1).
  const value = (i: number, j: number, k: number): number => 100 * i + 10 * j + k;
  const kept = [0, 1].flatMap((k) => [0, 1].flatMap((i) => [0, 1, 2].map((j) => value(i, j, k))));
  writeFileSync(path, new Uint8Array(Float32Array.from(kept).buffer));
  const entry: TensorEntry = { name: 't', dtype: 'F32', shape: [2, 3, 2], offset: 0, byteLength: 48, file: path, layout: { shape: [2, 2, 3], perm: [1, 2, 0] } };
  const model = { path, sizeBytes: 48, dataOffset: 0, metadata: {}, tensors: new Map([['t', entry]]) };
  const [all, some] = await withTensors([model], async (reader) => [await reader.floats(entry), await reader.floats(entry, 5, 3)] as const);
  const want = [0, 1].flatMap((i) => [0, 1, 2].flatMap((j) => [0, 1].map((k) => value(i, j, k))));
  expect([...all!]).toEqual(want);
  expect([...some!]).toEqual(want.slice(5, 8));
});
