// LoRA files: which layer each module is for, what it does to it, and that an extracted LoRA brings the tuned model back.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import { expectedCheckpoint, type CheckpointSizes } from '../../../main/engine/families/expected-families';
import type { Dims } from '../../../main/engine/tensor';
import { lowRankProduct } from '../../../main/engine/weights/lora/low-rank';
import { loraModules } from '../../../main/engine/weights/lora/modules';
import { loraTargets, targetOf } from '../../../main/engine/weights/lora/targets';
import { bakeLoras } from '../../../main/services/model-tools/bake';
import { extractLora } from '../../../main/services/model-tools/extract';
import { referenceTensors, scratchFolder, tinyFamilies, weightFile } from '../../support/checkpoints';
import { randomValues, randomWeights, readWeights, writeWeights, type WeightsByName } from '../../support/weights';

const unet = 'model.diffusion_model.';
const modulesOf = (...names: string[]) => loraModules(weightFile(names.map((name) => [name, [4, 4]])));

describe('what a module is', () => {
  test.each([
    ['kohya', ['lora_unet_x.lora_down.weight', 'lora_unet_x.lora_up.weight', 'lora_unet_x.alpha', 'lora_unet_x.dora_scale'], 'lora_unet_x', 'lora', ['alpha', 'doraScale', 'down', 'up']],
    ['diffusers, old', ['unet.a.attn1.processor.to_q_lora.down.weight', 'unet.a.attn1.processor.to_q_lora.up.weight'], 'unet.a.attn1.processor.to_q', 'lora', ['down', 'up']],
    ['diffusers, text', ['text_encoder.q_proj.lora_linear_layer.down.weight', 'text_encoder.q_proj.lora_linear_layer.up.weight'], 'text_encoder.q_proj', 'lora', ['down', 'up']],
    ['PEFT', ['unet.a.to_q.lora_A.weight', 'unet.a.to_q.lora_B.weight', 'unet.a.to_q.lora_magnitude_vector'], 'unet.a.to_q', 'lora', ['doraScale', 'down', 'up']],
    ['PEFT, named adapter', ['a.to_q.lora_A.default.weight', 'a.to_q.lora_B.default.weight'], 'a.to_q', 'lora', ['down', 'up']],
    ['LoHa', ['l.hada_w1_a', 'l.hada_w1_b', 'l.hada_w2_a', 'l.hada_w2_b', 'l.alpha'], 'l', 'loha', ['alpha', 'hada_w1_a', 'hada_w1_b', 'hada_w2_a', 'hada_w2_b']],
    ['LoKr', ['l.lokr_w1', 'l.lokr_w2_a', 'l.lokr_w2_b'], 'l', 'lokr', ['lokr_w1', 'lokr_w2_a', 'lokr_w2_b']],
    ['norm', ['l.w_norm', 'l.b_norm'], 'l', 'full', ['diff', 'diffBias']],
  ])('%s', (_, names, layer, algorithm, parts) => {
    const { modules, stray } = modulesOf(...names);
    expect(stray).toEqual([]);
    expect(modules.map((module) => [module.layer, module.algorithm, Object.keys(module.parts).sort()])).toEqual([[layer, algorithm, parts]]);
  });

  test('kinds that cannot be baked are told from those that can, and half a module is none', () => {
    expect(modulesOf('l.oft_blocks', 'l.alpha').modules[0]!.algorithm).toBe('unsupported');
    expect(modulesOf('l.a1.weight', 'l.a2.weight', 'l.b1.weight', 'l.b2.weight').modules[0]!.algorithm).toBe('unsupported');
    expect(modulesOf('l.lora_down.weight').modules[0]!.algorithm).toBe('unsupported');
    expect(modulesOf('whatever').stray).toEqual(['whatever']);
  });
});

