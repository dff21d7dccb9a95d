// The tensors that an SD 1.x checkpoint must have, and that one bad tensor is named alone, whatever the checkpoint's sizes are.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkCheckpoint } from '../../../main/engine/checking/check';
import { type CheckpointSizes, sd15 } from '../../../main/engine/families/known-sizes';
import { checkpointTensors } from '../../../main/engine/families/network-tensors';
import { sizeOf, type Dims } from '../../../main/engine/tensor';
import type { WeightFile } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { referenceTensors, tinySizes, weightFile } from '../../support/checkpoints';

const checkSd1 = (file: WeightFile) => checkCheckpoint(file, 'sd1');
const demo = new URL('../../../resources/models/atelier-mini.safetensors', import.meta.url).pathname;

test('SD 1.5 has exactly the tensors of the reference list', () => {
  const reference = new Map(referenceTensors('sd15-checkpoint').filter(([name]) => !name.endsWith('position_ids')).map(([name, shape]) => [name, shape]));
  expect(checkpointTensors(sd15)).toEqual(reference);
  const unet = [...checkpointTensors(sd15)].filter(([name]) => name.startsWith('model.')).reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  expect(unet).toBe(859_520_964);
});

const channels = fc.constantFrom(32, 64, 96, 160);
const anySizes: fc.Arbitrary<CheckpointSizes> = fc.record({
  unet: fc.record({
    inChannels: fc.constantFrom(4, 9), outChannels: fc.constant(4), modelChannels: channels, timeEmbed: fc.constantFrom(128, 256), channels: fc.array(channels, { minLength: 1, maxLength: 4 }),
    resBlocks: fc.integer({ min: 1, max: 3 }), depths: fc.array(fc.nat(2), { minLength: 4, maxLength: 4 }), middleDepth: fc.integer({ min: 1, max: 2 }), contextDim: fc.constantFrom(48, 768),
  }).map((unet) => ({ ...unet, depths: unet.depths.slice(0, unet.channels.length) })),
  text: fc.record({ layers: fc.integer({ min: 1, max: 3 }), mlp: fc.constantFrom(128, 256), vocabulary: fc.constantFrom(1000, 49408), positions: fc.constant(77) }),
  vae: fc.record({ channels: fc.array(channels, { minLength: 2, maxLength: 4 }), resBlocks: fc.integer({ min: 1, max: 2 }), latentChannels: fc.constant(4), embedChannels: fc.constant(4) }),
}).map(({ text, ...sizes }) => ({ ...sizes, text: { 'cond_stage_model.transformer.text_model.': { ...text, width: sizes.unet.contextDim } } }));

describe('checkSd1', () => {
  test('finds nothing wrong with a whole checkpoint of any sizes (property)', () => {
    fc.assert(fc.property(anySizes, (sizes) => { expect(checkSd1(weightFile(checkpointTensors(sizes)))).toEqual([]); }), { numRuns: 100 });
  });
  test('finds nothing wrong with the demo checkpoint and with SD 1.5', async () => {
    expect(checkSd1(await openWeightFile(demo))).toEqual([]);
    expect(checkSd1(weightFile(referenceTensors('sd15-checkpoint')))).toEqual([]);
  });

  const tiny = checkpointTensors({ ...tinySizes, unet: { ...tinySizes.unet, resBlocks: 2 } });
  const changed = (change: (tensors: Map<string, Dims>) => void) => {
    const tensors = new Map(tiny);
    change(tensors);
    return checkSd1(weightFile(tensors));
  };
  test('names each missing tensor, and it alone', () => {
    for (const name of tiny.keys()) {
      expect(changed((t) => t.delete(name)), name).toEqual([{ severity: 'fatal', problem: { code: 'tensor.missing', data: { key: name, shape: tiny.get(name) } } }]);
    }
  });
  test('names each misshapen tensor, and it alone', () => {
    for (const [name, dims] of tiny) {
      // Vocabulary and positions are whatever the tables have.
      const axes = /embeddings\.(token|position)_embedding/.test(name) ? [1] : dims.map((_, axis) => axis);
      for (const axis of axes) {
        const wrong = dims.map((size, i) => (i === axis ? size + 7 : size));
        const problems = changed((t) => t.set(name, wrong));
        expect(problems, `${name} ${wrong}`).toEqual([{ severity: 'fatal', problem: { code: 'tensor.shape', data: { key: name, got: wrong, want: dims } } }]);
      }
    }
  });
  test('notes what it does not know, and does not mind it', () => {
    expect(changed((t) => t.set('embedding_manager.embedder.weight', [4, 4]))).toEqual([{ severity: 'note', problem: { code: 'tensor.unused', data: { key: 'embedding_manager.embedder.weight', family: expect.any(String) } } }]);
  });
  test('refuses whole numbers where weights belong', () => {
    const problems = checkSd1(weightFile([...tiny].map(([name, dims]) => [name, dims, name === 'first_stage_model.quant_conv.bias' ? 'I32' : 'F16'] as const)));
    expect(problems).toEqual([{ severity: 'fatal', problem: { code: 'tensor.dtype', data: { key: 'first_stage_model.quant_conv.bias', dtype: 'I32' } } }]);
  });
});
