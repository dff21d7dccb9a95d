// Low-rank changes of weights, where the layer itself had better apply their factors: x·Wᵀ + ((x·downᵀ)·s)·upᵀ needs no changed weight in memory, and with
// fewer rows than the weight has columns it is less to compute and to move.
import { sizeOf } from '../tensor';
import type { Graph, GraphNode, Value } from './graph';
import { rewrite, same } from './lower';
import type { Inputs } from './primitives';

/** The same function; the same graph where no weight is changed so. */
export function applyFactors(graph: Graph): Graph {
  if (!graph.needed().some(({ op }) => op === 'LowRank')) return graph;
  return rewrite(graph, (g, node, inputs) => (isLayer(node) && changeOf(inputs[1]) && pays(node) ? factored(g, node, inputs) : same(g, node, inputs)));
}

type Layer = GraphNode<'Linear' | 'Conv'>;
const isLayer = (node: GraphNode): node is Layer => node.op === 'Linear' || node.op === 'Conv';

const changeOf = (weight: Value | undefined): GraphNode<'LowRank'> | undefined =>
  (weight?.from.kind === 'node' && weight.from.node.op === 'LowRank' ? weight.from.node : undefined);

/** The sum over the outputs is shorter than that over the weight. */
function pays({ op, in: [, weight], out }: Layer): boolean {
  const rows = sizeOf(out.dims) / out.dims[op === 'Conv' ? 1 : out.dims.length - 1]!;
  return rows < sizeOf(weight!.dims.slice(1));
}

/** Changes stand one on the other. */
function factored(g: Graph, node: Layer, [x, weight, bias]: Inputs): Value {
  const change = changeOf(weight);
  if (!change) return same(g, node, [x, weight, bias]);
  const [inner, up, down, s] = change.in as [Value, Value, Value, Value], r = down.dims[0]!;
  const rest = factored(g, node, [x, inner, bias]);
  const scaled = (h: Value): Value => g.apply('Mul', [h, s]);
  if (node.op === 'Linear') return g.apply('Add', [rest, g.apply('Linear', [scaled(g.apply('Linear', [x, down])), up])]);
  const core = g.apply('Reshape', [down], { dims: [r, ...weight!.dims.slice(1)] }), spread = g.apply('Reshape', [up], { dims: [up.dims[0]!, r, 1, 1] });
  return g.apply('Add', [rest, g.apply('Conv', [scaled(g.apply('Conv', [x, core], node.attributes)), spread], { stride: 1, pads: [0, 0, 0, 0] })]);
}
