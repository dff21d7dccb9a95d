// What every output of a graph carries: node by node, by the rule of its type, or by what its definition says it passes on.
import { callOf, type Call, type Outputs } from './call';
import { fieldOf } from './fields';
import type { ComfyGraph, ComfyNode } from './graph';
import { isBundleType, kindOfType } from './kinds';
import { rules } from './rules';
import { signatureOf, type Signature } from './signatures';
import type { Fields, Scalar, Value } from './values';

/** Of characters that nodes may make, all together: a tangle of joins doubles with every node. */
const MOST_TEXT = 4 << 20;

export interface Evaluated { readonly call: Call; readonly outputs: Outputs }

/** By node, in an order in which what a node has links to comes before it. */
export function evaluate(graph: ComfyGraph): ReadonlyMap<ComfyNode, Evaluated> {
  const evaluated = new Map<ComfyNode, Evaluated>();
  let left = MOST_TEXT;
  const spend = (text: string): boolean => (left -= text.length) >= 0;
  for (const node of graph.inOrder()) {
    const inputs = new Map<string, Value>();
    for (const [name, written] of node.inputs) {
      const link = graph.link(written);
      const value = link ? evaluated.get(link.node)?.outputs(link.slot) : isScalar(written) ? plainOf(node, name, written) : undefined;
      if (value) inputs.set(name, value);
    }
    const call = callOf(node, inputs, signatureOf(node.type), spend);
    evaluated.set(node, { call, outputs: remembered(outputsOf(call)) });
  }
  return evaluated;
}

/** Of a bundle; the largest context has 23. */
const MOST_FIELDS = 200;

const isScalar = (value: unknown): value is Scalar => ['string', 'number', 'boolean'].includes(typeof value);
const plainOf = (node: ComfyNode, name: string, value: Scalar): Value => ({ kind: 'plain', value, origin: { node, name } });

/** Each output is made once, however many take it. */
function remembered(outputs: Outputs): Outputs {
  const made = new Map<number, Value | undefined>();
  return (slot) => {
    if (!made.has(slot)) made.set(slot, outputs(slot));
    return made.get(slot);
  };
}

function outputsOf(call: Call): Outputs {
  const { type } = call.node, made = rules.get(type)?.(call), signature = signatureOf(type);
  if (typeof made === 'function') return made;
  if (!signature) return () => call.unknown;
  return named(call, new Map(Object.entries(made ?? {}).filter((entry): entry is [string, Value] => entry[1] !== undefined)), signature);
}

/** Outputs by their names: what a rule has made, a field of a bundle, or what the node passes on: the input of that name, or the only one of that type. */
function named(call: Call, made: Fields, signature: Signature): Outputs {
  const hasBundle = signature.inputs.some(({ name, type }) => isBundleType(type) && call.inputs.has(name));
  return (slot) => {
    const output = signature.outputs[slot];
    if (!output) return call.unknown;
    if (isBundleType(output.type)) return { kind: 'bundle', fields: new Map([...made, ...call.fields, ...made].slice(0, MOST_FIELDS)), rest: call.rest };
    const kind = kindOfType(output.type), name = fieldOf(output.name), own = made.get(name) ?? (kind && made.get(fieldOf(output.type)));
    if (own) return own;
    if (!kind && !hasBundle) return call.unknown;
    const field = call.fields.get(name) ?? (kind && (call.fields.get(fieldOf(output.type)) ?? onlyOfType(call, output.type, signature)));
    return field ?? (hasBundle ? call.rest : call.unknown);
  };
}

function onlyOfType(call: Call, type: string, { inputs }: Signature): Value | undefined {
  const names = inputs.filter((input) => input.type === type).map(({ name }) => name);
  return names.length === 1 ? call.inputs.get(names[0]!) : undefined;
}
