// LoRA files: which layer each module is for, what it does to it, and that an extracted LoRA brings the tuned model back.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import type { CheckpointSizes } from '../../../main/engine/families/known-sizes';
import { checkpointTensors } from '../../../main/engine/families/network-tensors';
import type { Dims } from '../../../main/engine/tensor';
import { lowRankProduct } from '../../../main/engine/weights/lora/low-rank';
import { loraModules } from '../../../main/engine/weights/lora/modules';
import { loraTargets, targetOf } from '../../../main/engine/weights/lora/targets';
import { bakeLoras } from '../../../main/services/model-tools/bake';
import { ortRuntime } from '../../../main/worker/ort-runtime';
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
    ['new weight', ['l.set_weight'], 'l', 'full', ['set_weight']],
    ['PEFT, named adapter with bias', ['a.lora_A.default.weight', 'a.lora_B.default.weight', 'a.lora_B.default.bias'], 'a', 'lora', ['down', 'up', 'upBias']],
    ['without .weight', ['a.to_q.lora_A', 'a.to_q.lora_B'], 'a.to_q', 'lora', ['down', 'up']],
    ['diffusers, new', ['unet.a.to_q.lora.down.weight', 'unet.a.to_q.lora.up.weight'], 'unet.a.to_q', 'lora', ['down', 'up']],
    ['GLoRA', ['l.a1.weight', 'l.a2.weight', 'l.b1.weight', 'l.b2.weight', 'l.alpha'], 'l', 'glora', ['a1', 'a2', 'alpha', 'b1', 'b2']],
    ['IA³', ['l.weight', 'l.on_input'], 'l', 'ia3', ['on_input', 'scales']],
    ['OFT', ['l.oft_diag', 'l.rescale'], 'l', 'oft', ['oft_diag', 'rescale']],
    ['LoRA with a sparse rest', ['l.lora_down.weight', 'l.lora_up.weight', 'l.bias_indices', 'l.bias_values', 'l.bias_size', 'l.reshape_weight'], 'l', 'lora',
      ['bias_indices', 'bias_size', 'bias_values', 'down', 'reshape_weight', 'up']],
  ])('%s', (_, names, layer, algorithm, parts) => {
    const { modules, stray } = modulesOf(...names);
    expect(stray).toEqual([]);
    expect(modules.map((module) => [module.layer, module.algorithm, Object.keys(module.parts).sort()])).toEqual([[layer, algorithm, parts]]);
  });

  test('OFT has three axes, BOFT four', () => {
    expect([[4, 8, 8], [2, 4, 8, 8]].map((dims) => loraModules(weightFile([['l.oft_blocks', dims]])).modules[0]!.algorithm)).toEqual(['oft', 'boft']);
  });

  test('half a module is none, and what belongs to no layer stays outside', () => {
    for (const name of ['l.lora_down.weight', 'l.alpha', 'l.a1.weight', 'l.rescale', 'l.on_input', 'l.hada_t1']) expect(modulesOf(name).modules.map(({ algorithm }) => algorithm)).toEqual(['incomplete']);
    const others = ['whatever', 'conv.weight', 'bundle_emb.sks.clip_l', 'bundle_emb.sks.string_to_param.*'];
    expect(modulesOf(...others)).toEqual({ modules: [], stray: others });
  });
});

