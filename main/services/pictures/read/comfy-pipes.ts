// Bundles in ComfyUI graphs: nodes that hand model, prompts and settings on as one "pipe" (Impact's basic_pipe, Easy-Use, tinyterra). What comes
// with a pipe is made to look as if it had been drawn link by link.
import type { ComfyNode } from './comfy-graph';

/** What a sampler may take out of a pipe. */
const carried = ['model', 'clip', 'vae', 'positive', 'negative', 'latent_image', 'seed', 'steps', 'cfg', 'sampler_name', 'scheduler', 'denoise'];
const pipeName = /pipe$/i;
/** Longer chains of pipes than this are loops. */
const MAX_HOPS = 20;

type Nodes = ReadonlyMap<string, ComfyNode>;

/** The same nodes; those that read a pipe have links for what the pipe brings and they do not have themselves. */
export function withoutPipes(nodes: readonly ComfyNode[]): ComfyNode[] {
  const known: Nodes = new Map(nodes.map((node) => [node.id, node]));
  return nodes.map((node) => {
    const missing = pipeOf(node, known) ? carried.filter((name) => !node.inputs.has(name)) : [];
    const brought = missing.flatMap((name): [string, unknown][] => { const link = linkTo(node, name, known); return link ? [[name, link]] : []; });
    return brought.length === 0 ? node : { ...node, inputs: new Map([...node.inputs, ...brought]) };
  });
}

function pipeOf(node: ComfyNode, nodes: Nodes): ComfyNode | undefined {
  for (const [name, value] of node.inputs) if (pipeName.test(name) && Array.isArray(value) && value.length === 2) return nodes.get(String(value[0]));
  return undefined;
}

/** Back along the pipe to the first node that has it: its link, or a link to the node where it is written. */
function linkTo(start: ComfyNode, name: string, nodes: Nodes): unknown {
  let node = pipeOf(start, nodes);
  for (let hops = 0; node && hops < MAX_HOPS; hops++, node = pipeOf(node, nodes)) {
    const value = node.inputs.get(name);
    if (value !== undefined) return Array.isArray(value) ? value : [node.id, 0];
    // A loader that is everything at once makes the model and the empty latents itself.
    if ((name === 'model' && node.inputs.has('ckpt_name')) || (name === 'latent_image' && node.inputs.has('empty_latent_width'))) return [node.id, 0];
  }
  return undefined;
}
