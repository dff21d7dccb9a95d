// The tensors of SD 2 and SDXL: the engine's lists against real ones, and faults named one by one whatever the sizes are.
import { describe, expect, test } from 'vitest';
import { checkCheckpoint } from '../../../main/engine/checking/check';
import { sd21, sdxlBase, sdxlRefiner } from '../../../main/engine/families/known-sizes';
import { checkpointTensors } from '../../../main/engine/families/network-tensors';
import { isBuffer } from '../../../main/engine/identify/buffers';
import { buildUnet, unetConfig } from '../../../main/engine/families/unet';
import { sizeOf, type Dims } from '../../../main/engine/tensor';
import { referenceTensors, tinyFamilies, weightFile } from '../../support/checkpoints';

const weights = (name: string): Map<string, Dims> =>
  new Map(referenceTensors(name).filter(([key]) => !isBuffer(key) && !key.endsWith('logit_scale')).map(([key, shape]) => [key, shape]));

describe('the lists are those of real files', () => {
  test.each([['sd21-v-checkpoint', sd21], ['sdxl-base-checkpoint', sdxlBase], ['sdxl-refiner-checkpoint', sdxlRefiner]])('%s', (name, sizes) => {
    expect(new Map([...checkpointTensors(sizes)].sort())).toEqual(new Map([...weights(name)].sort()));
  });
});

test.each([
  // Of SDXL at 1024×1024, 5.98 TFLOP are published without the products inside attention, which are 0.75 more.
  ['sdxl-base-checkpoint', 2_567_463_684, 128, 6.74],
  ['sd21-v-checkpoint', 865_910_724, 96, 2.2],
  ['sdxl-refiner-checkpoint', 2_260_000_000, 128, 7.3],
] as const)('%s compiles at its own size, with the published number of weights and operations', (name, parameters, side, teraflops) => {
  const file = weightFile(referenceTensors(name));
  const graph = buildUnet(file, unetConfig(file)!, { batch: 1, height: side, width: side, tokens: 77 });
  const count = [...graph.weightRefs()].reduce((sum, { name: key }) => sum + sizeOf(file.tensors.get(key)!.shape), 0);
  expect(count / parameters).toBeCloseTo(1, 2);
  expect(graph.flops() / 1e12 / teraflops).toBeCloseTo(1, 1);
});

describe.each(['sd2', 'sdxl', 'sdxl-refiner'] as const)('%s: what is wrong is named', (family) => {
  const whole = checkpointTensors(tinyFamilies[family]);
  const changed = (change: (tensors: Map<string, Dims>) => void) => {
    const tensors = new Map(whole);
    change(tensors);
    return checkCheckpoint(weightFile(tensors), family);
  };
  test('nothing of a whole file', () => { expect(changed(() => undefined)).toEqual([]); });
  test('each missing tensor, and it alone', () => {
    for (const name of whole.keys()) {
      if (/^cond_stage_model.*text_projection$/.test(name)) continue;                          // SD 2 does not read it
      if (name.endsWith('label_emb.0.0.weight')) continue;                                     // it tells the family: without it the file is no SDXL
      expect(changed((t) => t.delete(name)), name).toEqual([{ severity: 'fatal', problem: { code: 'tensor.missing', data: { key: name, shape: expect.any(Array) } } }]);
    }
  });
});

test('a pruned SDXL may have other depths from block to block and no attention in its middle', () => {
  const unet = { ...sdxlBase.unet, middleDepth: 0, blockDepths: { input: [0, 0, 2, 2, 4, 4], output: [4, 4, 10, 2, 1, 1, 0, 0, 0] } };
  const file = weightFile(checkpointTensors({ ...sdxlBase, unet }));
  expect(checkCheckpoint(file, 'sdxl')).toEqual([]);
  const graph = buildUnet(file, unetConfig(file)!, { batch: 1, height: 16, width: 16, tokens: 77 });
  expect(graph.outputs[0]!.value.dims).toEqual([1, 4, 16, 16]);
});
