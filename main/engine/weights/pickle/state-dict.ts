// Which of the things that were saved are the model's tensors, and what they are called: nested dictionaries become dotted names.
import { printable, type Fail } from '../fault';
import { isKind, type PickleValue, type StoredTensor } from './values';

interface StateDict {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The numbers, words and short lists that stand beside the tensors (step, name, sd_checkpoint, layer_structure, …), as text. */
  readonly metadata: Record<string, string>;
}

/**
 * Dictionaries under which trainers keep the model among other things (optimizer, callbacks). The upscalers' averaged weights come before the plain
 * ones, as every program that runs them prefers them.
 */
const wrappers = ['state_dict', 'params_ema', 'params', 'model_state_dict', 'model'];

export function stateDictOf(saved: PickleValue, fail: Fail): StateDict {
  const tensors = new Map<string, StoredTensor>();
  flatten(unwrap(saved), 'tensor', tensors, fail);
  if (tensors.size === 0) flatten(unwrap(saved), 'array', tensors, fail);      // beside tensors, arrays are states of random numbers and the like
  return { tensors, metadata: saved instanceof Map ? metadataOf(saved) : {} };
}

function unwrap(saved: PickleValue): PickleValue {
  if (!(saved instanceof Map)) return saved;
  for (const key of wrappers) {
    const inner = saved.get(key);
    if (inner instanceof Map && [...inner.values()].some((value) => isKind(value, 'tensor'))) return inner;
  }
  return saved;
}

/**
 * Real files nest four deep, and the largest hold some ten thousand tensors. Containers may hold themselves or each other many times over, so the walk is
 * bounded in depth and length.
 */
const maxDepth = 32, maxVisits = 1_000_000, maxTensors = 100_000, maxNameLength = 1000;

function flatten(root: PickleValue, kind: 'tensor' | 'array', tensors: Map<string, StoredTensor>, fail: Fail): void {
  let visits = 0;
  const visit = (value: PickleValue, name: string, depth: number): void => {
    const found = !isKind(value, kind) ? null : value.kind === 'array' ? value.tensor : value;
    if (found) {
      if (name.length > maxNameLength) throw fail('weights.badHeader', { why: 'longName', length: name.length });
      if (tensors.size >= maxTensors) throw fail('weights.badHeader', { why: 'tensors', most: maxTensors });
      if (tensors.has(name)) throw fail('weights.badHeader', { why: 'twice', key: printable(name) });
      tensors.set(name, found);
      return;
    }
    if (!(value instanceof Map || Array.isArray(value))) return;
    if (depth > maxDepth) throw fail('weights.badHeader', { why: 'nested' });
    for (const [key, inner] of value.entries()) {
      if (++visits > maxVisits) throw fail('weights.badHeader', { why: 'values', most: maxVisits });
      if (typeof key === 'string' || typeof key === 'number') visit(inner, depth === 0 ? String(key) : `${name}.${key}`, depth + 1);
    }
  };
  visit(root, 'tensor', 0);
}

const maxTextLength = 10_000, maxListLength = 64;

function metadataOf(saved: ReadonlyMap<PickleValue, PickleValue>): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [key, value] of saved) {
    const text = Array.isArray(value) ? listText(value) : scalarText(value);
    if (typeof key === 'string' && key.length <= 200 && text !== null && text.length <= maxTextLength) entries.push([key, text]);
    if (entries.length >= maxListLength) break;
  }
  return Object.fromEntries(entries);
}

/** As safetensors metadata has it: everything is text, and booleans are Python's. */
function scalarText(value: PickleValue): string | null {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' ? String(value) : null;
}

function listText(values: readonly PickleValue[]): string | null {
  const plain = values.length > 0 && values.length <= maxListLength && values.every((value) => typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean');
  return plain ? JSON.stringify(values) : null;
}
