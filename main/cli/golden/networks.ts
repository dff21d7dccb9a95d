// Golden cases of single networks: build the graph from the case's weights, feed its inputs, compare its outputs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildClip, clipConfig } from '../../engine/families/clip';
import { buildTaesdDecoder, buildTaesdEncoder } from '../../engine/families/taesd';
import { buildUnet, timestepEmbedding, unetConfig, type Heads } from '../../engine/families/unet';
import { buildVaeDecoder, buildVaeEncoder, vaeConfig } from '../../engine/families/vae';
import type { Graph } from '../../engine/graph/graph';
import type { Runtime } from '../../engine/pipeline/runtime';
import { float32, int64, type AnyTensor, type Tensor } from '../../engine/tensor';
import type { WeightFile } from '../../engine/weights/source';
import { openWeightFile } from '../../worker/files';
import { ortRuntime, ortRuntimeFor } from '../../worker/ort-runtime';
import { readTensors, type GoldenTensor } from './read';
import type { CaseFolder, Check, Checker } from './types';

/** max |mine − ref| ≤ tolerance · max |ref|. */
export function compareTensor(check: string, mine: Tensor, reference: GoldenTensor, tolerance: number): Check {
  const expected = reference.data;
  if (mine.data.length !== expected.length) {
    return { check, status: 'failed', error: null, tolerance, note: `${mine.data.length} values, expected ${expected.length} [${reference.shape}]` };
  }
  let worst = 0;
  let scale = 0;
  for (let i = 0; i < mine.data.length; i++) {
    const want = Number(expected[i]);
    const difference = Math.abs(mine.data[i]! - want);
    worst = difference > worst || Number.isNaN(difference) ? difference : worst;
    scale = Math.max(scale, Math.abs(want));
  }
  const error = worst / scale;
  return { check, status: error <= tolerance ? 'passed' : 'failed', error, tolerance };
}

/** Runs a graph once. */
export async function evaluate(runtime: Runtime, graph: Graph, feeds: Record<string, AnyTensor>): Promise<Record<string, Tensor>> {
  const session = await runtime.open(graph);
  try {
    return await session.run(feeds);
  } finally {
    await session.close();
  }
}

/** Case tensors by name, as the engine's. */
export interface CaseTensors {
  has(name: string): boolean;
  stored(name: string): GoldenTensor;
  /** As float32, whatever is stored. */
  float(name: string): Tensor;
  ids(name: string): Tensor<'int64'>;
  readonly names: readonly string[];
}

export async function caseTensors(path: string): Promise<CaseTensors> {
  const tensors = await readTensors(path);
  const stored = (name: string) => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`${path} has no tensor ${name}`);
    return tensor;
  };
  return {
    has: (name) => tensors.has(name), stored, names: [...tensors.keys()],
    float: (name) => float32(stored(name).shape, Float32Array.from(stored(name).data as ArrayLike<number | bigint>, Number)),
    ids: (name) => int64(stored(name).shape, BigInt64Array.from(stored(name).data as ArrayLike<bigint>, BigInt)),
  };
}

export const relativeTolerance = ({ config }: CaseFolder): number => config['tolerance'].max_abs_over_max_ref as number;

/** The head rule that a case's configuration states, or undefined for the family's. */
export function headsOf(config: Record<string, unknown>): Heads | undefined {
  const width = config['num_head_channels'];
  if (typeof width === 'number' && width > 0) return { width };
  const count = config['num_heads'];
  return typeof count === 'number' && count > 0 ? { count } : undefined;
}

export const prefixOf = (folder: CaseFolder, fallback: string): string =>
  String(folder.config['weights']?.prefix ?? folder.config['weights_prefix'] ?? fallback).replace(/\.$/, '');

export const checkUnet = (provider: 'cpu' | 'webgpu'): Checker => async function* (folder) {
  const runtime = ortRuntimeFor(provider);
  const file = await openWeightFile(join(folder.path, folder.config['weights'].file));
  const config = unetConfig(file, prefixOf(folder, 'model.diffusion_model'), headsOf(folder.config['config']));
  if (!config) throw new Error(`${folder.name}: there is no U-Net in ${file.path}`);
  const io = await caseTensors(join(folder.path, folder.config['io'].file));
  const sets = io.names.filter((name) => name.endsWith('.eps')).map((name) => name.slice(0, -'.eps'.length)).sort();
  for (const set of sets) {
    const x = io.float(`${set}.x`);
    const context = io.float(`${set}.context`);
    const [batch, , height, width] = x.dims as [number, number, number, number];
    const graph = buildUnet(file, config, { batch, height, width, tokens: context.dims[1]! });
    const feeds = { x, t: timestepEmbedding(io.float(`${set}.t`).data, config.modelChannels), context, ...(io.has(`${set}.y`) && { y: io.float(`${set}.y`) }) };
    const { out } = await evaluate(runtime, graph, feeds);
    yield compareTensor(`${set}.eps`, out!, io.stored(`${set}.eps`), relativeTolerance(folder));
  }
  if (existsSync(join(folder.path, 'size_vector.safetensors'))) {
    yield { check: 'size_vector', status: 'unsupported', error: null, tolerance: null, note: 'SDXL is not run yet' };
  }
};

