// All that a graph can hold: primitives and composites.
import { composites, type CompositeAttributes, type CompositeName } from './composites';
import { primitives, type Operation, type PrimitiveAttributes, type PrimitiveName } from './primitives';

export type OperationName = PrimitiveName | CompositeName;

export type AttributesOf<K extends OperationName> = K extends PrimitiveName ? PrimitiveAttributes[K] : K extends CompositeName ? CompositeAttributes[K] : never;

export const operations: { readonly [K in OperationName]: Operation<AttributesOf<K>> } = { ...primitives, ...composites };

export const isComposite = (op: OperationName): op is CompositeName => Object.hasOwn(composites, op);