describe('where its layer is', () => {
  const find = (layer: string, targets: ReturnType<typeof loraTargets>) => targetOf({ layer, algorithm: 'lora', parts: {} }, targets);

  test('every layer of a real SD 1.5 LoRA has its own place in the checkpoint', () => {
    const targets = loraTargets(weightFile(referenceTensors('sd15-checkpoint')));
    const { modules } = loraModules(weightFile(referenceTensors('sd15-kohya-lora-rank16')));
    const places = modules.map((module) => targetOf(module, targets)?.weight);
    expect(places).not.toContain(undefined);
    expect(new Set(places).size).toBe(modules.length);
    modules.forEach(({ parts: { down, up } }, i) => expect([up!.shape[0], down!.shape[1]]).toEqual(places[i]!.shape.slice(0, 2)));
  });

  test('all forms of a name lead to the same layer', () => {
    const targets = loraTargets(weightFile(referenceTensors('sd15-checkpoint')));
    const path = 'down_blocks.1.attentions.0.transformer_blocks.0.attn1.', want = `${unet}input_blocks.4.1.transformer_blocks.0.attn1.to_out.0.weight`;
    for (const layer of [`unet.${path}to_out.0`, `unet.${path}processor.to_out`, `base_model.model.${path}to_out.0`, `lora_unet_${path.replaceAll('.', '_')}to_out_0`,
      'lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0', `lycoris_${path.replaceAll('.', '_')}to_out_0`]) expect(find(layer, targets)?.weight.name).toBe(want);
    for (const layer of ['lora_te_text_model_encoder_layers_3_self_attn_q_proj', 'lora_te1_text_model_encoder_layers_3_self_attn_q_proj', 'text_encoder.text_model.encoder.layers.3.self_attn.to_q']) {
      expect(find(layer, targets)?.weight.name).toBe('cond_stage_model.transformer.text_model.encoder.layers.3.self_attn.q_proj.weight');
    }
    expect(find('lora_te2_text_model_encoder_layers_3_self_attn_q_proj', targets)).toBeUndefined();
  });

  test('diffusers\' names of SD 2\'s U-Net, and OpenCLIP\'s packed rows', () => {
    const targets = loraTargets(weightFile(referenceTensors('sd21-v-checkpoint')));
    const missing = referenceTensors('sd21-diffusers-unet').filter(([name]) => name.endsWith('.weight'))
      .filter(([name, dims]) => String(find(`unet.${name.slice(0, -7)}`, targets)?.weight.shape) !== String(dims));
    expect(missing).toEqual([]);
    const value = find('lora_te_text_model_encoder_layers_22_self_attn_v_proj', targets);
    expect([value?.weight.name, value?.rows]).toEqual(['cond_stage_model.model.transformer.resblocks.22.attn.in_proj_weight', { start: 2048, count: 1024 }]);
  });

  test('SDXL: two encoders, LDM and diffusers names', () => {
    const targets = loraTargets(weightFile(referenceTensors('sdxl-base-checkpoint')));
    const name = (layer: string) => find(layer, targets)?.weight.name;
    expect(name('lora_unet_input_blocks_7_1_transformer_blocks_9_ff_net_0_proj')).toBe(`${unet}input_blocks.7.1.transformer_blocks.9.ff.net.0.proj.weight`);
    expect(name('unet.down_blocks.2.attentions.0.transformer_blocks.9.ff.net.0.proj')).toBe(`${unet}input_blocks.7.1.transformer_blocks.9.ff.net.0.proj.weight`);
    expect(name('unet.up_blocks.0.upsamplers.0.conv')).toBe(`${unet}output_blocks.2.2.conv.weight`);
    expect(name('lora_te1_text_model_encoder_layers_0_mlp_fc1')).toBe('conditioner.embedders.0.transformer.text_model.encoder.layers.0.mlp.fc1.weight');
    expect(name('lora_te2_text_model_encoder_layers_31_mlp_fc1')).toBe('conditioner.embedders.1.model.transformer.resblocks.31.mlp.c_fc.weight');
    expect(targets.get('unet:input_blocks_4_1_proj_in')?.kohyaName).toBe('lora_unet_input_blocks_4_1_proj_in');
  });
});

