// Weights in forms that other programs pack them into: each is told by its companions and refused by name, in whatever file and tool; and no usual file is taken for one.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitnessOf, combineParts } from '../../../main/engine/families/parts';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import type { Dims } from '../../../main/engine/tensor';
import { pairFactors } from '../../../main/engine/weights/quantized/factors';
import { foreignForm } from '../../../main/engine/weights/quantized/forms';
import type { StoredDType } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { convertModel } from '../../../main/services/model-tools/convert';
import { mergeModels } from '../../../main/services/model-tools/merge';
import { readEmbedding } from '../../../main/worker/embeddings/file';
import { fuzzRuns } from '../../support/fuzz';
import { referenceTensors, scratchFolder, weightFile, zeroFile } from '../../support/checkpoints';

type List = [string, Dims, StoredDType?][];
const layer = 'model.diffusion_model.input_blocks.1.1.proj_in', shape = [320, 320];

/** What stands in the place of one layer's weight. */
const forms: Record<string, List[]> = {
  bitsandbytes: [
    [[`${layer}.weight`, [51200, 1], 'U8'], [`${layer}.weight.absmax`, [1600], 'F32'], [`${layer}.weight.quant_map`, [16], 'F32'], [`${layer}.weight.quant_state.bitsandbytes__nf4`, [93], 'U8']],
    [[`${layer}.weight`, [51200, 1], 'U8'], [`${layer}.weight.absmax`, [1600], 'U8'], [`${layer}.weight.nested_absmax`, [7], 'F32'], [`${layer}.weight.nested_quant_map`, [256], 'F32'], [`${layer}.weight.quant_state.bitsandbytes__fp4`, [99], 'U8']],
    [[`${layer}.weight`, shape, 'I8'], [`${layer}.SCB`, [320], 'F32'], [`${layer}.weight_format`, [], 'U8']],
  ],
  comfyui: [[[`${layer}.weight`, shape, 'F8_E4M3'], [`${layer}.weight_scale`, [], 'F32'], [`${layer}.comfy_quant`, [26], 'U8']]],
  nunchaku: [[[`${layer}.qweight`, [320, 160], 'I8'], [`${layer}.wscales`, [5, 320]], [`${layer}.smooth_factor`, [320]], [`${layer}.proj_down`, [320, 32]], [`${layer}.proj_up`, [320, 32]]], [[`${layer}.qweight`, [80, 160], 'I32'], [`${layer}.wscales`, [5, 320]], [`${layer}.wzeros`, [5, 320]]]],
  quanto: [[[`${layer}.weight._data`, shape, 'I8'], [`${layer}.weight._scale`, [320, 1]], [`${layer}.input_scale`, []], [`${layer}.output_scale`, []]], [[`${layer}.weight._data._data`, [160, 320], 'U8'], [`${layer}.weight._scale`, [320, 1]], [`${layer}.weight._shift`, [320, 1]]]],
  torchao: [[[`${layer}.weight.tensor_impl.int_data`, shape, 'I8'], [`${layer}.weight.tensor_impl.scale`, [320]]], [[`${layer}._weight_qdata`, shape, 'I8'], [`${layer}._weight_scale`, [320, 1]]]],
  sdnq: [[[`${layer}.weight`, [51200], 'U8'], [`${layer}.scale`, [320, 1]], [`${layer}.zero_point`, [320, 1]]], [[`${layer}.weight`, shape, 'I8'], [`${layer}.scale`, [320, 1]], [`${layer}.svd_up`, [320, 32]], [`${layer}.svd_down`, [32, 320]]]],
  'compressed-tensors': [[[`${layer}.weight_packed`, [320, 40], 'I32'], [`${layer}.weight_scale`, [320, 10]], [`${layer}.weight_shape`, [2], 'I64']], [[`${layer}.weight_packed`, [320, 160], 'U8'], [`${layer}.weight_scale`, [320, 20], 'F8_E4M3'], [`${layer}.weight_global_scale`, [1], 'F32']]],
  modelopt: [[[`${layer}.weight`, [320, 160], 'U8'], [`${layer}.weight_scale`, [320, 20], 'F8_E4M3'], [`${layer}.weight_scale_2`, [], 'F32']], [[`${layer}.weight`, shape], [`${layer}.weight_quantizer._amax`, [320, 1]]], [[`${layer}.weight`, shape, 'F8_E4M3'], [`${layer}.weights_scaling_factor`, [1], 'F32'], [`${layer}.activation_scaling_factor`, [1], 'F32']]],
  gptq: [[[`${layer}.qweight`, [40, 320], 'I32'], [`${layer}.qzeros`, [3, 40], 'I32'], [`${layer}.scales`, [3, 320]], [`${layer}.g_idx`, [320], 'I32']]],
  hqq: [[[`${layer}.W_q`, [160, 320], 'U8'], [`${layer}.scale`, [320, 1]], [`${layer}.zero`, [320, 1]]]],
  integers: [[[`${layer}.weight`, shape, 'I8'], [`${layer}.weight_scale`, [320, 1], 'F32']], [[`${layer}.weight`, shape, 'I8'], [`${layer}.scale_weight`, [], 'F32']], [[`${layer}.weight`, [320, 40], 'U32'], [`${layer}.scales`, [320, 5]], [`${layer}.biases`, [320, 5]]], [[`${layer}.weight`, shape, 'U8'], [`${layer}.scale`, [320, 1]]]],
  fp8: [[[`${layer}.weight`, shape, 'F8_E4M3'], [`${layer}.weight_scale`, [3, 3], 'F32']], [[`${layer}.weight`, shape, 'F8_E4M3'], [`${layer}.weight_scale`, [320, 10], 'U8']], [[`${layer}.weight`, shape, 'F8_E5M2'], [`${layer}.weight_quant_scale`, [1], 'F32']], [[`${layer}.weight`, shape, 'F8_E4M3'], [`${layer}.scale`, [1], 'F32']], [[`${layer}.in_proj_weight`, shape, 'F8_E4M3'], [`${layer}.in_proj_scales`, [1], 'F32']]],
  scaled: [[[`${layer}.weight_scale`, [1], 'F32']], [[`${layer}.scale_weight`, [], 'F32']]],
  unknown: [[[`${layer}.weight`, shape], [`${layer}.weight.codes`, [320], 'U8']], [[`${layer}.weight`, shape], [`${layer}.weight_zero`, [1]]], [[`${layer}.weight`, shape], [`${layer}.codebook`, [16]]]],
};
const cases = Object.entries(forms).flatMap(([form, lists]) => lists.map((list, i): [string, number, List] => [form, i, list]));
const sd15 = referenceTensors('sd15-checkpoint').filter(([name]) => name !== `${layer}.weight`);

