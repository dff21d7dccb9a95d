// The emitter: constants once, weights where they lie, casts ahead of their users, and the model's own frame.
import { describe, expect, test } from 'vitest';
import { cpuDialect, type Dialect, type Emit } from '../../../main/engine/graph/dialect';
import { Graph, type WeightRef } from '../../../main/engine/graph/graph';
import { compile } from '../../../main/engine/graph/onnx';
import type { StoredDType } from '../../../main/engine/weights/source';
import { validateModel } from '../../support/onnx-check';
import { readModel, type OnnxModel } from '../../support/onnx-model';

const weight = (more: Partial<WeightRef> = {}): WeightRef => ({ name: 'layer.weight', file: '/models/a.safetensors', offset: 2 ** 33, byteLength: 8, stored: 'F16', ...more });
const emitted = (g: Graph, dialect: Dialect = cpuDialect): OnnxModel => readModel(compile(g, dialect, (file) => file.slice(1)));

/** x [2, 2] plus as many weights [2, 2] as there are. */
function sumOf(...refs: WeightRef[]): Graph {
  const g = new Graph('sum');
  g.output('out', refs.reduce((h, ref) => g.apply('Add', [h, g.weight(ref, [2, 2])]), g.input('x', 'float32', [2, 2])));
  return g;
}

/** A graph of one SiLU, which `emit` writes. */
function written(emit: Emit<'Silu'>): OnnxModel {
  const g = new Graph('one');
  g.output('out', g.apply('Silu', [g.input('x', 'float32', [2])]));
  return emitted(g, { ...cpuDialect, keeps: { ...cpuDialect.keeps, Silu: emit } });
}

test('the frame: versions, domains, the graph\'s name, inputs and outputs with types and shapes', () => {
  const g = new Graph('frame');
  g.output('rows', g.apply('Gather', [g.input('table', 'float32', [5, 3]), g.input('ids', 'int64', [1, 7])]));
  expect(emitted(g)).toMatchObject({
    irVersion: 10, opsets: { '': 20, 'com.microsoft': 1 }, name: 'frame', initializers: [],
    inputs: [{ name: 'table', type: 'float32', dims: [5, 3] }, { name: 'ids', type: 'int64', dims: [1, 7] }], outputs: [{ name: 'rows', type: 'float32', dims: [1, 7, 3] }],
    nodes: [{ type: 'Gather', inputs: ['table', 'ids'], outputs: ['rows'], domain: '' }],
  });
});

describe('weights', () => {
  test.each<[StoredDType, number, string]>([['F32', 16, 'float32'], ['F64', 32, 'float64'], ['F16', 8, 'float16'], ['BF16', 8, 'bfloat16'], ['F8_E4M3', 4, 'float8e4m3'], ['F8_E5M2', 4, 'float8e5m2'], ['I64', 32, 'int64'], ['I32', 16, 'int32']])(
    '%s: the file\'s own bytes, widened where they are narrower or wider than float32', (stored, byteLength, type) => {
      const g = sumOf(weight({ stored, byteLength })), model = emitted(g);
      expect(model.initializers).toEqual([{ name: 'layer.weight#0', type, dims: [2, 2], raw: null, external: { location: 'models/a.safetensors', offset: String(2 ** 33), length: String(byteLength) } }]);
      expect(model.nodes.map((node) => node.type)).toEqual(stored === 'F32' ? ['Add'] : ['Cast', 'Add']);
      expect(validateModel(compile(g, cpuDialect, (file) => file.slice(1)))).toEqual([]);
    });

  test.each<StoredDType>(['I16', 'I8', 'U8', 'BOOL'])('%s holds no weights', (stored) => {
    expect(() => emitted(sumOf(weight({ stored })))).toThrow(`layer.weight is stored as ${stored}`);
  });

  test('casts stand ahead of all other nodes, in the order of their users', () => {
    const { nodes } = emitted(sumOf(weight({ name: 'a', offset: 0 }), weight({ name: 'b', offset: 8 }), weight({ name: 'c', offset: 16, stored: 'F32', byteLength: 16 })));
    expect(nodes.map(({ type, name, inputs: [first] }) => [type, name, first!.split('#')[0]])).toEqual([['Cast', 'cast0', 'a'], ['Cast', 'cast1', 'b'], ['Add', 'n0', 'x'], ['Add', 'n1', nodes[2]!.outputs[0]], ['Add', 'n2', nodes[3]!.outputs[0]]]);
    expect([nodes[2]!.inputs[1], nodes[3]!.inputs[1]]).toEqual([nodes[0]!.outputs[0], nodes[1]!.outputs[0]]);
    expect(nodes[0]!.attributes).toEqual({ to: { kind: 'int', value: 1 } });
  });

  test('one initializer and one cast, however often a weight is asked for; two of one name are two', () => {
    expect(emitted(sumOf(weight(), weight(), weight()))).toMatchObject({ initializers: { length: 1 }, nodes: { length: 4 } });
    const { initializers } = emitted(sumOf(weight(), weight({ file: '/models/b.safetensors' }), weight({ offset: 0 })));
    expect(new Set(initializers.map(({ name }) => name)).size).toBe(3);
    expect(initializers.map(({ external }) => [external!['location'], external!['offset']])).toEqual([['models/a.safetensors', String(2 ** 33)], ['models/b.safetensors', String(2 ** 33)], ['models/a.safetensors', '0']]);
  });

  test('a graph knows each weight that it reads, once', () => {
    expect([...sumOf(weight(), weight(), weight({ offset: 0 })).weightRefs()].map(({ offset }) => offset)).toEqual([2 ** 33, 0]);
  });
});