describe('baking', () => {
  const base = randomWeights({ [`${unet}input_blocks.0.0.weight`]: [8, 4, 3, 3], [`${unet}middle_block.1.proj_in.weight`]: [8, 8, 1, 1], [`${unet}middle_block.1.proj_in.bias`]: [8],
    [`${unet}middle_block.1.norm.weight`]: [8], [`${unet}middle_block.1.norm.bias`]: [8] }, 1);
  const projection = `${unet}middle_block.1.proj_in.weight`, layer = 'lora_unet_mid_block_attentions_0_proj_in';
  const lora: WeightsByName = { ...randomWeights({ [`${layer}.lora_down.weight`]: [2, 8, 1, 1], [`${layer}.lora_up.weight`]: [8, 2, 1, 1] }, 2), [`${layer}.alpha`]: { dims: [] as Dims, values: [1] } };
  const bake = async (weights: WeightsByName, weight: number) => {
    const out = join(scratchFolder(), 'baked.safetensors');
    return { report: await bakeLoras({ model: writeWeights(base), loras: [{ path: writeWeights(weights), weight }], out }), ...await readWeights(out) };
  };

  test('adds weight · alpha / rank · up·down and leaves everything else as it is', async () => {
    const { tensors, report, metadata } = await bake(lora, 0.6);
    const [down, up] = [lora[`${layer}.lora_down.weight`]!.values, lora[`${layer}.lora_up.weight`]!.values];
    tensors[projection]!.values.forEach((value, i) => {
      const [row, column] = [Math.floor(i / 8), i % 8];
      expect(value).toBeCloseTo(base[projection]!.values[i]! + 0.6 * (1 / 2) * (up[2 * row]! * down[column]! + up[2 * row + 1]! * down[8 + column]!), 6);
    });
    for (const [name, { values }] of Object.entries(base)) if (name !== projection) expect(tensors[name]!.values).toEqual(values);
    expect(report.loras).toEqual([{ name: 'model.safetensors', applied: 1, unmatched: [], unsupported: [] }]);
    expect(JSON.parse(metadata.atelier_baked_loras!)).toMatchObject([{ name: 'model.safetensors', weight: 0.6, te: 0.6 }]);
  });

  test('a weight of 0 changes nothing, even with DoRA', async () => {
    const scale = { [`${layer}.dora_scale`]: { dims: [8, 1, 1, 1], values: randomValues(8, 5) } };
    expect((await bake({ ...lora, ...scale }, 0)).tensors[projection]!.values).toEqual(base[projection]!.values);
  });

  test('differences of norms and biases', async () => {
    const norm = 'lora_unet_mid_block_attentions_0_norm';
    const { tensors } = await bake({ ...randomWeights({ [`${norm}.w_norm`]: [8] }, 3), [`${norm}.b_norm`]: { dims: [8], values: Array<number>(8).fill(2) }, [`${layer}.diff_b`]: { dims: [8], values: Array<number>(8).fill(4) } }, 0.5);
    tensors[`${unet}middle_block.1.norm.bias`]!.values.forEach((value, i) => expect(value).toBeCloseTo(base[`${unet}middle_block.1.norm.bias`]!.values[i]! + 1, 6));
    tensors[`${unet}middle_block.1.proj_in.bias`]!.values.forEach((value, i) => expect(value).toBeCloseTo(base[`${unet}middle_block.1.proj_in.bias`]!.values[i]! + 2, 6));
    expect(tensors[projection]!.values).toEqual(base[projection]!.values);
  });

  test('what does not fit is listed, and refused when nothing fits or a shape is wrong', async () => {
    const stranger = randomWeights({ 'lora_unet_elsewhere.lora_down.weight': [2, 8], 'lora_unet_elsewhere.lora_up.weight': [8, 2], 'lora_unet_x.oft_blocks': [2, 4, 4] }, 4);
    const { report } = await bake({ ...lora, ...stranger }, 1);
    expect(report.loras[0]).toMatchObject({ applied: 1, unmatched: ['lora_unet_elsewhere'], unsupported: ['lora_unet_x'] });
    const code = async (weights: WeightsByName): Promise<string> => {
      const error: unknown = await bake(weights, 1).catch((cause: unknown) => cause);
      return error instanceof AppError ? `${error.code} ${error.message}` : String(error);
    };
    expect(await code(stranger)).toContain('weights.missingTensor');
    const wide = randomWeights({ [`${layer}.lora_down.weight`]: [2, 16], [`${layer}.lora_up.weight`]: [8, 2] }, 5);
    expect(await code(wide)).toMatch(new RegExp(`weights.shapeMismatch.*${layer}`));
  });
});