describe.each(cases)('%s %i', (form, _, list) => {
  test('a checkpoint with one such layer is named and refused', () => {
    const file = weightFile([...sd15, ...list]), report = identify(file);
    expect(report.problems[0]).toMatchObject({ code: 'weights.form', data: { form } });
    expect(report.runnable).toBe(false);
    expect(whyNotRunnable(file)!.info).toMatchObject({ code: 'weights.foreignForm', data: { form } });
    expect(fitnessOf({ file }).error!.code).toBe('weights.foreignForm');
  });
  test('a text encoder, a VAE and a LoRA with such a layer are too', () => {
    const at = (to: string): List => list.map(([name, ...rest]) => [name.replace(layer, to), ...rest]);
    const parts: List[] = [
      [...sd15.filter(([name]) => name.startsWith('first_stage_model.')), ...at('first_stage_model.decoder.mid.attn_1.extra')],
      [...sd15.filter(([name]) => name.startsWith('cond_stage_model.')), ...at('cond_stage_model.transformer.text_model.extra')],
      [...referenceTensors('sd15-kohya-lora-rank16'), ...at('lora_unet_extra.lora_down')],
    ];
    for (const part of parts) expect(identify(weightFile(part)).problems[0]).toMatchObject({ code: 'weights.form', data: { form } });
    const [vae, text] = parts.map((part) => weightFile(part)), model = weightFile(referenceTensors('sd15-checkpoint'));
    expect(() => combineParts(model, { vae: vae! })).toThrow(expect.objectContaining({ code: 'weights.foreignForm' }));
    expect(() => combineParts(model, { textEncoders: [text!] })).toThrow(expect.objectContaining({ code: 'weights.foreignForm' }));
  });
  test('the tools take it in no place', async () => {
    const write = (tensors: List): string => {
      const path = join(scratchFolder(), 'model.safetensors');
      writeFileSync(path, zeroFile(tensors.map(([name, dims, dtype = 'F16']) => ({ name, dtype, shape: dims }))));
      return path;
    };
    const path = write(list), plain = write([[`${layer}.weight`, shape]]), refusal = { code: 'weights.foreignForm', data: { form } };
    await expect(convertModel({ in: path, out: join(scratchFolder(), 'out.safetensors'), precision: 'F16' })).rejects.toMatchObject(refusal);
    for (const [a, b] of [[path, plain], [plain, path]] as const) await expect(mergeModels({ a, b, out: join(scratchFolder(), 'out.safetensors'), mode: 'weighted-sum', multiplier: 0.5 })).rejects.toMatchObject(refusal);
    await expect(readEmbedding(path)).rejects.toMatchObject(refusal);
    expect(identify(await openWeightFile(path)).problems).toContainEqual(expect.objectContaining({ code: 'weights.form' }));
  });
});

