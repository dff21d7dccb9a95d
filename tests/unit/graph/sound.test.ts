// Whatever is built is either refused by name or becomes a model without faults.
import { describe, expect, test } from 'vitest';
import { textEncoders } from '../../../main/engine/families/text-encoders';
import { buildTextTower } from '../../../main/engine/families/text-tower';
import { checkpointTensors } from '../../../main/engine/families/network-tensors';
import { Graph, type Value } from '../../../main/engine/graph/graph';
import type { OperationName } from '../../../main/engine/graph/operations';
import { Weights } from '../../../main/engine/nn/weights';
import type { Dims, DType } from '../../../main/engine/tensor';
import { tinyFamilies, weightFile } from '../../support/checkpoints';
import { compileIn, dialects } from '../../support/networks';
import { validateModel } from '../../support/onnx-check';

const cpu = (g: Graph): Uint8Array => compileIn(dialects['cpu']!, g);
const x = (g: Graph): Value => g.input('x', 'float32', [2, 3]);

/** A graph is either refused, while it is built or when it is compiled, or it is a model without faults. */
function expectSound(build: (g: Graph) => void): void {
  const g = new Graph('test');
  let model: Uint8Array;
  try {
    build(g);
    model = cpu(g);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return;
  }
  expect(validateModel(model)).toEqual([]);
}

describe('outputs and inputs', () => {
  test('a value that is two outputs', () => { expectSound((g) => { const y = g.apply('Relu', [x(g)]); g.output('a', y); g.output('b', y); }); });
  test('all states of a tower whose last one has no norm', () => {
    const [tower] = textEncoders(weightFile(checkpointTensors(tinyFamilies.sdxl)));
    expect(validateModel(cpu(buildTextTower(tower!, { batch: 1, raw: true })))).toEqual([]);
  });
  test('an input that is an output', () => { expectSound((g) => { g.output('out', x(g)); }); });
  test('a constant that is an output', () => { expectSound((g) => { g.output('out', g.constant('float32', [1], Float32Array.of(1))); }); });
  test('a weight that is an output', () => { expectSound((g) => { g.output('out', g.weight({ name: 'w', file: '/a', offset: 0, byteLength: 2, stored: 'F16' }, [1])); }); });
  test('two inputs of one name', () => { expectSound((g) => { g.output('out', g.apply('Add', [x(g), x(g)])); }); });
  test('two outputs of one name', () => { expectSound((g) => { const h = x(g); g.output('out', g.apply('Relu', [h])); g.output('out', g.apply('Tanh', [h])); }); });
  test('an output of an input\'s name', () => { expectSound((g) => { g.output('x', g.apply('Relu', [x(g)])); }); });
  test('an input of a name that the emitter gives to a constant', () => { expectSound((g) => { g.output('out', g.apply('Reshape', [g.input('c0', 'float32', [6])], { dims: [2, 3] })); }); });
  test('nodes that no output needs', () => { expectSound((g) => { const h = x(g); g.apply('Tanh', [h]); g.output('out', g.apply('Relu', [h])); }); });
});

describe('shape rules', () => {
  const apply = (op: OperationName, dims: readonly Dims[], attributes = {}, dtypes: readonly DType[] = []): void => {
    expectSound((g) => {
      const inputs = dims.map((d, i) => g.input(`i${i}`, dtypes[i] ?? 'float32', d));
      g.output('out', (g.apply as (op: OperationName, inputs: readonly Value[], attributes: object) => Value).call(g, op, inputs, attributes));
    });
  };
  test.each<[string, () => void]>([
    ['MatMul broadcasts what stands before the matrices', () => { apply('MatMul', [[1, 2, 3], [4, 3, 5]]); }],
    ['MatMul of batches that do not broadcast', () => { apply('MatMul', [[2, 2, 3], [4, 3, 5]]); }],
    ['MatMul of a vector', () => { apply('MatMul', [[3], [3, 5]]); }],
    ['a Slice beyond the end', () => { apply('Slice', [[2, 3]], { axis: 1, start: 2, end: 5 }); }],
    ['a Transpose that repeats an axis', () => { apply('Transpose', [[2, 3]], { perm: [0, 0] }); }],
    ['a Concat of another rank', () => { apply('Concat', [[2, 3, 1], [2, 3]], { axis: 0 }); }],
    ['a Gather by fractions', () => { apply('Gather', [[5, 3], [2]]); }],
    ['an Add of two types', () => { apply('Add', [[2], [2]], {}, ['float32', 'int64']); }],
    ['a function of whole numbers', () => { apply('Tanh', [[2]], {}, ['int64']); }],
    ['Attention of other batches', () => { apply('Attention', [[1, 4, 8], [2, 4, 8], [2, 4, 8]], { heads: 1 }); }],
    ['Attention with a bias of other keys', () => { apply('Attention', [[1, 4, 8], [1, 5, 8], [1, 5, 8], [1, 1, 4, 4]], { heads: 1 }); }],
    ['a GroupNorm bias of another length', () => { apply('GroupNorm', [[1, 4, 2, 2], [4], [8]], { groups: 2, epsilon: 1e-5 }); }],
    ['a LayerNorm bias of another length', () => { apply('LayerNorm', [[2, 4], [4], [3]], { epsilon: 1e-5 }); }],
    ['a kernel larger than what it slides over', () => { apply('Conv', [[1, 3, 2, 2], [4, 3, 5, 5]], { stride: 1, pads: [0, 0, 0, 0] }); }],
  ])('%s', (_, run) => { run(); });

  test('heads that are no whole number', () => {
    const narrow = { ...tinyFamilies.sd2, unet: { ...tinyFamilies.sd2.unet, modelChannels: 96, channels: [96, 192] } };
    expect(() => checkpointTensors(narrow)).toThrow(/1.5 heads/);
  });
});

describe('weights', () => {
  test('rows beyond the tensor\'s last', () => {
    const w = new Weights(new Graph('test'), weightFile([['packed', [6, 4]], ['next', [6, 4]]]));
    expect(() => w.rows('packed', [6, 4], 4, 4)).toThrow(/rows 4…8 of packed \[6,4\]/);
  });
  test('nothing for something', () => {
    expect(() => new Weights(new Graph('test'), weightFile([['empty', [0, 4]]])).tensor('empty', [2, 4])).toThrow(expect.objectContaining({ code: 'weights.shapeMismatch' }));
  });
  test('two types at one place are two weights', () => {
    const g = new Graph('test'), ref = { name: 'w', file: '/a', offset: 0 };
    expect(g.weight({ ...ref, byteLength: 4, stored: 'F16' }, [2])).not.toBe(g.weight({ ...ref, byteLength: 4, stored: 'BF16' }, [2]));
  });
});
