// A ComfyUI graph as it was run: nodes with inputs that are values or links to other nodes.
import { isObject } from '../json';

export interface ComfyNode {
  readonly id: string;
  /** e.g. 'KSampler'. */
  readonly type: string;
  readonly inputs: ReadonlyMap<string, unknown>;
}

/** Which output of which node. */
export interface Link { readonly node: ComfyNode; readonly slot: number }

export class ComfyGraph {
  readonly nodes: ReadonlyMap<string, ComfyNode>;
  private readonly choices: ReadonlySet<string>;

  /** `choices`: inputs of a drawn graph in which a choice, `{a|b}`, is open, by `choiceKey`. One that was run has none. */
  constructor(nodes: Iterable<ComfyNode>, choices: ReadonlySet<string> = new Set()) {
    this.nodes = new Map([...nodes].map((node) => [node.id, node]));
    this.choices = choices;
  }

  hasChoice(node: ComfyNode, input: string): boolean {
    return this.choices.has(choiceKey(node.id, input));
  }

  /** `{ "3": { class_type, inputs } }`; null when it is none. Entries of other forms (Civitai's `extra`) are no nodes. */
  static ofPrompt(prompt: unknown): ComfyGraph | null {
    const nodes = Object.entries(isObject(prompt) ? prompt : {}).flatMap(([id, node]): ComfyNode[] =>
      isObject(node) && typeof node.class_type === 'string'
        ? [{ id, type: node.class_type, inputs: new Map(Object.entries(isObject(node.inputs) ? node.inputs : {})) }]
        : [],
    );
    return nodes.length > 0 ? new ComfyGraph(nodes) : null;
  }

  /** undefined for a value, and for a link to a node that is not there. */
  link(value: unknown): Link | undefined {
    if (!isLink(value)) return undefined;
    const node = this.nodes.get(String(value[0]));
    return node && { node, slot: value[1] };
  }

  /** Every node after those that it has links to; a link that closes a circle does not count. */
  inOrder(): ComfyNode[] {
    const order: ComfyNode[] = [], begun = new Set<ComfyNode>();
    for (const root of this.nodes.values()) {
      if (begun.has(root)) continue;
      begun.add(root);
      const path = [{ node: root, links: [...root.inputs.values()] }];
      for (let top = path.at(-1); top; top = path.at(-1)) {
        if (top.links.length === 0) {
          order.push(top.node);
          path.pop();
          continue;
        }
        const next = this.link(top.links.pop())?.node;
        if (!next || begun.has(next)) continue;
        begun.add(next);
        path.push({ node: next, links: [...next.inputs.values()] });
      }
    }
    return order;
  }
}

export const choiceKey = (node: string, input: string): string => `${node}\n${input}`;

const isLink = (value: unknown): value is [string | number, number] => Array.isArray(value) && value.length === 2 && typeof value[1] === 'number';
