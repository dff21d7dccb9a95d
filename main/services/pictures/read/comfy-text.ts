// From a sampler's conditioning back to the words: through ControlNets, combinations and text nodes to the prompt.
import { asText, asWords } from './fields';
import type { ComfyGraph, ComfyNode, Source } from './comfy-graph';

type Role = 'positive' | 'negative';

/** Conditionings that end here say nothing: the negative of distilled models, and Flux. */
const isEmpty = (node: ComfyNode): boolean => /ZeroOut/i.test(node.type);
/** 'string_a' and 'string_b', 'text1' and 'text2': inputs of nodes that join texts. */
const partName = /^(?:string|text)_?(?:[a-d]|\d)$/i;

/** The prompt that a conditioning was made of; empty when there is none. Both halves of a join are in it, in our prompt language. */
export function promptOf(graph: ComfyGraph, source: Source | undefined, role: Role, seen = new Set<string>()): string {
  if (!source || seen.has(source.node.id) || seen.size > 200 || isEmpty(source.node)) return '';
  const { node, slot } = source;
  seen.add(node.id);
  const follow = (next: Source | undefined): string => promptOf(graph, next, role, seen);
  const own = encodedText(graph, node, role);
  if (own !== undefined) return own;
  const both = graph.link(node, 'positive') && graph.link(node, 'negative');
  if (both) return follow(graph.link(node, slot === 0 ? 'positive' : 'negative'));
  const conds = graph.links(node).filter(([name]) => /cond/i.test(name)).map(([, next]) => next);
  if (/concat/i.test(node.type)) return conds.map(follow).join(' BREAK ');
  if (/combine/i.test(node.type)) return conds.map(follow).join(' AND ');
  return follow(conds[0] ?? graph.link(node, role, 'positive') ?? graph.links(node).find(([name]) => !/clip|model|vae|image|mask|control/i.test(name))?.[1]);
}

/** Of nodes that turn words into a conditioning. SDXL's have a text for each tower, which are mostly the same. */
function encodedText(graph: ComfyGraph, node: ComfyNode, role: Role): string | undefined {
  const [first, ...others] = ['text', 'text_g', 'text_l', 'prompt', 'clip_l', 't5xxl'].filter((name) => node.inputs.has(name));
  if (first === undefined) return typeof node.inputs.get(role) === 'string' ? graph.take(node, asText, role) : undefined;
  const text = textAt(graph, node, first) ?? '';
  for (const name of others) graph.take(node, (value) => (value === text ? text : undefined), name);      // another text stays among what is left
  return text;
}

/** Written in the node, or made by others: parts are joined. */
function textAt(graph: ComfyGraph, node: ComfyNode, name: string, hops = 20): string | undefined {
  const maker = graph.link(node, name)?.node;
  const parts = maker ? [...maker.inputs.keys()].filter((part) => partName.test(part)).slice(0, 16) : [];
  if (!maker || parts.length < 2 || hops === 0) return graph.take(node, asText, name);
  const between = graph.take(maker, asText, 'delimiter', 'separator') ?? '';
  return parts.flatMap((part) => textAt(graph, maker, part, hops - 5) ?? []).filter((part) => asWords(part) !== undefined).join(between);
}