describe('where its layer is', () => {
  const find = (layer: string, targets: ReturnType<typeof loraTargets>) => targetOf({ layer }, targets);
  const sd15 = weightFile(referenceTensors('sd15-checkpoint'));

  test('every layer of a real SD 1.5 LoRA has its own place in the checkpoint', () => {
    const targets = loraTargets(sd15);
    const { modules } = loraModules(weightFile(referenceTensors('sd15-kohya-lora-rank16')));
    const places = modules.map((module) => targetOf(module, targets)?.weight);
    expect(places).not.toContain(undefined);
    expect(new Set(places).size).toBe(modules.length);
    modules.forEach(({ parts: { down, up } }, i) => expect([up!.shape[0], down!.shape[1]]).toEqual(places[i]!.shape.slice(0, 2)));
  });

  const path = 'down_blocks.1.attentions.0.transformer_blocks.0.attn1.', flat = path.replaceAll('.', '_'), text = 'text_model.encoder.layers.3.self_attn.', flatText = text.replaceAll('.', '_');
  test.each([
    ['kohya', `lora_unet_${flat}to_out_0`], ['kohya, LDM\'s names', 'lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_out_0'], ['kohya\'s OFT', `oft_unet_${flat}to_out_0`],
    ['LyCORIS', `lycoris_${flat}to_out_0`], ['diffusers', `unet.${path}to_out.0`], ['diffusers\' attention processors', `unet.${path}processor.to_out`], ['the same without a prefix', `${path}processor.to_out`],
    ['PEFT', `base_model.model.${path}to_out.0`], ['PEFT below unet', `unet.base_model.model.${path}to_out.0`],
    ['ComfyUI', 'diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_out.0'], ['the checkpoint\'s own', `${unet}input_blocks.4.1.transformer_blocks.0.attn1.to_out.0`],
  ])('U-Net, %s: %s', (_, layer) => {
    expect(find(layer, loraTargets(sd15))?.weight.name).toBe(`${unet}input_blocks.4.1.transformer_blocks.0.attn1.to_out.0.weight`);
  });

  test.each([
    ['kohya', `lora_te_${flatText}q_proj`], ['kohya, as for SDXL', `lora_te1_${flatText}q_proj`], ['LyCORIS', `lycoris_${flatText}q_proj`], ['diffusers', `text_encoder.${text}q_proj`],
    ['diffusers\' attention processors', `text_encoder.${text}to_q`], ['PEFT', `base_model.model.${text}q_proj`], ['PEFT below text_encoder', `text_encoder.base_model.model.${text}q_proj`],
    ['ComfyUI', `text_encoders.clip_l.transformer.${text}q_proj`],
  ])('text encoder, %s: %s', (_, layer) => {
    expect(find(layer, loraTargets(sd15))?.weight.name).toBe(`cond_stage_model.transformer.${text}q_proj.weight`);
  });

  test('layers of networks that are not there are nowhere', () => {
    for (const layer of [`lora_te2_${flatText}q_proj`, `lora_te3_${flatText}q_proj`, `text_encoders.clip_g.transformer.${text}q_proj`, `lora_prior_unet_${flat}to_q`, 'transformer.single_transformer_blocks.0.attn.to_q', 'bundle_emb.sks']) {
      expect(find(layer, loraTargets(sd15))).toBeUndefined();
    }
  });

  test('diffusers\' names of SD 2\'s U-Net, and OpenCLIP\'s packed rows', () => {
    const targets = loraTargets(weightFile(referenceTensors('sd21-v-checkpoint')));
    const missing = referenceTensors('sd21-diffusers-unet').filter(([name]) => name.endsWith('.weight'))
      .filter(([name, dims]) => String(find(`unet.${name.slice(0, -7)}`, targets)?.weight.shape) !== String(dims));
    expect(missing).toEqual([]);
    const value = find('lora_te_text_model_encoder_layers_22_self_attn_v_proj', targets);
    expect(find('text_encoders.clip_h.transformer.text_model.encoder.layers.22.self_attn.v_proj', targets)).toBe(value);
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
    expect(name('text_encoders.clip_g.transformer.text_model.encoder.layers.31.mlp.fc1')).toBe('conditioner.embedders.1.model.transformer.resblocks.31.mlp.c_fc.weight');
    for (const layer of ['lora_te2_text_projection', 'text_encoder_2.text_projection', 'text_encoders.clip_g.transformer.text_projection']) {
      expect(find(layer, targets)).toMatchObject({ weight: { name: 'conditioner.embedders.1.model.text_projection' }, transposed: true });
    }
    expect(targets.get('unet:input_blocks_4_1_proj_in')?.kohyaName).toBe('lora_unet_input_blocks_4_1_proj_in');
  });

  test('a U-Net in diffusers\' own file is found by LDM\'s names too', () => {
    const targets = loraTargets(weightFile(referenceTensors('sd21-diffusers-unet')));
    for (const layer of ['lora_unet_output_blocks_2_1_conv', 'unet.up_blocks.0.upsamplers.0.conv']) expect(find(layer, targets)?.weight.name).toBe('up_blocks.0.upsamplers.0.conv.weight');
    expect(find('diffusion_model.input_blocks.4.0.emb_layers.1', targets)?.weight.name).toBe('down_blocks.1.resnets.0.time_emb_proj.weight');
  });

  test('a second encoder in transformers\' layout has its projection beside the text model', () => {
    const targets = loraTargets(weightFile([['conditioner.embedders.1.transformer.text_projection.weight', [4, 6]], ['conditioner.embedders.1.transformer.text_model.final_layer_norm.weight', [6]]]));
    expect(find('lora_te2_text_projection', targets)).toMatchObject({ weight: { shape: [4, 6] } });
    expect(find('lora_te2_text_projection', targets)?.transposed).toBeUndefined();
    expect(find('lora_te2_text_model_final_layer_norm', targets)?.weight.shape).toEqual([6]);
  });
});

