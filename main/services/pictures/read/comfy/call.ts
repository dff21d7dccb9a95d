// A node, with what has come into it.
import { fieldOf } from './fields';
import type { ComfyNode } from './graph';
import { isBundleType } from './kinds';
import type { Signature } from './signatures';
import { unknownOf } from './unknown';
import type { Fields, Unknown, Value } from './values';

export interface Call {
  readonly node: ComfyNode;
  /** By the node's own names for them. */
  readonly inputs: Fields;
  /** By one name for all packs, with those of a bundle that comes in. */
  readonly fields: Fields;
  /** Of the bundle that comes in, where something in it is not known. */
  readonly rest: Unknown | undefined;
  /** What this node makes, if that is not known. */
  readonly unknown: Unknown;
  /** False when the nodes of this graph have made too much text. */
  readonly spend: (text: string) => boolean;
}

/** undefined: absent. */
export type Outputs = (slot: number) => Value | undefined;

export function callOf(node: ComfyNode, inputs: Fields, signature: Signature | undefined, spend: Call['spend']): Call {
  const { fields, rest } = fieldsOf(inputs, signature);
  let unknown: Unknown | undefined;
  return {
    node,
    inputs,
    fields,
    rest,
    spend,
    get unknown() {
      return (unknown ??= unknownOf(node, inputs, fields));
    },
  };
}

/** A bundle's fields, the refiner's under its name, and over them what comes in by itself. */
function fieldsOf(inputs: Fields, signature: Signature | undefined): { fields: Fields; rest: Unknown | undefined } {
  const fields = new Map<string, Value>();
  let rest: Unknown | undefined;
  for (const [name, value] of inputs) {
    if (value.kind === 'bundle') {
      for (const [key, field] of value.fields) fields.set(name.startsWith('refiner_') ? `refiner_${key}` : key, field);
      rest ??= value.rest;
    } else if (value.kind === 'unknown' && isBundleType(signature?.inputs.find((input) => input.name === name)?.type ?? '')) {
      rest ??= value;
    }
  }
  for (const [name, value] of inputs) if (value.kind !== 'bundle' && value !== rest) fields.set(fieldOf(name), value);
  return { fields, rest };
}