describe('extracting', () => {
  /** Largest difference of two matrices, as a share of the largest value. */
  const error = (a: readonly number[], b: readonly number[]): number => a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) / b.reduce((worst, value) => Math.max(worst, Math.abs(value)), 0);

  /** Full rank is only quick where layers are narrow. */
  function narrowFamily(family: 'sd1' | 'sd2' | 'sdxl'): Record<string, Dims> {
    const { unet: wide, text: towers, vae } = tinyFamilies[family] as CheckpointSizes;
    const text = Object.fromEntries(Object.entries(towers).map(([prefix, tower]) => [prefix, { ...tower, width: 12, mlp: 24, vocabulary: 10 }]));
    const shapes = expectedCheckpoint({ unet: { ...wide, modelChannels: 8, timeEmbed: 16, channels: [8, 16], contextDim: 12 }, text, vae });
    return Object.fromEntries([...shapes].filter(([name]) => !name.startsWith('first_stage_model.')));
  }

  test('a matrix of rank r comes back from factors of rank r, the best ones otherwise', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: 40 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 1e6 }), (m, n, r, seed) => {
      const rank = Math.min(m, n, r), [u, v] = [randomValues(m * rank, seed), randomValues(rank * n, seed + 1)];
      const a = Float32Array.from({ length: m * n }, (_, i) => { let sum = 0; for (let k = 0; k < rank; k++) sum += u[Math.floor(i / n) * rank + k]! * v[k * n + (i % n)]!; return sum; });
      const { up, down } = lowRankProduct(a, m, n, rank);
      const product = Array.from({ length: m * n }, (_, i) => { let sum = 0; for (let k = 0; k < rank; k++) sum += up[Math.floor(i / n) * rank + k]! * down[k * n + (i % n)]!; return sum; });
      expect(error(product, [...a])).toBeLessThan(2e-6);
    }), { numRuns: 60 });
    // A diagonal has its singular values for all to see: rank 2 keeps 5 and 3.
    const { up, down } = lowRankProduct(Float32Array.from([1, 0, 0, 0, 0, 5, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0.5]), 4, 4, 2);
    const kept = Array.from({ length: 16 }, (_, i) => up[2 * Math.floor(i / 4)]! * down[i % 4]! + up[2 * Math.floor(i / 4) + 1]! * down[4 + (i % 4)]!);
    expect(error(kept, [0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0])).toBeLessThan(1e-6);
  });

  test.each(['sd1', 'sd2', 'sdxl'] as const)('at full rank and baked again, a LoRA gives the tuned %s back', async (family) => {
    const shapes = narrowFamily(family);
    const [base, tuned] = [writeWeights(randomWeights(shapes, 1)), writeWeights(randomWeights(shapes, 2))];
    const folder = scratchFolder(), out = join(folder, 'lora.safetensors'), baked = join(folder, 'baked.safetensors');
    const report = await extractLora({ tuned, base, out, rank: 10_000, convRank: 10_000, precision: 'F32' });
    const { loras: [applied] } = await bakeLoras({ model: base, loras: [{ path: out, weight: 1 }], out: baked });
    expect(applied).toMatchObject({ applied: report.layers, unmatched: [] });
    const [want, got, lora] = await Promise.all([tuned, baked, out].map(readWeights)) as [Awaited<ReturnType<typeof readWeights>>, Awaited<ReturnType<typeof readWeights>>, Awaited<ReturnType<typeof readWeights>>];
    const layers = [...new Set(loraTargets(weightFile(Object.entries(shapes))).values())].filter(({ kohyaName }) => `${kohyaName}.lora_up.weight` in lora.tensors);
    expect(layers.length).toBe(report.layers);
    for (const name of new Set(layers.map(({ weight }) => weight.name))) expect(error(got.tensors[name]!.values, want.tensors[name]!.values)).toBeLessThan(1e-5);
    // Every attention and convolution of the U-Net but the first and last is among them.
    const inLora = new Set(layers.map(({ weight }) => weight.name));
    expect(Object.keys(shapes).filter((name) => /diffusion_model.*(attn\d.*|proj_in|proj_out|ff\.net.*|op|conv|in_layers\.2|skip_connection)\.weight$/.test(name) && !inLora.has(name))).toEqual([]);
    expect(lora.metadata).toMatchObject({ ss_network_module: 'networks.lora', ss_v2: family === 'sd2' ? 'True' : 'False' });
  });

  test('is the same file each time, leaves out what did not change, and refuses equal models', async () => {
    const shapes = { [`${unet}input_blocks.0.0.weight`]: [8, 4, 3, 3], [`${unet}middle_block.1.proj_in.weight`]: [8, 8, 1, 1], [`${unet}middle_block.1.proj_out.weight`]: [8, 8, 1, 1] } as const;
    const weights = randomWeights(shapes, 1), changed = { ...weights, ...randomWeights({ [`${unet}middle_block.1.proj_in.weight`]: [8, 8, 1, 1] }, 7) };
    const [base, tuned] = [writeWeights(weights), writeWeights(changed)];
    const [one, two] = [join(scratchFolder(), 'l.safetensors'), join(scratchFolder(), 'l.safetensors')];
    expect(await extractLora({ tuned, base, out: one, rank: 4 })).toMatchObject({ layers: 1, unchanged: 1 });
    await extractLora({ tuned, base, out: two, rank: 4 });
    expect(Buffer.compare(readFileSync(one), readFileSync(two))).toBe(0);
    expect(Object.entries((await readWeights(one)).tensors).map(([name, { dims, dtype }]) => [name, dims, dtype])).toEqual([
      ['lora_unet_mid_block_attentions_0_proj_in.lora_down.weight', [4, 8, 1, 1], 'F16'], ['lora_unet_mid_block_attentions_0_proj_in.lora_up.weight', [8, 4, 1, 1], 'F16'],
      ['lora_unet_mid_block_attentions_0_proj_in.alpha', [], 'F16'],
    ]);
    await expect(extractLora({ tuned: base, base, out: one, rank: 4 })).rejects.toMatchObject({ code: 'job.invalid' });
  });
});
