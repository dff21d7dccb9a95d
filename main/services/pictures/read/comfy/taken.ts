// What a job takes out of a graph's values: which inputs have been read, so that no other is lost, and what is not known, by field.
import type { Parse } from '../fields';
import type { ComfyGraph, ComfyNode } from './graph';
import type { Origin, Plain, Value } from './values';

export interface NotKnown { readonly field: string; readonly node: string; readonly class: string }

/** Of one graph; more than this nobody reads. */
const MOST_NOT_KNOWN = 50;

export class Taken {
  private readonly graph: ComfyGraph;
  private readonly seen = new Set<Origin>();
  private readonly read = new Map<ComfyNode, Set<string>>();
  private readonly missing = new Map<string, NotKnown>();

  constructor(graph: ComfyGraph) {
    this.graph = graph;
  }

  /** undefined where it is absent, not known (which is kept in mind for `field`), or `parse` does not understand it. */
  take<T>(field: string, value: Value | undefined, parse: Parse<T>, isAll: (found: T) => boolean = () => true): T | undefined {
    if (value?.kind === 'unknown') this.miss(field, value.node);
    if (value?.kind !== 'plain') return undefined;
    const found = parse(value.value);
    if (found !== undefined && isAll(found)) this.mark(value.origin);
    return found;
  }

  miss(field: string, node: ComfyNode): void {
    if (this.missing.size < MOST_NOT_KNOWN) this.missing.set(`${field}\n${node.id}`, { field, node: node.id, class: node.type });
  }

  /** Names the node in which a drawn text has a choice: ComfyUI's window takes one when it queues the graph, and the file does not say which. */
  missChoices(field: string, { origin }: Plain): void {
    for (const { node, name } of originsOf(origin)) if (node && name !== undefined && this.graph.hasChoice(node, name)) this.miss(field, node);
  }

  notKnown(): NotKnown[] {
    return [...this.missing.values()];
  }

  /** What nobody has read, by node, so that it is not lost. */
  rest(): Record<string, { class: string; inputs: Record<string, unknown> }> {
    const left = [...this.graph.nodes.values()].map((node) => {
      const read = this.read.get(node), inputs = [...node.inputs].filter(([name, value]) => !this.graph.link(value) && !read?.has(name));
      return [node.id, { class: node.type, inputs: Object.fromEntries(inputs) }] as const;
    });
    return Object.fromEntries(left.filter(([, { inputs }]) => Object.keys(inputs).length > 0));
  }

  /** Everything that a value was made of; each origin once. */
  private mark(origin: Origin): void {
    for (const { node, name } of originsOf(origin, this.seen)) {
      if (!node || name === undefined) continue;
      const names = this.read.get(node) ?? new Set();
      this.read.set(node, names.add(name));
    }
  }
}

/** All that it was made of, but for what is in `seen`. */
function* originsOf(origin: Origin, seen = new Set<Origin>()): Generator<Origin> {
  for (const open = [origin]; open.length > 0; ) {
    const at = open.pop()!;
    if (seen.has(at)) continue;
    seen.add(at);
    open.push(...(at.of ?? []));
    yield at;
  }
}
