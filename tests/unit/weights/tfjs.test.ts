// TensorFlow.js' files: how values are kept, and what is refused.
import { describe, expect, test } from 'vitest';
import { buildGraphModel } from '../../../main/engine/families/tfjs/graph-model';
import { applyLayersModel } from '../../../main/engine/families/tfjs/layers-model';
import { Graph } from '../../../main/engine/graph/graph';
import { readTfjsModel, shardsOf } from '../../../main/engine/weights/tfjs';

const read = (weights: readonly object[], bytes: readonly number[], topology?: object): ReturnType<typeof readTfjsModel> =>
  readTfjsModel({ modelTopology: topology, weightsManifest: [{ paths: ['a.bin'], weights }] }, Uint8Array.from(bytes), '/m.json');
const fault = (code: string, data: object): unknown => expect.objectContaining({ code, data: expect.objectContaining(data) as unknown });

test('values: float32, fp16, whole numbers with a scale and a least value, one behind the other at any offset', () => {
  const { tensors } = read([
    { name: 'q', shape: [3], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } }, { name: 'h', shape: [2], dtype: 'float32', quantization: { dtype: 'float16', original_dtype: 'float32' } },
    { name: 'f', shape: [1], dtype: 'float32' }, { name: 'i', shape: [1], dtype: 'int32' }, { name: 'r', shape: [1], dtype: 'int32', quantization: { dtype: 'uint8', scale: 0.3, min: 1 } },
    { name: 'w', shape: [1], dtype: 'float32', quantization: { dtype: 'uint16', scale: 2, min: 1 } },
  ], [0, 1, 255, 0, 0x3c, 0, 0xc0, 0, 0, 0x80, 0x3f, 0xfe, 0xff, 0xff, 0xff, 4, 0, 1]);
  expect(Object.fromEntries([...tensors].map(([name, { values }]) => [name, [...values]]))).toEqual({ q: [-1, -0.5, 126.5], h: [1, -2], f: [1], i: [-2], r: [2], w: [513] });
});

test('a list of weights alone', () => { expect(shardsOf([{ paths: ['x', 'y'], weights: [] }], '/m.json')).toEqual(['x', 'y']); });

describe('refused by name', () => {
  test('bytes that are not there', () => { expect(() => read([{ name: 'f', shape: [2], dtype: 'float32' }], [0, 0, 0, 0])).toThrow(fault('weights.truncated', { key: 'f', expectedBytes: 8 })); });
  test('a type that is not known', () => { expect(() => read([{ name: 'f', shape: [2], dtype: 'complex64' }], [])).toThrow(fault('weights.unsupportedDtype', { key: 'f', dtype: 'complex64' })); });
  test.each([null, 3, {}, { weightsManifest: 3 }, { weightsManifest: [{ paths: 3 }] }])('%j is no model', (json) => { expect(() => shardsOf(json, '/m.json')).toThrow(fault('weights.badHeader', { file: '/m.json' })); });
  test('an entry without a shape', () => { expect(() => shardsOf([{ paths: [], weights: [{ name: 'f', dtype: 'float32' }] }], '/m.json')).toThrow(fault('weights.badHeader', { key: 'f' })); });

  const cut = { name: 'x', inputs: { image: { node: 'in', dims: [1, 3, 4, 4] } }, outputs: { out: 'out' } };
  const graphOf = (op: string, attr: object = {}, input: readonly string[] = ['in']) => buildGraphModel(read([], [], { node: [{ name: 'out', op, input, attr }] }), cut);
  test('an operation', () => { expect(() => graphOf('Conv3D')).toThrow(fault('model.unsupported', { why: 'operation', file: '/m.json', operation: 'Conv3D' })); });
  test('an operation that is a property of all objects', () => { expect(() => graphOf('constructor')).toThrow(fault('model.unsupported', { operation: 'constructor' })); });
  test('a kind of one', () => { expect(() => graphOf('MaxPool', { padding: { s: btoa('SAME') }, ksize: { list: { i: ['1', '2', '3', '1'] } }, strides: { list: { i: ['1', '2', '2', '1'] } } })).toThrow(fault('model.unsupported', { operation: 'MaxPool, ksize 2 × 3' })); });
  test('a node that is not there', () => { expect(() => graphOf('Relu6', {}, ['gone'])).toThrow(fault('weights.missingTensor', { key: 'gone' })); });
  test('no graph at all', () => { expect(() => buildGraphModel(read([], []), cut)).toThrow(fault('weights.badHeader', { file: '/m.json' })); });

  const layers = (layer: object): unknown => {
    const g = new Graph('x'), model = read([], [], { model_config: { config: { layers: [{ name: 'out', config: {}, inbound_nodes: [[['in', 0, 0, {}]]], ...layer }], input_layers: [['in', 0, 0]], output_layers: [['out', 0, 0]] } } });
    return applyLayersModel(g, model, g.input('image', 'float32', [1, 3, 4, 4]));
  };
  test('a layer', () => { expect(() => layers({ class_name: 'LSTM' })).toThrow(fault('model.unsupported', { operation: 'LSTM' })); });
  test('an activation', () => { expect(() => layers({ class_name: 'Activation', config: { activation: 'swish' } })).toThrow(fault('model.unsupported', { operation: 'Activation, swish' })); });
  test('a layer\'s weights', () => { expect(() => layers({ class_name: 'Conv2D' })).toThrow(fault('weights.missingTensor', { key: 'out/kernel' })); });
});
