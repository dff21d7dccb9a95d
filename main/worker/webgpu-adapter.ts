// What a machine's WebGPU adapter does right, found by trying it: onnxruntime-node tells neither its features nor the size of its subgroups.
import { webgpuDialect, webgpuFusedDialect, type Dialect } from '../engine/graph/dialect';
import { Graph } from '../engine/graph/graph';
import type { Session } from '../engine/pipeline/runtime';
import { float32, sizeOf, type Dims, type Tensor } from '../engine/tensor';
import { floatToHalf } from '../engine/weights/half';

export interface WebgpuAdapter {
  /** Shaders read float16: weights that are stored so lie on the GPU as they are, and are widened where they are used. */
  readonly half: boolean;
  /** The provider's fused attention gives what its primitives give. */
  readonly fusedAttention: boolean;
}

/** Opens a graph on the adapter; `folds`: with what reads nothing but weights computed beforehand. */
export type OpenOnAdapter = (graph: Graph, how: { readonly dialect: Dialect; readonly folds: boolean }) => Promise<Session>;

/** max |a − b| / max |b| that two ways of one computation in float32 may differ by; what is wrong is off by 1e-3 and more. */
const AGREES = 1e-4;

/** Rejects with what the provider says where there is no adapter, or none that runs the primitives. */
export async function tryAdapter(open: OpenOnAdapter): Promise<WebgpuAdapter> {
  const plain = { dialect: webgpuDialect, folds: true }, fused = { dialect: webgpuFusedDialect, folds: true };
  let fusedAttention = true;
  for (const [graph, feeds] of attentions()) {
    const right = await run(open, graph, plain, feeds);
    fusedAttention &&= await run(open, graph, fused, feeds).then((told) => agrees(told, right), () => false);
  }
  const [product, feeds] = halfProduct(), right = await run(open, product, plain, feeds);
  return { fusedAttention, half: await run(open, product, { ...plain, folds: false }, feeds).then((told) => agrees(told, right), () => false) };
}

/** Whether all narrow weights of a graph are float16, the only narrow type that WebGPU's kernels read. */
export function staysHalf(graph: Graph): boolean {
  return [...graph.weightRefs()].every(({ stored }) => stored === 'F16' || stored === 'F32');
}

/** The widest heads whose fused attention was seen to be faster (SD 1's deepest). The autoencoder's one of 512 takes twice the time of the primitives, and more memory. */
const WIDEST_HEAD = 160;

/** Whether every attention of a graph gains by being fused. */
export function gainsFused(graph: Graph): boolean {
  return graph.needed().every((node) => node.op !== 'Attention' || node.out.dims.at(-1)! / node.attributes.heads <= WIDEST_HEAD);
}

type Trial = readonly [graph: Graph, feeds: Record<string, Tensor>];

/** SD 1's attention to words in a batch of two, and its text encoder's, which is told what not to see: sizes whose shaders are needed anyway. */
function* attentions(): Generator<Trial> {
  for (const { batch, queries, keys, heads, width, masked } of [
    { batch: 2, queries: 70, keys: 77, heads: 8, width: 40, masked: false },
    { batch: 1, queries: 77, keys: 77, heads: 12, width: 64, masked: true },
  ]) {
    const g = new Graph('attention'), feeds: Record<string, Tensor> = {};
    const input = (name: string, dims: Dims) => { feeds[name] = waves(dims, Object.keys(feeds).length + 1); return g.input(name, 'float32', dims); };
    const [q, k, v] = [input('q', [batch, queries, heads * width]), input('k', [batch, keys, heads * width]), input('v', [batch, keys, heads * width])];
    const mask = masked ? [g.constant('float32', [1, 1, queries, keys], Float32Array.from({ length: queries * keys }, (_, i) => (i % keys > Math.floor(i / keys) ? -1e4 : 0)))] : [];
    g.output('out', g.apply('Attention', [q, k, v, ...mask], { heads }));
    yield [g, feeds];
  }
}

function halfProduct(): Trial {
  const [rows, inner, out] = [5, 32, 12], data = new Uint8Array(floatToHalf(waves([out, inner], 1).data).buffer);
  const g = new Graph('halfProduct');
  const weight = g.weight({ name: 'w', file: '', offset: 0, byteLength: data.length, stored: 'F16', data }, [out, inner]);
  g.output('out', g.apply('Linear', [g.input('x', 'float32', [rows, inner]), weight]));
  return [g, { x: waves([rows, inner], 2) }];
}

/** Values of −2…2 without a pattern that a kernel's tiles could hide. */
const waves = (dims: Dims, seed: number): Tensor => float32(dims, Float32Array.from({ length: sizeOf(dims) }, (_, i) => 2 * Math.sin(seed + i * (i % 97) * 0.37)));

async function run(open: OpenOnAdapter, graph: Graph, how: Parameters<OpenOnAdapter>[1], feeds: Record<string, Tensor>): Promise<Float32Array> {
  const session = await open(graph, how);
  try {
    return (await session.run(feeds))['out']!.data;
  } finally {
    await session.close();
  }
}

function agrees(told: Float32Array, right: Float32Array): boolean {
  const scale = right.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return told.length === right.length && told.every((value, i) => Math.abs(value - right[i]!) <= AGREES * scale);
}
