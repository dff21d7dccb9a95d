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
  const next = conds[0] ?? graph.link(node, role, 'positive') ?? graph.links(node).find(([name]) => !/clip|model|vae|image|mask|control/i.test(name))?.[1];
  return next ? follow(next) : writtenText(graph, node) ?? '';
}

/**
 * Whether the nodes that led to a prompt read it in ComfyUI's own language. Not where they join several, which that has no words for, fill in wildcards
 * with tags of their own, or say that they weigh as another program does.
 */
export const isPlain = (graph: ComfyGraph, visited: ReadonlySet<string>): boolean => [...visited].every((id) => {
  const { type, inputs } = graph.nodes.get(id)!;
  return !/concat|combine/i.test(type) && !inputs.has('populated_text') && ['parser', 'weight_interpretation'].every((name) => /^comfy/i.test(asText(inputs.get(name)) ?? 'comfy'));
});

/** Of nodes that turn words into a conditioning. Newer models have a text for each tower, which are mostly the same. */
function encodedText(graph: ComfyGraph, node: ComfyNode, role: Role): string | undefined {
  const names = ['populated_text', 'text', 'text_g', 'prompt', 'clip_g', 't5xxl', 'clip_l', 'text_l'].filter((name) => node.inputs.has(name));
  if (names.length === 0) return typeof node.inputs.get(role) === 'string' ? graph.take(node, asText, role) : undefined;
  const budget = { looks: MAX_LOOKS }, text = firstOf(names, (name) => textAt(graph, node, name, budget)) ?? '';
  for (const name of names) graph.take(node, (value) => (value === text ? text : undefined), name);      // another text stays among what is left
  return text;
}

/** The first text that has words in it; the others are not looked at. */
function firstOf(names: readonly string[], text: (name: string) => string | undefined): string | undefined {
  for (const name of names) {
    const found = asWords(text(name));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A text is made by few nodes; a tangle of links ends soon. */
const MAX_LOOKS = 60;
/** What nodes that make a text call it, or have it written in. */
const textNames = ['text', 'string', 'value', 'prompt', 'populated_text', 'Text', 'String', 'positive'];

const writtenText = (graph: ComfyGraph, node: ComfyNode): string | undefined => firstOf(textNames, (name) => graph.take(node, asText, name));

/** Written in the node, or made by others: parts are joined, and of two texts the link's slot tells which. */
function textAt(graph: ComfyGraph, node: ComfyNode, name: string, budget: { looks: number }): string | undefined {
  const source = graph.link(node, name);
  if (!source) return graph.take(node, asText, name);
  if (budget.looks-- <= 0) return undefined;
  const { node: maker, slot } = source;
  const parts = [...maker.inputs.keys()].filter((part) => partName.test(part)).slice(0, 16);
  if (parts.length >= 2) {
    const between = graph.take(maker, asText, 'delimiter', 'separator') ?? (maker.inputs.get('tidy_tags') === 'yes' ? ', ' : '');
    return parts.flatMap((part) => textAt(graph, maker, part, budget) ?? []).filter((part) => asWords(part) !== undefined).join(between);
  }
  const names = slot === 1 ? ['text_negative', 'negative_prompt', 'negative'] : ['text_positive', 'positive_prompt'];
  return firstOf([...names, name, ...textNames].filter((each) => maker.inputs.has(each)), (each) => textAt(graph, maker, each, budget))
    ?? (budget.looks > 0 ? graph.take(node, asText, name) : undefined);
}