export const checkClip: Checker = async function* (folder) {
  const weights = await openWeightFile(join(folder.path, 'weights.safetensors'));
  const config = clipConfig(weights, prefixOf(folder, 'cond_stage_model.transformer'), folder.config['config'].num_attention_heads);
  if (!config) throw new Error(`${folder.name}: there is no CLIP text tower in ${weights.path}`);
  const io = await caseTensors(join(folder.path, 'io.safetensors'));
  const ids = io.ids('in.input_ids');
  const tolerance = relativeTolerance(folder);
  const batch = ids.dims[0]!;
  const runtime = ortRuntime();

  const raw = await evaluate(runtime, buildClip(weights, config, { batch, raw: true }), { ids });
  yield compareTensor('last_hidden_state', raw['hidden']!, io.stored('out.last_hidden_state'), tolerance);
  yield compareTensor('pooled', pooledAtEnd(raw['hidden']!, ids, folder.config['config'].eos_token_id), io.stored('out.pooled'), tolerance);
  yield compareTensor('embeddings', raw['hidden.0']!, io.stored('out.embeddings'), tolerance);
  for (let layer = 1; io.has(`out.hidden.${layer}`); layer++) {
    yield compareTensor(`hidden.${layer}`, raw[`hidden.${layer}`]!, io.stored(`out.hidden.${layer}`), tolerance);
  }
  for (let clipSkip = 2; io.has(`out.clip_skip_${clipSkip}`); clipSkip++) {
    const { hidden } = await evaluate(runtime, buildClip(weights, config, { batch, clipSkip }), { ids });
    yield compareTensor(`clip_skip_${clipSkip}`, hidden!, io.stored(`out.clip_skip_${clipSkip}`), tolerance);
  }
};

/** The state at the first end token: [B, L, D] → [B, D]. */
function pooledAtEnd(hidden: Tensor, ids: Tensor<'int64'>, end: number): Tensor {
  const [batch, length, width] = hidden.dims as [number, number, number];
  const pooled = float32([batch, width]);
  for (let b = 0; b < batch; b++) {
    const at = ids.data.subarray(b * length, (b + 1) * length).indexOf(BigInt(end));
    pooled.data.set(hidden.data.subarray((b * length + at) * width, (b * length + at + 1) * width), b * width);
  }
  return pooled;
}

export const checkVae: Checker = async function* (folder) {
  const file = await openWeightFile(join(folder.path, folder.config['weights'].file));
  const config = vaeConfig(file, prefixOf(folder, 'first_stage_model'));
  if (!config) throw new Error(`${folder.name}: there is no autoencoder in ${file.path}`);
  const io = await caseTensors(join(folder.path, folder.config['io'].file ?? 'io.safetensors'));
  const tolerance = relativeTolerance(folder);
  const runtime = ortRuntime();
  for (const name of io.names.filter((key) => /^enc_.*\.image$/.test(key)).sort()) {
    const set = name.slice(0, -'.image'.length);
    const image = io.float(name);
    const [batch, , height, width] = image.dims as [number, number, number, number];
    const { moments } = await evaluate(runtime, buildVaeEncoder(file, config, { batch, height, width }), { image });
    yield compareTensor(`${set}.moments`, moments!, io.stored(`${set}.moments`), tolerance);
    yield compareTensor(`${set}.sample`, samplePosterior(moments!, io.float(`${set}.noise`)), io.stored(`${set}.sample`), tolerance);
  }
  for (const name of io.names.filter((key) => /^dec_.*\.latent$/.test(key)).sort()) {
    const set = name.slice(0, -'.latent'.length);
    const latents = io.float(name);
    const [batch, , height, width] = latents.dims as [number, number, number, number];
    const { image } = await evaluate(runtime, buildVaeDecoder(file, config, { batch, height, width }), { latents });
    yield compareTensor(`${set}.image`, image!, io.stored(`${set}.image`), tolerance);
  }
};

/** mean + exp(½·clamp(log-variance, −30, 20))·noise. moments [B, 2C, h, w], noise [B, C, h, w]. */
export function samplePosterior(moments: Tensor, noise: Tensor): Tensor {
  const sample = float32(noise.dims);
  const half = noise.data.length / noise.dims[0]!;
  for (let i = 0; i < sample.data.length; i++) {
    const at = Math.floor(i / half) * 2 * half + (i % half);
    const logVariance = Math.min(20, Math.max(-30, moments.data[at + half]!));
    sample.data[i] = moments.data[at]! + Math.exp(0.5 * logVariance) * noise.data[i]!;
  }
  return sample;
}

export const checkTaesd: Checker = async function* (folder) {
  const io = await caseTensors(join(folder.path, 'io.safetensors'));
  const tolerance = relativeTolerance(folder);
  const runtime = ortRuntime();
  const encoder: WeightFile = await openWeightFile(join(folder.path, 'taesd_encoder.safetensors'));
  const image = io.float('enc.image');
  const encoded = await evaluate(runtime, buildTaesdEncoder(encoder, sizeOfPicture(image)), { image });
  yield compareTensor('enc.latent', encoded['latents']!, io.stored('enc.latent'), tolerance);
  const decoder = await openWeightFile(join(folder.path, 'taesd_decoder.safetensors'));
  const latents = io.float('dec.latent');
  const decoded = await evaluate(runtime, buildTaesdDecoder(decoder, sizeOfPicture(latents)), { latents });
  yield compareTensor('dec.image', decoded['image']!, io.stored('dec.image'), tolerance);
};

function sizeOfPicture({ dims }: Tensor): { batch: number; height: number; width: number } {
  return { batch: dims[0]!, height: dims[2]!, width: dims[3]! };
}
