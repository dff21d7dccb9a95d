// Which text encoders a file has, by its names; and OpenCLIP's tower in its own names and in transformers', which must say the same.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { clipTower } from '../../../main/engine/families/clip';
import { openClipTower } from '../../../main/engine/families/openclip';
import { textEncoders } from '../../../main/engine/families/text-encoders';
import { buildTextTower, fillRow, firstEnd } from '../../../main/engine/families/text-tower';
import { int64 } from '../../../main/engine/tensor';
import type { TensorEntry, WeightFile } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { referenceTensors, weightFile } from '../../support/checkpoints';

describe('real files', () => {
  const openClip = { clipSkip: 2, fill: 'zero', heads: 16 };
  test.each([
    ['sd15-checkpoint', [{ width: 768, layers: 12, heads: 12, clipSkip: 1, normed: true, fill: 'end', pooledWidth: 0 }]],
    ['sd21-v-checkpoint', [{ ...openClip, width: 1024, layers: 24, normed: true, pooledWidth: 0 }]],
    ['sdxl-base-checkpoint', [{ width: 768, layers: 12, clipSkip: 2, normed: false, fill: 'end', pooledWidth: 0 }, { ...openClip, width: 1280, layers: 32, heads: 20, normed: false, pooledWidth: 1280 }]],
    ['sdxl-refiner-checkpoint', [{ ...openClip, width: 1280, layers: 32, heads: 20, normed: false, pooledWidth: 1280 }]],
  ])('%s', (name, expected) => { expect(textEncoders(weightFile(referenceTensors(name)))).toMatchObject(expected); });
});

test("SDXL's pooled vector is bigG's, also where its CLIP-L has a projection of its own", () => {
  const withProjection = weightFile([...referenceTensors('sdxl-base-checkpoint'), ['conditioner.embedders.0.transformer.text_projection.weight', [768, 768]]]);
  expect(textEncoders(withProjection).map(({ pooledWidth }) => pooledWidth)).toEqual([0, 1280]);
});

test('behind the end of a text stands what each kind was trained with', () => {
  const row = [998, 5, 7, 999, 999, 999];
  const tower = textEncoders(weightFile(referenceTensors('sdxl-base-checkpoint')));
  expect(fillRow(tower[0]!, row)).toEqual(row);
  expect(fillRow(tower[1]!, row)).toEqual([998, 5, 7, 999, 0, 0]);
  expect(firstEnd(row)).toBe(3);
});

/** The packed tower's tensors under transformers' names: the same bytes, cut into query, key and value. */
function converted(file: WeightFile, from: string, to: string): WeightFile {
  const tensors = new Map<string, TensorEntry>();
  const put = (name: string, entry: TensorEntry): unknown => tensors.set(name, { ...entry, name });
  for (const entry of file.tensors.values()) {
    const name = entry.name.slice(from.length + 1)
      .replace('token_embedding', 'embeddings.token_embedding').replace('positional_embedding', 'embeddings.position_embedding.weight').replace('ln_final', 'final_layer_norm')
      .replace('transformer.resblocks', 'encoder.layers').replace('ln_', 'layer_norm').replace('mlp.c_fc', 'mlp.fc1').replace('mlp.c_proj', 'mlp.fc2').replace('attn.', 'self_attn.');
    const packed = /^(.*)in_proj_(weight|bias)$/.exec(name);
    if (!packed) put(`${to}.${name}`, entry);
    else ['q', 'k', 'v'].forEach((part, i) => put(`${to}.${packed[1]}${part}_proj.${packed[2]}`, {
      ...entry, shape: [entry.shape[0]! / 3, ...entry.shape.slice(1)], offset: entry.offset + (i * entry.byteLength) / 3, byteLength: entry.byteLength / 3,
    }));
  }
  return { ...file, tensors };
}

test('OpenCLIP in transformers\' names gives the same states', async () => {
  const file = await openWeightFile(join(import.meta.dirname, '../../golden/cases/open_clip_tiny/weights_sd2_h.safetensors'));
  const packed = { ...openClipTower(file, 'cond_stage_model.model', 4)!, pooledWidth: 0 };
  const split = clipTower(converted(file, packed.prefix, 'cond_stage_model.transformer.text_model'), undefined, { heads: 4, openClip: true })!;
  expect(split).toMatchObject({ width: 64, layers: 3, fill: 'zero' });
  const ids = int64([1, 77], [998, ...Array<number>(10).fill(42), 999, ...Array<number>(65).fill(0)]);
  const [a, b] = await Promise.all([packed, split].map(async (tower) => (await (await ortRuntime().open(buildTextTower(tower, { batch: 1 }))).run({ ids }))['hidden']!));
  expect(a!.data.some((value) => Math.abs(value) > 0.1)).toBe(true);
  expect(Math.max(...a!.data.map((value, i) => Math.abs(value - b!.data[i]!)))).toBeLessThan(1e-5);
});
