// Composites taken apart into primitives, but for those that somebody keeps.
import { composites, type CompositeName } from './composites';
import { Graph, type GraphNode, type Value } from './graph';
import { isComposite, type AttributesOf, type OperationName } from './operations';
import type { Inputs } from './primitives';

/** The same outputs from the same inputs and weights, with no composite but `keep`; what no output needs is left out. Nodes keep the path of their layer. */
export function lower(graph: Graph, keep: ReadonlySet<CompositeName>): Graph {
  if (!graph.needed().some((node) => isComposite(node.op) && !keep.has(node.op))) return graph;
  return rewrite(graph, (g, node, inputs) => {
    const { op, attributes } = node;
    return isComposite(op) && !keep.has(op) ? (composites[op].define as (g: Graph, inputs: Inputs, attributes: unknown) => Value)(g, inputs, attributes) : same(g, node, inputs);
  });
}

/** The graph anew, with what `make` puts in the place of each node that an output needs; its inputs are values of the new graph. */
export function rewrite(graph: Graph, make: (g: Graph, node: GraphNode, inputs: Inputs) => Value): Graph {
  const made = new Graph(graph.name);
  const values = new Map<Value, Value>();
  const here = (value: Value): Value => {
    const known = values.get(value) ?? leaf(made, value);
    values.set(value, known);
    return known;
  };
  for (const { value } of graph.inputs) here(value);                     // fed even where nothing reads them, and in their order
  for (const node of graph.needed()) {
    const inputs = node.in.map((value) => value && here(value));
    values.set(node.out, made.within(node.path, () => make(made, node, inputs)));
  }
  for (const { name, value } of graph.outputs) made.output(name, here(value));
  return made;
}

export const same = (g: Graph, { op, attributes }: GraphNode, inputs: Inputs): Value =>
  (g.apply as (op: OperationName, inputs: Inputs, attributes: AttributesOf<OperationName>) => Value)(op, inputs, attributes);

function leaf(g: Graph, { dtype, dims, from }: Value): Value {
  if (from.kind === 'node') throw new RangeError(`a value of ${from.node.op} is not of this graph, or used before it is computed`);
  if (from.kind === 'input') return g.input(from.name, dtype, dims);
  return from.kind === 'weight' ? g.weight(from.weight, dims) : g.constant(dtype, dims, from.data);
}