describe('baking', () => {
  const base = randomWeights({ [`${unet}input_blocks.0.0.weight`]: [8, 4, 3, 3], [`${unet}middle_block.1.proj_in.weight`]: [8, 8, 1, 1], [`${unet}middle_block.1.proj_in.bias`]: [8],
    [`${unet}middle_block.1.norm.weight`]: [8], [`${unet}middle_block.1.norm.bias`]: [8] }, 1);
  const projection = `${unet}middle_block.1.proj_in.weight`, layer = 'lora_unet_mid_block_attentions_0_proj_in';
  const lora: WeightsByName = { ...randomWeights({ [`${layer}.lora_down.weight`]: [2, 8, 1, 1], [`${layer}.lora_up.weight`]: [8, 2, 1, 1] }, 2), [`${layer}.alpha`]: { dims: [] as Dims, values: [1] } };
  const bake = async (weights: WeightsByName, weight: number) => {
    const out = join(scratchFolder(), 'baked.safetensors');
    return { report: await bakeLoras(ortRuntime(), { model: writeWeights(base), loras: [{ path: writeWeights(weights), weight }], out }), ...await readWeights(out) };
  };

  test('adds weight · alpha / rank · up·down and leaves everything else as it is', async () => {
    const { tensors, report, metadata } = await bake(lora, 0.6);
    const [down, up] = [lora[`${layer}.lora_down.weight`]!.values, lora[`${layer}.lora_up.weight`]!.values];
    tensors[projection]!.values.forEach((value, i) => {
      const [row, column] = [Math.floor(i / 8), i % 8];
      expect(value).toBeCloseTo(base[projection]!.values[i]! + 0.6 * (1 / 2) * (up[2 * row]! * down[column]! + up[2 * row + 1]! * down[8 + column]!), 6);
    });
    for (const [name, { values }] of Object.entries(base)) if (name !== projection) expect(tensors[name]!.values).toEqual(values);
    expect(report.loras).toEqual([{ name: 'model.safetensors', applied: 1, unmatched: [], incomplete: [] }]);
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
    const stranger = randomWeights({ 'lora_unet_elsewhere.lora_down.weight': [2, 8], 'lora_unet_elsewhere.lora_up.weight': [8, 2], 'lora_unet_x.lora_up.weight': [8, 2] }, 4);
    const { report } = await bake({ ...lora, ...stranger }, 1);
    expect(report.loras[0]).toMatchObject({ applied: 1, unmatched: ['lora_unet_elsewhere'], incomplete: ['lora_unet_x'] });
    const code = async (weights: WeightsByName): Promise<string> => {
      const error: unknown = await bake(weights, 1).catch((cause: unknown) => cause);
      return error instanceof AppError ? `${error.code} ${error.message}` : String(error);
    };
    expect(await code(stranger)).toContain('lora.changesNothing');
    const wide = randomWeights({ [`${layer}.lora_down.weight`]: [2, 16], [`${layer}.lora_up.weight`]: [8, 2] }, 5);
    expect(await code(wide)).toMatch(new RegExp(`lora.misfit.*${layer}`));
  });
});

describe('extracting', () => {
  /** Largest difference of two matrices, as a share of the largest value. */
  const error = (a: readonly number[], b: readonly number[]): number => a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0) / b.reduce((worst, value) => Math.max(worst, Math.abs(value)), 0);

  /** Full rank is only quick where layers are narrow. */
  function narrowFamily(family: 'sd1' | 'sd2' | 'sdxl'): Record<string, Dims> {
    const { unet: wide, text: towers, vae } = tinyFamilies[family] as CheckpointSizes;
    const text = Object.fromEntries(Object.entries(towers).map(([prefix, tower]) => [prefix, { ...tower, width: 12, mlp: 24, vocabulary: 10 }]));
    const shapes = checkpointTensors({ unet: { ...wide, modelChannels: 64, timeEmbed: 16, channels: [64], depths: [1], contextDim: 12 }, text, vae });
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
    const { loras: [applied] } = await bakeLoras(ortRuntime(), { model: base, loras: [{ path: out, weight: 1 }], out: baked });
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
    await expect(extractLora({ tuned: base, base, out: one, rank: 4 })).rejects.toMatchObject({ code: 'extract.equal' });
  });
});
