// The engine's runtime over onnxruntime-node: graphs in, sessions out.
import { parse, relative, resolve } from 'node:path';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import * as ort from 'onnxruntime-node';
import { AppError, detailOf } from '../engine/errors';
import { cpuDialect, webgpuDialect, webgpuFusedDialect, type Dialect } from '../engine/graph/dialect';
import type { Graph, WeightRef } from '../engine/graph/graph';
import { compile } from '../engine/graph/onnx';
import type { Runtime, Session } from '../engine/pipeline/runtime';
import type { AnyTensor, DType, Tensor } from '../engine/tensor';
import { throwIfPassing } from '../files/system-faults';
import { withFile } from '../files/weight-file';
import { gainsFused, staysHalf, tryAdapter, type WebgpuAdapter } from './webgpu-adapter';

export interface OrtOptions {
  readonly dialect?: Dialect;
  /** Threads of one run; all cores by default. */
  readonly threads?: number;
  /** The root of the drive that a file lies on. */
  readonly rootOf?: RootOf;
}

type RootOf = (file: string) => string;
const driveOf: RootOf = (file) => parse(resolve(file)).root;

export function ortRuntime({ dialect = cpuDialect, threads = availableParallelism(), rootOf }: OrtOptions = {}): Runtime {
  return { open: (graph) => openSession(graph, dialect, sessionOptions(dialect, threads), rootOf) };
}

/** Found once a process; a machine that has no adapter now may have one at the next try. */
let adapter: Promise<WebgpuAdapter> | undefined;

/** Graphs for what this machine's adapter was found to do right. */
const webgpuRuntime: Runtime = {
  async open(graph) {
    adapter ??= tryAdapter((tried, { dialect, folds }) => openSession(tried, dialect, { ...sessionOptions(dialect, 1, folds), logSeverityLevel: 4 }));
    const { half, fusedAttention } = await adapter.catch((error: unknown) => { adapter = undefined; throw error; });
    const dialect = fusedAttention && gainsFused(graph) ? webgpuFusedDialect : webgpuDialect;
    return openSession(graph, dialect, sessionOptions(dialect, availableParallelism(), !(half && staysHalf(graph))));
  },
};

export const ortRuntimeFor = (provider: Dialect['provider']): Runtime => (provider === 'webgpu' ? webgpuRuntime : ortRuntime());

async function openSession(graph: Graph, dialect: Dialect, options: ort.InferenceSession.SessionOptions, rootOf = driveOf): Promise<Session> {
  const { root, carried } = await fromDrives(graph, rootOf);
  const model = compile(graph, dialect, (file) => relative(root, resolve(file)).replaceAll('\\', '/'), (weight) => carried.get(weight));
  const session = await createSession(model, { ...options, extra: { ...options.extra, session: { model_external_initializers_file_folder_path: root } } }, graph.name);
  return wrap(session, graph.name);
}

/**
 * The optimizer is off on the CPU: what it would fuse, the dialect has emitted already, and it would fold every widened weight into memory
 * (seconds and gigabytes for nothing). On a GPU it moves transposes together; `folds`: and widens weights before the first run. External data may lie
 * anywhere below the drive's root.
 */
function sessionOptions({ provider }: Dialect, threads: number, folds = true): ort.InferenceSession.SessionOptions {
  // On Linux the worker is started with a malloc that keeps what it was given (services/workers/fork.ts), which beats the arena by 0.7 GB at the
  // peak of a U-Net at the same speed. Elsewhere the arena spares the page faults.
  const arena = process.platform !== 'linux';
  return {
    executionProviders: provider === 'webgpu' ? ['webgpu', 'cpu'] : ['cpu'],
    graphOptimizationLevel: provider === 'webgpu' ? 'basic' : 'disabled',
    intraOpNumThreads: threads,
    executionMode: 'sequential',
    enableCpuMemArena: arena,
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(!folds && { extra: { optimization: { disable_specified_optimizers: 'ConstantFolding' } } }),
  };
}

/** A model's own bytes, which are read and not mapped, and which its form bounds at two gigabytes. */
const MOST_CARRIED = 1 << 30;

/**
 * onnxruntime maps weights below one folder: the root of the drive where most of them lie. Those of other drives, a LoRA's or a VAE's, are read and carried in the
 * model. Throws model.drives where these are too many, and file.*.
 */
async function fromDrives(graph: Graph, rootOf: RootOf): Promise<{ root: string; carried: ReadonlyMap<WeightRef, Uint8Array> }> {
  const bytes = new Map<string, number>(), weights = [...graph.weightRefs()].filter(({ data }) => !data);
  for (const { file, byteLength } of weights) bytes.set(rootOf(file), (bytes.get(rootOf(file)) ?? 0) + byteLength);
  const [[root] = [rootOf(process.cwd())], ...others] = [...bytes].sort(([, a], [, b]) => b - a);
  if (others.reduce((sum, [, size]) => sum + size, 0) > MOST_CARRIED) throw new AppError('model.drives', { roots: [...bytes.keys()] });
  const carried = new Map<WeightRef, Uint8Array>(), away = weights.filter(({ file }) => rootOf(file) !== root);
  for (const path of new Set(away.map(({ file }) => file))) {
    await withFile(path, async ({ read }) => { for (const weight of away) if (weight.file === path) carried.set(weight, await read(weight.offset, weight.byteLength)); });
  }
  return { root, carried };
}

async function createSession(model: Uint8Array, options: ort.InferenceSession.SessionOptions, name: string): Promise<ort.InferenceSession> {
  try {
    return await ort.InferenceSession.create(model, options);
  } catch (error) {
    throw toWorkerError(error, 'open', name);
  }
}

function wrap(session: ort.InferenceSession, name: string): Session {
  return {
    async run(feeds) {
      await messagesIn();
      try {
        const results = await session.run(Object.fromEntries(Object.entries(feeds).map(([key, tensor]) => [key, toOrt(tensor)])));
        return Object.fromEntries(Object.entries(results).map(([key, value]) => [key, fromOrt(value)]));
      } catch (error) {
        throw toWorkerError(error, 'run', name);
      }
    },
    close: () => session.release(),
  };
}

/** A run blocks the process, so what has arrived meanwhile (a cancel) is let in first: two turns, as a message is read in one and delivered in the next. */
async function messagesIn(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

const toOrt = ({ dtype, data, dims }: AnyTensor): ort.Tensor => new ort.Tensor(dtype as 'float32', data as Float32Array, dims);

const fromOrt = (tensor: ort.Tensor): Tensor => ({ dtype: tensor.type as DType & 'float32', dims: tensor.dims, data: tensor.data as Float32Array });

export function toWorkerError(cause: unknown, why: 'open' | 'run', network: string): AppError {
  const detail = detailOf(cause);
  // It opens the files of the weights itself, and says so in words alone.
  if (/too many open files/i.test(detail)) throwIfPassing({ code: 'EMFILE' }, network);
  if (/bad_alloc|out of memory|failed to allocate|cannot allocate memory|Available memory/i.test(detail)) return new AppError('memory.exhausted', { why, network }, { cause });
  return new AppError('worker.failed', { why, network, detail }, { cause });
}
