// A ComfyUI graph as it was run: nodes with inputs that are values or links to other nodes. Remembers which values have been read.
import { withoutPipes } from './comfy-pipes';
import { isObject } from './json';
import type { Parse } from './fields';

export interface ComfyNode {
  readonly id: string;
  /** e.g. 'KSampler'. */
  readonly type: string;
  readonly inputs: ReadonlyMap<string, unknown>;
}

export interface Source { readonly node: ComfyNode; /** Which of the node's outputs. */ readonly slot: number }

/** Longer chains of primitives and reroutes than this are loops. */
const MAX_HOPS = 40, MAX_LOOKS = 1000;
/** Where nodes that only pass a value on have it. */
const valueNames = ['value', 'Value', 'int', 'float', 'number', 'seed', 'noise_seed', 'string', 'text', 'populated_text', 'a', 'any', 'input', ''];

export class ComfyGraph {
  readonly nodes: ReadonlyMap<string, ComfyNode>;
  private readonly read = new Set<string>();
  private readonly linksOf = new Map<ComfyNode, readonly (readonly [string, Source])[]>();

  constructor(nodes: Iterable<ComfyNode>) { this.nodes = new Map(withoutPipes([...nodes]).map((node) => [node.id, node])); }

  /** `{ "3": { class_type, inputs } }`; null when it is none. Entries of other forms (Civitai's `extra`) are no nodes. */
  static ofPrompt(prompt: unknown): ComfyGraph | null {
    const nodes = Object.entries(isObject(prompt) ? prompt : {}).flatMap(([id, node]): ComfyNode[] =>
      (isObject(node) && typeof node.class_type === 'string' ? [{ id, type: node.class_type, inputs: new Map(Object.entries(isObject(node.inputs) ? node.inputs : {})) }] : []));
    return nodes.length > 0 ? new ComfyGraph(nodes) : null;
  }

  /** Where the first of the named inputs that is linked comes from. */
  link(node: ComfyNode, ...names: string[]): Source | undefined {
    for (const name of names) {
      const source = this.source(node.inputs.get(name));
      if (source) return source;
    }
    return undefined;
  }

  links(node: ComfyNode): readonly (readonly [name: string, source: Source])[] {
    let links = this.linksOf.get(node);
    if (!links) {
      links = [...node.inputs].flatMap(([name, value]) => { const source = this.source(value); return source ? [[name, source] as const] : []; });
      this.linksOf.set(node, links);
    }
    return links;
  }

  /** The first of the named inputs that `parse` understands, written there or come by a link. It counts as read. */
  take<T>(node: ComfyNode, parse: Parse<T>, ...names: string[]): T | undefined {
    for (const name of names) {
      const found = this.find(node, name, parse, new Set());
      if (!found) continue;
      this.read.add(found.key);
      return found.value;
    }
    return undefined;
  }

  /** The same, without counting as read. */
  peek<T>(node: ComfyNode, parse: Parse<T>, name: string): T | undefined { return this.find(node, name, parse, new Set())?.value; }

  /** What nobody has read, by node, so that it is not lost. */
  rest(): Record<string, { class: string; inputs: Record<string, unknown> }> {
    const left = [...this.nodes.values()].map((node) => {
      const inputs = [...node.inputs].filter(([name, value]) => !this.source(value) && !this.read.has(`${node.id}\n${name}`));
      return [node.id, { class: node.type, inputs: Object.fromEntries(inputs) }] as const;
    });
    return Object.fromEntries(left.filter(([, { inputs }]) => Object.keys(inputs).length > 0));
  }

  /** Each input is looked at once and few nodes are passed, so that a tangle takes no time. */
  private find<T>(node: ComfyNode, name: string, parse: Parse<T>, seen: Set<string>, hops = MAX_HOPS): { key: string; value: T } | undefined {
    const key = `${node.id}\n${name}`, written = node.inputs.get(name), source = this.source(written);
    if (written === undefined || hops === 0 || seen.has(key) || seen.size > MAX_LOOKS) return undefined;
    seen.add(key);
    if (!source) {
      const value = parse(written);
      return value === undefined ? undefined : { key, value };
    }
    for (const at of [name, ...valueNames, ...source.node.inputs.keys()]) {
      const found = this.find(source.node, at, parse, seen, hops - 1);
      if (found) return found;
    }
    return undefined;
  }

  private source(value: unknown): Source | undefined {
    if (!Array.isArray(value) || value.length !== 2 || typeof value[1] !== 'number') return undefined;
    const node = this.nodes.get(String(value[0]));
    return node && { node, slot: value[1] };
  }
}
