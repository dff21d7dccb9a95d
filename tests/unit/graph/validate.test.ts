// The check of built models sees what may be wrong with one: each kind of fault, in a model that is right but for it.
import { expect, test } from 'vitest';
import { cpuDialect, type Emit } from '../../../main/engine/graph/dialect';
import { Graph } from '../../../main/engine/graph/graph';
import { compile, type Emitter } from '../../../main/engine/graph/onnx';
import { validateModel } from '../../support/onnx-check';

const x = 'x';
const locate = (file: string): string => file.slice(1);

/** What is found where x [2, 4, 8, 6] → out of the same shape is written by `emit`. */
function found(emit: (e: Emitter, into: string) => void): string[] {
  const g = new Graph('test'), as: Emit<'Silu'> = (e, _, into) => { emit(e, into); };
  g.output('out', g.apply('Silu', [g.input(x, 'float32', [2, 4, 8, 6])]));
  return validateModel(compile(g, { ...cpuDialect, keeps: { Silu: as } }, locate)).map(({ kind, message }) => `${kind}: ${message}`);
}
const relu = (e: Emitter, into: string, input = x): void => { e.node('Relu', [input], { into }); };

test('nothing where all is well', () => { expect(found(relu)).toEqual([]); });

test.each<[string, (e: Emitter, into: string) => void, string[]]>([
  ['a name twice', (e, into) => { relu(e, into); relu(e, into); }, ["name: more than one value is named 'out'"]],
  ['a value that is not there yet', (e, into) => { relu(e, into, 'later'); e.node('Relu', [x], { into: 'later' }); }, ['order: n0 (Relu) reads later, which is not there yet']],
  ['an output that no node gives', () => {}, ['output: no node gives the output out', 'dead: nothing needs x']],
  ['an output of another shape', (e, into) => { e.node('Transpose', [x], { into }); }, ['output: out is float32 [6,8,4,2], and the model says float32 [2,4,8,6]']],
  ['a node and a constant that nothing needs', (e, into) => { e.node('Mul', [x, e.floats([2], [])], { into: 'unused' }); relu(e, into); }, ['dead: nothing needs n0 (Mul) → unused', 'dead: nothing needs c0']],
  ['an operator that there is not', (e, into) => { e.node('QuickGelu', [x], { into }); }, ['operator: n0: QuickGelu is no operator that our graphs use']],
  ['a domain that is not imported', (e, into) => { e.node('Relu', [x], { into, domain: 'ai.other' }); }, ["version: domain 'ai.other' is not imported", 'operator: n0: Relu is no operator that our graphs use']],
  ['an attribute of another kind', (e, into) => { e.node('Softmax', [x], { into, attributes: { axis: [1] } }); }, ['operator: n0: Softmax has an attribute axis of kind ints']],
  ['an attribute that is not the operator\'s', (e, into) => { e.node('Relu', [x], { into, attributes: { alpha: { float: 1 } } }); }, ['operator: n0: Relu has an attribute alpha of kind float']],
  ['an attribute that lacks', (e, into) => { e.node('Concat', [x], { into }); }, ['operator: n0: Concat lacks the attribute axis']],
  ['too many inputs', (e, into) => { e.node('Relu', [x, x], { into }); }, ['operator: n0: Relu has 2 inputs, not 1 to 1']],
  ['too few', (e, into) => { e.node('Mul', [x, ''], { into }); }, ['operator: n0: Mul has 2 inputs, not 2 to 2']],
  ['element types that do not go together', (e, into) => { e.node('Mul', [x, e.ints([1])], { into }); }, ['operator: n0: Mul takes float32 and int64']],
  ['a shape that is no vector of int64', (e, into) => { e.node('Reshape', [x, e.floats([384])], { into }); }, ['operator: n0: Reshape has shape of float32 [1] that are not in the model']],
  ['sides that do not meet', (e, into) => { e.node('MatMul', [x, x], { into }); }, ['operator: n0: MatMul multiplies [2,4,8,6] by [2,4,8,6]']],
  ['a bias of another length', (e, into) => { e.node('Conv', [x, e.floats(Array<number>(16).fill(0), [4, 4, 1, 1]), e.floats([1, 2])], { into }); }, ['operator: n0: Conv has a bias [2] for 4 channels']],
  ['a rank that an operator does not take', (e, into) => { e.node('Gemm', [x, x], { into }); }, ['operator: n0: Gemm takes [2,4,8,6] where 2 dimensions belong']],
  ['half a head', (e, into) => {
    const tokens = e.node('Reshape', [x, e.ints([2, 8, 24])]);
    e.node('Reshape', [e.node('MultiHeadAttention', [tokens, tokens, tokens], { domain: 'com.microsoft', attributes: { num_heads: 5 } }), e.ints([2, 4, 8, 6])], { into });
  }, ['operator: n1: MultiHeadAttention of 5 heads over [2,8,24], [2,8,24], [2,8,24]']],
  ['what follows from a fault is not told', (e, into) => { relu(e, into, e.node('Mul', [x])); }, ['operator: n0: Mul has 1 inputs, not 2 to 2']],
])('%s', (_, emit, faults) => { expect(found(emit)).toEqual(faults); });

test('bytes of a file that are not the tensor\'s, or not below the folder', () => {
  const g = new Graph('test');
  const h = g.apply('Add', [g.input(x, 'float32', [2]), g.weight({ name: 'short', file: '/a', offset: 0, byteLength: 3, stored: 'F16' }, [2])]);
  g.output('out', g.apply('Add', [h, g.weight({ name: 'outside', file: '/../b', offset: 0, byteLength: 8, stored: 'F32' }, [2])]));
  expect(validateModel(compile(g, cpuDialect, locate)).map(({ message }) => message)).toEqual([
    'short#0 has 3 bytes from 0 on for float16 [2]', "outside#2 is at '../b', which is not below the model's folder",
  ]);
});

test('bytes that are no model', () => { expect(() => validateModel(Uint8Array.of(8, 10, 255))).toThrow(RangeError); });