test('whatever stands beside whatever: every tensor is a weight, knows its factor, or is named (property)', () => {
  const module = fc.constantFrom('', 'a.', 'a.b.', 'model.diffusion_model.out.2.', 'in_proj_');
  const end = fc.constantFrom('weight', 'bias', 'weight_scale', 'weight_scale_inv', 'scale_weight', 'input_scale', 'scale_input', 'scaled_fp8', 'comfy_quant', 'weight.absmax', 'weight_scale_2', 'zero_point', 'scale', 'x');
  const dims = fc.array(fc.constantFrom(0, 1, 2, 3, 4, 8, 320), { maxLength: 5 });
  const dtype = fc.constantFrom<StoredDType>('F8_E4M3', 'F8_E5M2', 'F8_E4M3FNUZ', 'F8_E8M0', 'F16', 'F32', 'BF16', 'F64', 'I8', 'U8', 'I32', 'U64', 'BOOL');
  fc.assert(fc.property(fc.array(fc.tuple(module, end, dims, dtype), { maxLength: 8 }), (list) => {
    const given = weightFile(list.map(([before, after, shape, type]): List[number] => [before + after, shape, type])), file = pairFactors(given);
    for (const { shape, dtype: type, factor } of file.tensors.values()) {
      if (!factor) continue;
      const [rows, columns] = factor.blocks, count = factor.entry.shape.reduce((a, b) => a * b, 1);
      expect([type.startsWith('F8_'), count, (shape[0] ?? 1) % rows, (shape[1] ?? 1) % columns]).toEqual([true, rows * columns, 0, 0]);
    }
    expect(file.tensors.size + (file.companions?.length ?? 0)).toBe(given.tensors.size);
    expect(pairFactors(file)).toBe(file);
    const left = [...file.tensors.keys()].filter((name) => /(?:weight_scale|weight_scale_inv|scale_weight)$|(?:^|\.)(?:comfy_quant|weight\.absmax|weight_scale_2|zero_point)$/.test(name));
    if (left.length > 0) expect(identify(given).problems[0]!.code).toBe('weights.form');
  }), { numRuns: fuzzRuns(1000) });
});

describe('usual files are none', () => {
  test.each(['sd15-checkpoint', 'sd21-v-checkpoint', 'sd21-diffusers-unet', 'sdxl-base-checkpoint', 'sdxl-refiner-checkpoint', 'sd15-kohya-lora-rank16'])('%s', (name) => {
    const list = referenceTensors(name);
    expect(foreignForm(weightFile(list))).toBeNull();
    expect(foreignForm(weightFile(list.map(([key, dims, dtype]) => [key, dims, dtype.includes('F') ? 'F8_E4M3' : dtype])))).toBeNull();
  });
  test('an EMA copy, whose names have lost their dots', () => {
    const list = referenceTensors('sd15-checkpoint'), ema = list.filter(([name]) => name.startsWith('model.')).map(([name, dims]): List[number] => [`model_ema.${name.slice(6).replaceAll('.', '')}`, dims, 'F32']);
    expect(foreignForm(weightFile([...list, ...ema]))).toBeNull();
  });
  test('buffers, marks, and what LoRAs and other networks have of their own', () => {
    const beside: List = [
      ['v_pred', [0]], ['ztsnr', [0]], ['edm_vpred.sigma_max', []], ['betas', [1000], 'F32'], ['scale_factor', [], 'F32'], ['cond_stage_model.model.logit_scale', []], ['first_stage_model.loss.logvar', []],
      ['lora_unet_a.lora_down.weight', [4, 8]], ['lora_unet_a.dora_scale', [1, 8]], ['lora_unet_a.alpha', []], ['lora_unet_a.weight', [8]], ['lora_unet_a.on_input', [], 'BOOL'], ['lora_unet_b.oft_blocks', [2, 4, 4]], ['lora_unet_b.rescale', [4, 1]],
      ['double_blocks.0.img_attn.norm.key_norm.scale', [128]], ['blocks.0.scale_shift_table', [6, 8]], ['quantize.embedding.weight', [16, 8]], ['layers.0.weight', [8, 8]], ['layers.0.lora_scale', [1]], ['body.1.weight', [8]],
      ['body.1.num_batches_tracked', [], 'I64'], ['bundle_emb.sks.clip_l', [2, 768]], ['unet.x.lora_magnitude_vector.default.weight', [8]], ['layer_scale1', [8]], ['clip.transformer.resblocks.0.attn.in_proj_weight', [24, 8]], ['clip.transformer.resblocks.0.attn.in_proj_bias', [24]],
    ];
    expect(foreignForm(weightFile(beside))).toBeNull();
  });
  const folder = process.env.ATELIER_GOLDEN ?? join(import.meta.dirname, '../../golden/cases');
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith('.safetensors')) : [];
  test('the golden cases', async () => {
    for (const name of files) expect([name, foreignForm(await openWeightFile(join(folder, name)))]).toEqual([name, null]);
  });
});
