// Which of a graph's samplers made the picture, in which order: each one's latents come from the one before.
import type { ComfyGraph, ComfyNode, Source } from './comfy-graph';

const latentNames = ['latent_image', 'latent', 'optional_latent', 'samples'];
/** More than anybody draws; a tangle of thousands of nodes ends soon. */
const MAX_NODES = 2000, MAX_SAMPLERS = 40, MAX_PASSES = 8;

/** A node that samples has latents to begin with; nodes that only choose a sampler have none. */
const isSampler = (graph: ComfyGraph, node: ComfyNode): boolean =>
  graph.link(node, ...latentNames) !== undefined && (/sampl/i.test(node.type) || (node.inputs.has('steps') && (node.inputs.has('seed') || node.inputs.has('noise_seed'))));

/** From the first pass to the last: of the samplers that lead to a saved picture, those of the longest chain. Empty when there is none. */
export function chainOfPasses(graph: ComfyGraph): ComfyNode[] {
  const samplers = [...graph.nodes.values()].filter((node) => isSampler(graph, node)).slice(0, MAX_SAMPLERS);
  const outputs = [...graph.nodes.values()].filter(({ type }) => /save|output/i.test(type)).slice(0, MAX_SAMPLERS);
  const saved = new Set(outputs.flatMap((node) => upstream(graph, graph.links(node).map(([, source]) => source)).filter((each) => samplers.includes(each))));
  const chains = (saved.size > 0 ? [...saved] : samplers).map((node) => chainTo(graph, node));
  return chains.reduce<ComfyNode[]>((longest, chain) => (chain.length > longest.length ? chain : longest), []);
}

function chainTo(graph: ComfyGraph, last: ComfyNode): ComfyNode[] {
  const chain = [last];
  while (chain.length < MAX_PASSES) {
    const before = nodesBetween(graph, chain[0]!).find((node) => isSampler(graph, node) && !chain.includes(node));
    if (!before) return chain;
    chain.unshift(before);
  }
  return chain;
}

/** What a sampler's latents come through, nearest first, up to and with the sampler before. */
export function nodesBetween(graph: ComfyGraph, sampler: ComfyNode): ComfyNode[] {
  const latent = graph.link(sampler, ...latentNames);
  return latent ? upstream(graph, [latent]) : [];
}

/** Breadth first; not past a sampler. */
function upstream(graph: ComfyGraph, from: readonly Source[]): ComfyNode[] {
  const found = new Set(from.map(({ node }) => node));
  for (const node of found) {
    if (found.size > MAX_NODES) break;
    if (!isSampler(graph, node)) for (const [, source] of graph.links(node)) found.add(source.node);
  }
  return [...found];
}
