// The image tower is one network in two layouts, and IP-Adapter's numbers are those of the U-Net's cross-attentions in diffusers' order.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildClipVision, clipVisionConfig } from '../../../main/engine/families/control/clip-vision';
import { buildImageTokens, crossAttentions, ipAdapterConfig } from '../../../main/engine/families/control/ip-adapter';
import { sd15, sdxlBase } from '../../../main/engine/families/known-sizes';
import { unetConfigOf } from '../../../main/engine/families/unet';
import { float32 } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { evaluate } from '../../../main/cli/golden/networks';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { weightFile } from '../../support/checkpoints';
import { compileIn, dialects } from '../../support/networks';
import { validateModel } from '../../support/onnx-check';
import { randomValues, readWeights, writeWeights, type StoredWeights } from '../../support/weights';

const clip = join(import.meta.dirname, '../../golden/cases/clip_vision_tiny/weights.safetensors');

test('OpenCLIP\'s names hold the same tower as transformers\'', async () => {
  const { tensors } = await readWeights(clip), out: Record<string, StoredWeights> = {};
  const vision = (name: string): StoredWeights => tensors[`vision_model.${name}`]!;
  const put = (to: string, from: string): void => { for (const end of ['weight', 'bias']) out[`visual.${to}.${end}`] = vision(`${from}.${end}`); };
  out['visual.conv1.weight'] = vision('embeddings.patch_embedding.weight');
  out['visual.class_embedding'] = vision('embeddings.class_embedding');
  out['visual.positional_embedding'] = vision('embeddings.position_embedding.weight');
  put('ln_pre', 'pre_layrnorm');
  put('ln_post', 'post_layernorm');
  for (let i = 0; i < 3; i++) {
    const to = `transformer.resblocks.${i}`, from = `encoder.layers.${i}`;
    for (const [mine, theirs] of [['ln_1', 'layer_norm1'], ['ln_2', 'layer_norm2'], ['attn.out_proj', 'self_attn.out_proj'], ['mlp.c_fc', 'mlp.fc1'], ['mlp.c_proj', 'mlp.fc2']] as const) put(`${to}.${mine}`, `${from}.${theirs}`);
    for (const end of ['weight', 'bias']) {
      const parts = ['q', 'k', 'v'].map((name) => vision(`${from}.self_attn.${name}_proj.${end}`));
      out[`visual.${to}.attn.in_proj_${end}`] = { dims: [3 * parts[0]!.dims[0]!, ...parts[0]!.dims.slice(1)], values: parts.flatMap(({ values }) => [...values]) };
    }
  }
  const { dims: [rows = 0, columns = 0], values } = tensors['visual_projection.weight']!;
  out['visual.proj'] = { dims: [columns, rows], values: Array.from({ length: rows * columns }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!) };

  const pixels = float32([1, 3, 32, 32], Float32Array.from(randomValues(3 * 32 * 32, 1)));
  const [theirs, mine] = await Promise.all([clip, writeWeights(out)].map(async (path) => {
    const file = await openWeightFile(path), config = clipVisionConfig(file, { heads: 4, activation: 'gelu' })!;
    expect(config).toMatchObject({ width: 48, layers: 3, mlp: 96, side: 32, patch: 8, embedding: 32 });
    return evaluate(ortRuntime({ threads: 1 }), buildClipVision(file, config, 1), { pixels });
  }));
  for (const name of ['embeds', 'penultimate', 'last']) expect(Math.max(...theirs![name]!.data.map((value, i) => Math.abs(value - mine![name]!.data[i]!)))).toBeLessThan(1e-5);
});

test('numbers: 16 cross-attentions in SD 1.5, with the middle last, and 70 in SDXL', () => {
  const sd1 = crossAttentions(unetConfigOf(sd15.unet, 'unet')), xl = crossAttentions(unetConfigOf(sdxlBase.unet, 'unet'));
  const block = (name: string): string => `unet.${name}.1.transformer_blocks.0.attn2`;
  expect(sd1).toEqual([1, 2, 4, 5, 7, 8].map((i) => block(`input_blocks.${i}`)).concat([3, 4, 5, 6, 7, 8, 9, 10, 11].map((i) => block(`output_blocks.${i}`)), block('middle_block')));
  expect([xl.length, new Set(xl).size, xl[0], xl.at(-1)]).toEqual([70, 70, block('input_blocks.4'), 'unet.middle_block.1.transformer_blocks.9.attn2']);
});

test('the full form turns each patch into a token, and every form compiles', () => {
  const full = weightFile([['image_proj.proj.0.weight', [40, 40]], ['image_proj.proj.0.bias', [40]], ['image_proj.proj.2.weight', [64, 40]], ['image_proj.proj.2.bias', [64]], ['image_proj.proj.3.weight', [64]], ['image_proj.proj.3.bias', [64]]]);
  const config = ipAdapterConfig(full)!, graph = buildImageTokens(full, config, 2, 17);
  expect(config).toEqual({ form: 'full', inputs: 40, contextDim: 64, tokens: null });
  expect(graph.outputs[0]!.value.dims).toEqual([2, 17, 64]);
  for (const dialect of Object.values(dialects)) expect(validateModel(compileIn(dialect, graph))).toEqual([]);
  // FaceID's begin with a face's 512 numbers and end in a norm of their own: none of these.
  expect(ipAdapterConfig(weightFile([['image_proj.proj.0.weight', [1024, 512]], ['image_proj.proj.2.weight', [3072, 1024]], ['image_proj.norm.weight', [768]]]))).toBeUndefined();
});
