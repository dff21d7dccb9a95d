// A pass that was stopped, as a file: what it knows between two steps and which job it belongs to. A safetensors file, so that any tool can look into it.
import { AppError } from '../errors';
import type { PassProgress } from '../sampling/pass';
import type { Denoised, Evaluation, SamplerState } from '../sampling/types';
import { float32, type Dims, type Tensor } from '../tensor';
import { baseName, encodeHeader, parseHeader, showDims } from '../weights/safetensors';

/** Goes up when a sampler remembers something else, or means something else by it. */
const VERSION = '1';
const FORMAT = 'atelier.pass';

/** All that is needed to go on after a step, together with the job. */
export interface PassState extends PassProgress {
  /** The job as it was; one that would make another picture is refused. */
  readonly job: object;
  /** Which of its passes, from 0. */
  readonly pass: number;
  /** The noise levels of the pass. */
  readonly levels: readonly number[];
}

/** What is no tensor, as JSON, where every double comes back as it was. */
interface Facts extends Pick<PassState, 'job' | 'pass' | 'levels' | 'evaluations' | 'lowestSigma' | 'draws'> {
  readonly step: number;
  /** Of each past answer. */
  readonly sigmas: readonly number[];
  readonly adaptive?: { readonly sigma: number; readonly stride: number };
}

export function encodePassState({ job, pass, levels, evaluations, lowestSigma, draws, sampler: { step, x, past, adaptive } }: PassState): Uint8Array {
  const facts: Facts = {
    job, pass, levels, evaluations, lowestSigma, draws, step, sigmas: past.map(({ sigma }) => sigma),
    ...(adaptive && { adaptive: { sigma: adaptive.sigma, stride: adaptive.stride } }),
  };
  const tensors = new Map<string, Tensor>([['x', x], ...(adaptive ? [['low', adaptive.low] as const] : []), ...past.flatMap(namedTensors)]);
  const { header, entries, sizeBytes } = encodeHeader([...tensors].map(([name, { dims }]) => ({ name, dtype: 'F32', shape: dims })), {
    format: FORMAT, version: VERSION, facts: JSON.stringify(facts),
  });
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(header);
  for (const { name, offset } of entries) {
    const { data } = tensors.get(name)!;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
  }
  return bytes;
}

const namedTensors = ({ x, denoised }: Evaluation, k: number): [string, Tensor][] =>
  [[`past.${k}.x`, x], [`past.${k}.denoised`, denoised], ...(denoised.uncond ? [[`past.${k}.uncond`, denoised.uncond] as [string, Tensor]] : [])];

/** `path` names the file in errors. Throws pass.unreadable for what is no such file or a damaged one, pass.stale for one of another version. */
export async function decodePassState(bytes: Uint8Array, path: string): Promise<PassState> {
  const unreadable = (why: string, cause?: unknown): AppError => new AppError('pass.unreadable', {
    message: `${baseName(path)} cannot be gone on from: ${why}`, hint: 'Start the picture anew.', data: { file: path }, cause,
  });
  const file = await parseHeader({ path, sizeBytes: bytes.length, read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)) })
    .catch((cause: unknown) => { throw unreadable('it is no whole file of a stopped pass', cause); });
  const { format, version, facts: json } = file.metadata;
  if (format !== FORMAT) throw unreadable('it is not the file of a stopped pass');
  if (version !== VERSION) throw stale('version');
  const facts = readFacts(json);
  if (!facts) throw unreadable('what it says of the pass is incomplete');

  const find = (name: string): Tensor | undefined => {
    const entry = file.tensors.get(name);
    if (entry?.dtype !== 'F32') return undefined;
    return float32(entry.shape, new Float32Array(Uint8Array.from(bytes.subarray(entry.offset, entry.offset + entry.byteLength)).buffer));      // aligned
  };
  const tensor = (name: string): Tensor => {
    const found = find(name);
    if (!found) throw unreadable(`its tensor ${name} is missing`);
    return found;
  };
  const answer = (k: number): Denoised => {
    const uncond = find(`past.${k}.uncond`);
    return { ...tensor(`past.${k}.denoised`), ...(uncond && { uncond }) };
  };
  const { step, sigmas, adaptive, ...rest } = facts;
  const sampler: SamplerState = {
    step, x: tensor('x'), past: sigmas.map((sigma, k) => ({ sigma, x: tensor(`past.${k}.x`), denoised: answer(k) })),
    ...(adaptive && { adaptive: { ...adaptive, low: tensor('low') } }),
  };
  return { ...rest, sampler };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isString = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const areNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(isNumber);

function readFacts(json: string | undefined): Facts | null {
  let facts: unknown;
  try { facts = JSON.parse(json ?? ''); } catch { return null; }
  if (!isRecord(facts)) return null;
  const { job, pass, levels, evaluations, lowestSigma, draws, step, sigmas, adaptive } = facts;
  const isWhole = isRecord(job) && areNumbers(levels) && areNumbers(sigmas) && isNumber(lowestSigma) && [pass, evaluations, draws, step].every(isCount)
    && (adaptive === undefined || (isRecord(adaptive) && isNumber(adaptive['sigma']) && isNumber(adaptive['stride'])));
  return isWhole ? facts as unknown as Facts : null;
}

/** Throws pass.stale naming the first thing in which the job would do something else now. */
export function assertSameJob(state: PassState, job: object): void {
  const field = differentField(state.job as Record<string, unknown>, job as Record<string, unknown>);
  if (field) throw stale(field);
}

/** The same of the pass itself: `dims` of its latents. */
export function assertSamePass(state: PassState, now: { levels: readonly number[]; dims: Dims }): void {
  if (state.levels.length !== now.levels.length || state.levels.some((level, i) => level !== now.levels[i])) throw stale('schedule of noise levels');
  const { x, past, adaptive } = state.sampler;
  for (const { dims } of [x, ...past.flatMap((each, k) => namedTensors(each, k).map(([, tensor]) => tensor)), ...(adaptive ? [adaptive.low] : [])]) {
    if (showDims(dims) !== showDims(now.dims)) throw stale('size');
  }
}

/** Without the values, which may be prompts. */
const stale = (field: string): AppError => new AppError('pass.stale', {
  message: `The stored steps were made with another ${field}`, hint: 'Start the picture anew.', data: { field },
});

/** What a job says beside what decides over its pixels. */
const beside: readonly string[] = ['template', 'embeddings'];

const differentField = (a: Record<string, unknown>, b: Record<string, unknown>): string | undefined =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].find((field) => !beside.includes(field) && !agree(a[field], b[field]));

/** Files are the same by their hashes, or by name while one of these is not known. */
function agree(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((value, i) => agree(value, b[i]));
  if (!isRecord(a) || !isRecord(b)) return a === b;
  if (isString(a['hash']) && isString(b['hash'])) return a['hash'] === b['hash'];
  if ('hash' in a && 'hash' in b) return a['name'] === b['name'];
  return Object.keys({ ...a, ...b }).every((key) => agree(a[key], b[key]));
}
