// Golden cases of single networks: build the graph from the case's weights, feed its inputs, compare its outputs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { clipTower } from '../../engine/families/clip';
import { openClipTower } from '../../engine/families/openclip';
import { sizeVector } from '../../engine/families/sdxl-conditioning';
import { buildTaesdDecoder, buildTaesdEncoder } from '../../engine/families/taesd';
import { buildTextTower, firstEnd, type TextTower } from '../../engine/families/text-tower';
import { buildUnet, timestepEmbedding, unetConfig, type Heads } from '../../engine/families/unet';
import { buildVaeDecoder, buildVaeEncoder, vaeConfig } from '../../engine/families/vae';
import type { Graph } from '../../engine/graph/graph';
import { stack } from '../../engine/pipeline/batches';
import type { Runtime } from '../../engine/pipeline/runtime';
import { float32, int64, type AnyTensor, type Tensor } from '../../engine/tensor';
import type { WeightFile } from '../../engine/weights/source';
import { openWeightFile } from '../../files/weight-file';
import { ortRuntime, ortRuntimeFor } from '../../worker/ort-runtime';
import { readTensors, type GoldenTensor } from './read';
import type { CaseFolder, Check, Checker } from './types';

/** max |mine − ref| ≤ tolerance · max |ref|, or ≤ tolerance where that is 'absolute'. */
export function compareTensor(check: string, mine: Tensor, reference: GoldenTensor, tolerance: number, kind: 'relative' | 'absolute' = 'relative'): Check {
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
  const error = kind === 'relative' ? worst / scale : worst;
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
    yield* checkSizeVector(await caseTensors(join(folder.path, 'size_vector.safetensors')), folder.config['size_vector.safetensors'].tolerance.abs as number);
  }
};

/** SDXL's numbers beside the text: sizes and crops of the base model, with the aesthetic score of the refiner. Its tolerance is absolute. */
function* checkSizeVector(io: CaseTensors, tolerance: number): Iterable<Check> {
  const rows = (name: string): Tensor[] => {
    const { dims: [count = 0, width = 0], data } = io.float(name);
    return Array.from({ length: count }, (_, i) => float32([1, width], data.slice(i * width, (i + 1) * width)));
  };
  const nothing = float32([1, 0]);
  const [pooled, sizes] = [rows('in.pooled'), rows('in.sizes')];
  const results = {
    size_embedding: sizes.map(({ data }) => sizeVector(nothing, [...data])),
    y: sizes.map(({ data }, i) => sizeVector(pooled[i]!, [...data])),
    refiner_embedding: rows('in.refiner').map(({ data }) => sizeVector(nothing, [...data])),
  };
  for (const [name, mine] of Object.entries(results)) yield compareTensor(`size_vector.${name}`, stack(mine), io.stored(`out.${name}`), tolerance, 'absolute');
}

export const checkClip: Checker = async function* (folder) {
  const weights = await openWeightFile(join(folder.path, 'weights.safetensors'));
  const tower = clipTower(weights, prefixOf(folder, 'cond_stage_model.transformer'), { heads: folder.config['config'].num_attention_heads });
  if (!tower) throw new Error(`${folder.name}: there is no CLIP text tower in ${weights.path}`);
  const io = await caseTensors(join(folder.path, 'io.safetensors'));
  const ids = io.ids('in.input_ids');
  const tolerance = relativeTolerance(folder);
  const batch = ids.dims[0]!;
  const runtime = ortRuntime();

  const raw = await evaluate(runtime, buildTextTower(tower, { batch, raw: true }), { ids });
  yield compareTensor('last_hidden_state', raw['hidden']!, io.stored('out.last_hidden_state'), tolerance);
  yield compareTensor('pooled', pooledAtEnd(raw['hidden']!, ids), io.stored('out.pooled'), tolerance);
  yield compareTensor('embeddings', raw['hidden.0']!, io.stored('out.embeddings'), tolerance);
  for (let layer = 1; io.has(`out.hidden.${layer}`); layer++) {
    yield compareTensor(`hidden.${layer}`, raw[`hidden.${layer}`]!, io.stored(`out.hidden.${layer}`), tolerance);
  }
  for (let clipSkip = 2; io.has(`out.clip_skip_${clipSkip}`); clipSkip++) {
    const { hidden } = await evaluate(runtime, buildTextTower(tower, { batch, clipSkip }), { ids });
    yield compareTensor(`clip_skip_${clipSkip}`, hidden!, io.stored(`out.clip_skip_${clipSkip}`), tolerance);
  }
};

/** SDXL's second encoder and SD 2's. The case's ids are filled with 0, as these towers want them. */
export const checkOpenClip: Checker = async function* (folder) {
  const { config } = folder;
  const io = await caseTensors(join(folder.path, 'io.safetensors'));
  const ids = io.ids('in.input_ids');
  const [batch, length] = ids.dims as [number, number];
  const ends = int64([batch], Array.from({ length: batch }, (_, b) => b * length + endOf(ids, b)));
  const runtime = ortRuntime();
  const open = async (name: string): Promise<TextTower> => {
    const file = await openWeightFile(join(folder.path, `weights_${name}.safetensors`));
    const tower = openClipTower(file, String(config['files'][`weights_${name}.safetensors`].prefix).replace(/\.$/, ''), config['config'].heads);
    if (!tower) throw new Error(`${folder.name}: there is no OpenCLIP text tower in ${file.path}`);
    return tower;
  };
  const [g, h] = [await open('sdxl_g'), { ...await open('sd2_h'), pooledWidth: 0 }];
  const last = await evaluate(runtime, buildTextTower(g, { batch, raw: true }), { ids, ends });
  const results = {
    'sdxl_g.penultimate': (await evaluate(runtime, buildTextTower({ ...g, clipSkip: 2, normed: false }, { batch }), { ids, ends }))['hidden'],
    'sdxl_g.last_raw': last[`hidden.${g.layers}`], 'sdxl_g.last_ln': last['hidden'], 'sdxl_g.pooled': last['pooled'],
    'sd2_h.penultimate_ln': (await evaluate(runtime, buildTextTower({ ...h, clipSkip: 2 }, { batch }), { ids }))['hidden'],
    'sd2_h.last_ln': (await evaluate(runtime, buildTextTower(h, { batch }), { ids }))['hidden'],
  };
  for (const [name, mine] of Object.entries(results)) yield compareTensor(name, mine!, io.stored(name), relativeTolerance(folder));
};

/** The state at the first end token: [B, L, D] → [B, D]. */
function pooledAtEnd(hidden: Tensor, ids: Tensor<'int64'>): Tensor {
  const [batch, length, width] = hidden.dims as [number, number, number];
  const pooled = float32([batch, width]);
  for (let b = 0; b < batch; b++) {
    const at = endOf(ids, b);
    pooled.data.set(hidden.data.subarray((b * length + at) * width, (b * length + at + 1) * width), b * width);
  }
  return pooled;
}

function endOf(ids: Tensor<'int64'>, row: number): number {
  const length = ids.dims[1]!;
  return firstEnd(Array.from(ids.data.subarray(row * length, (row + 1) * length), Number));
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
