// Composites taken apart: what is kept stays, the rest is primitives with the same shape, path and result.
import { describe, expect, test } from 'vitest';
import { composites, type CompositeName } from '../../../main/engine/graph/composites';
import { cpuDialect, primitiveDialect } from '../../../main/engine/graph/dialect';
import { Graph, type Value } from '../../../main/engine/graph/graph';
import { lower } from '../../../main/engine/graph/lower';
import { isComposite } from '../../../main/engine/graph/operations';
import { float32, sizeOf, type Dims, type Tensor } from '../../../main/engine/tensor';
import { evaluate } from '../../../main/cli/golden/networks';
import { ortRuntime } from '../../../main/worker/ort-runtime';

const samples: { readonly [K in CompositeName]: { readonly dims: readonly Dims[]; readonly attributes: object } } = {
  Silu: { dims: [[2, 3, 5]], attributes: {} }, Gelu: { dims: [[2, 3, 5]], attributes: {} }, QuickGelu: { dims: [[2, 3, 5]], attributes: {} },
  Clip: { dims: [[2, 3, 5]], attributes: { min: -0.5, max: 1.5 } }, ResizeBilinear: { dims: [[2, 3, 4, 5]], attributes: { height: 7, width: 3 } },
  LeakyRelu: { dims: [[2, 3, 5]], attributes: { alpha: 0.2 } }, Prelu: { dims: [[2, 3, 5, 4], [3]], attributes: {} },
  Linear: { dims: [[2, 3, 4], [5, 4], [5]], attributes: {} },
  Attention: { dims: [[2, 5, 12], [2, 7, 12], [2, 7, 12], [1, 1, 5, 7]], attributes: { heads: 3 } },
  GroupNorm: { dims: [[2, 8, 3, 5], [8], [8]], attributes: { groups: 4, epsilon: 1e-5 } }, LayerNorm: { dims: [[2, 3, 9], [9], [9]], attributes: { epsilon: 1e-5 } },
  LowRank: { dims: [[4, 3, 2, 2], [4, 2], [2, 12], []], attributes: {} },
};
const names = Object.keys(samples) as CompositeName[];

function graphOf(op: CompositeName): { g: Graph; feeds: Record<string, Tensor> } {
  const g = new Graph('test'), { dims, attributes } = samples[op];
  const inputs = dims.map((d, i) => g.input(`i${i}`, 'float32', d));
  const build = g.apply as (op: CompositeName, inputs: readonly Value[], attributes: object) => Value;
  g.output('out', g.within('the.layer', () => build.call(g, op, inputs, attributes)));
  return { g, feeds: Object.fromEntries(dims.map((d, n) => [`i${n}`, float32(d, Float32Array.from({ length: sizeOf(d) }, (_, i) => Math.sin(i * 12.9898 + n) * 2))])) };
}

test('there is a sample of every composite', () => { expect(names.sort()).toEqual(Object.keys(composites).sort()); });

describe.each(names)('%s', (op) => {
  test('is primitives of the same shape, from the same layer', () => {
    const { g } = graphOf(op), lowered = lower(g, new Set());
    expect(lowered.nodes.filter((node) => isComposite(node.op))).toEqual([]);
    expect(lowered.outputs.map(({ name, value: { dims, dtype } }) => [name, dims, dtype])).toEqual(g.outputs.map(({ name, value: { dims, dtype } }) => [name, dims, dtype]));
    expect(lowered.inputs.map(({ name }) => name)).toEqual(g.inputs.map(({ name }) => name));
    expect(new Set(lowered.nodes.map(({ path }) => path))).toEqual(new Set(['the.layer']));
  });
  test('stays where it is kept', () => { expect(lower(graphOf(op).g, new Set([op])).nodes.map((node) => node.op)).toEqual([op]); });
  test('is the kernel that the CPU has for it', async () => {
    const { g, feeds } = graphOf(op);
    const [fused, apart] = await Promise.all([cpuDialect, primitiveDialect].map(async (dialect) => (await evaluate(ortRuntime({ dialect, threads: 1 }), g, feeds))['out']!));
    expect(apart!.dims).toEqual(fused!.dims);
    fused!.data.forEach((value, i) => { expect(apart!.data[i]).toBeCloseTo(value, 4); });
  });
});

test('only what an output needs goes along', () => {
  const g = new Graph('test'), x = g.input('x', 'float32', [2, 3]);
  g.apply('Silu', [g.apply('Gelu', [x])]);
  g.output('out', g.apply('Silu', [x]));
  expect(lower(g, new Set()).nodes.map(({ op }) => op)).toEqual(['Sigmoid', 'Mul']);
});
