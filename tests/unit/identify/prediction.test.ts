// SD 2's two kinds: a few values of the weights tell what names and shapes cannot, as far as they can.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { identify } from '../../../main/engine/identify/identify';
import { assembleCheckpoint } from '../../../main/engine/weights/key-maps/assemble';
import { familyTraits } from '../../../main/engine/pipeline/family';
import { encodeHeader } from '../../../main/engine/weights/safetensors';
import { openWeightFile } from '../../../main/files/weight-file';
import { referenceTensors, scratchFolder, weightFile } from '../../support/checkpoints';

const ldm = 'model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias', diffusers = 'up_blocks.3.attentions.2.transformer_blocks.0.norm1.bias';
/** Half of them at each side of the mean. */
const spread = (deviation: number): Float32Array => Float32Array.from({ length: 320 }, (_, i) => 0.3 + (i % 2 ? deviation : -deviation));
const sd2 = (values?: Float32Array) => ({ ...weightFile(referenceTensors('sd21-v-checkpoint')), ...(values && { samples: new Map([[ldm, values]]) }) });

test.each([[0.2, 'v'], [0.091, 'v'], [0.089, 'eps'], [0.02, 'eps']])('values that lie %f from their mean suggest %s', (deviation, prediction) => {
  const file = sd2(spread(deviation)), { confidence, problems } = identify(file);
  expect(familyTraits(file).prediction).toBe(prediction);
  expect(confidence).toBe(0.85);
  expect(problems).toEqual([{ code: 'prediction.likely', data: { why: prediction } }]);
});

test.each([['no values', undefined], ['weights that were never trained', new Float32Array(320)], ['broken ones', new Float32Array(320).fill(NaN)]])('%s leave it open', (_, values) => {
  expect(identify(sd2(values))).toMatchObject({ prediction: 'v', confidence: 0.6 });
});

test('what somebody says counts for more, and other families are not asked', () => {
  expect(identify(sd2(spread(0.2)), { prediction: 'eps' })).toMatchObject({ prediction: 'eps', confidence: 0.99 });
  const sd1 = { ...weightFile(referenceTensors('sd15-checkpoint')), samples: new Map([[ldm, spread(0.2)]]) };
  expect(identify(sd1).prediction).toBe('eps');
});

describe('a file is opened with these values, whatever its layout', () => {
  test.each([ldm, diffusers, ldm.replace('model.diffusion_model.', '')])('%s', async (name) => {
    const path = join(scratchFolder(), 'file.safetensors'), values = spread(0.125);
    const { header } = encodeHeader([{ name, dtype: 'F32', shape: [320] }]);
    writeFileSync(path, Buffer.concat([header, new Uint8Array(values.buffer)]));
    expect((await openWeightFile(path)).samples).toEqual(new Map([[name, values]]));
  });
  test('as whole numbers or of another size it has none', async () => {
    for (const tensor of [{ name: ldm, dtype: 'I32', shape: [320] }, { name: ldm, dtype: 'F32', shape: [64] }] as const) {
      const path = join(scratchFolder(), 'file.safetensors'), { header } = encodeHeader([tensor]);
      writeFileSync(path, Buffer.concat([header, Buffer.alloc(4 * tensor.shape[0])]));
      expect((await openWeightFile(path)).samples).toBeUndefined();
    }
  });
  test('and put together from parts, it still has them', () => {
    const unet = { ...weightFile(referenceTensors('sd21-diffusers-unet')), samples: new Map([[diffusers, spread(0.2)]]) };
    expect(assembleCheckpoint('/models/folder', { unet }).samples).toEqual(new Map([[ldm, spread(0.2)]]));
  });
});