describe('constants', () => {
  test('small ones are written once: the same type, shape and values', () => {
    const model = written((e, node, into) => {
      const same = [e.ints([1, 2]), e.ints([1, 2])], scalars = [e.floats([1], []), e.floats([1], []), e.floats([1])];
      expect(new Set(same).size).toBe(1);
      expect(new Set(scalars).size, 'a scalar is no vector of one').toBe(2);
      expect(e.floats([0])).not.toBe(e.floats([-0]));
      e.node('Identity', [e.name(node.in[0]!)], { into });
    });
    expect(model.initializers.map(({ type, dims }) => [type, dims])).toEqual([['int64', [2]], ['float32', []], ['float32', [1]], ['float32', [1]], ['float32', [1]]]);
  });

  test('int64 and float32, little-endian, negatives too', () => {
    const model = written((e, node, into) => { e.ints([-1, 2 ** 40]); e.floats([0.5, -2]); e.node('Identity', [e.name(node.in[0]!)], { into }); });
    const [ints, floats] = model.initializers.map(({ raw }) => new DataView(raw!.buffer, raw!.byteOffset, raw!.byteLength));
    expect([ints!.getBigInt64(0, true), ints!.getBigInt64(8, true)]).toEqual([-1n, 2n ** 40n]);
    expect([floats!.getFloat32(0, true), floats!.getFloat32(4, true)]).toEqual([0.5, -2]);
  });

  test('those of a graph join them, and a large one is written whole', () => {
    const g = new Graph('constants'), one = (): number[] => Array<number>(100).fill(1);
    const constants = [g.constant('float32', [], Float32Array.of(3)), g.constant('float32', [], Float32Array.of(3)), g.constant('float32', [100], Float32Array.from(one()))];
    g.output('out', constants.reduce((h, value) => g.apply('Mul', [h, value]), g.input('x', 'float32', [100])));
    expect(emitted(g).initializers.map(({ dims, raw }) => [dims, raw!.length])).toEqual([[[], 4], [[100], 400]]);
    expect(() => g.constant('float32', [3], new Float32Array(2))).toThrow('constant of 2 values cannot be [3]');
  });

  test('a part of a larger buffer is that part', () => {
    const g = new Graph('view');
    g.output('out', g.apply('Add', [g.input('x', 'float32', [2]), g.constant('float32', [2], Float32Array.of(9, 1, 2, 9).subarray(1, 3))]));
    expect(emitted(g).initializers[0]!.raw).toEqual(new Uint8Array(Float32Array.of(1, 2).buffer));
  });
});

test('attributes of each kind, and inputs that are not given', () => {
  const model = written((e, node, into) => {
    e.node('Odd', [e.name(node.in[0]!), '', 'later'], { into, domain: 'com.microsoft', attributes: { whole: -3, list: [1, -1], none: [], text: 'floor', real: { float: 1 } } });
  });
  expect(model.nodes).toEqual([{
    name: 'n0', type: 'Odd', domain: 'com.microsoft', inputs: ['x', '', 'later'], outputs: ['out'],
    attributes: { whole: { kind: 'int', value: -3 }, list: { kind: 'ints', value: [1, -1] }, none: { kind: 'ints', value: [] }, text: { kind: 'string', value: 'floor' }, real: { kind: 'float', value: 1 } },
  }]);
});

test('a value of another graph is refused', () => {
  const g = new Graph('one'), other = new Graph('other').input('x', 'float32', [1]);
  g.output('out', g.apply('Relu', [other]));
  expect(() => emitted(g)).toThrow(/used before it is computed/);
});
