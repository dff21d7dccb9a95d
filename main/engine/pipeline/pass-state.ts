// A pass that was stopped, as a file: what it knows between two steps and which job it belongs to. A safetensors file, so that any tool can look into it.
import { crc32 } from '../crc32';
import { AppError } from '../errors';
import type { PassProgress } from '../sampling/pass';
import type { Evaluation, SamplerState } from '../sampling/types';
import { float32, type Dims, type Tensor } from '../tensor';
import type { Found } from '../vision/detail';
import { encodeHeader, parseHeader, showDims } from '../weights/safetensors';

/** Goes up when a sampler remembers something else, or means something else by it. */
const VERSION = '1';
const FORMAT = 'atelier.pass';

/** All that is needed to go on after a step, together with the job. */
export interface PassState extends PassProgress {
  /** The job as it was; one that would make another picture is refused. */
  readonly job: object;
  /** Which versions of its files it was made with, as the host tells them apart. */
  readonly versions: string;
  /** Steps of the job, as they are told, that are done, and all that there are. */
  readonly done: number;
  readonly steps: number;
  /** Which of its passes, from 0. */
  readonly pass: number;
  /** The noise levels of the pass. */
  readonly levels: readonly number[];
  /** What the pass before it left. */
  readonly before?: Tensor | undefined;
  /** What was found in the picture for each of the job's detail passes that have begun. */
  readonly found?: readonly (readonly Found[])[] | undefined;
}

/** What is no tensor, as JSON, where every double comes back as it was. */
interface Facts extends Omit<PassState, 'sampler' | 'before' | 'memory'> {
  readonly step: number;
  /** `uncond`: whether the answer has that part. */
  readonly past: readonly { readonly sigma: number; readonly uncond: boolean }[];
  readonly adaptive?: { readonly sigma: number; readonly stride: number };
}

export function encodePassState({ sampler: { step, x, past, adaptive }, before, memory, ...rest }: PassState): Uint8Array {
  const facts: Facts = {
    ...rest, step, past: past.map(({ sigma, denoised }) => ({ sigma, uncond: denoised.uncond !== undefined })),
    ...(adaptive && { adaptive: { sigma: adaptive.sigma, stride: adaptive.stride } }),
  };
  const tensors: [string, Tensor][] = [['x', x], ...(adaptive ? [['low', adaptive.low] as [string, Tensor]] : []), ...(before ? [['before', before] as [string, Tensor]] : []), ...(memory ? [['memory', memory] as [string, Tensor]] : []), ...past.flatMap(namedTensors)];
  const json = JSON.stringify(facts), data = tensors.map(([, tensor]) => bytesOf(tensor));
  const { header, entries, sizeBytes } = encodeHeader(tensors.map(([name, { dims }]) => ({ name, dtype: 'F32', shape: dims })), {
    format: FORMAT, version: VERSION, facts: json, crc32: String(crc32(new TextEncoder().encode(json), ...data)),
  });
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(header);
  entries.forEach(({ offset }, i) => { bytes.set(data[i]!, offset); });           // of one dtype: in the order that they were given
  return bytes;
}

const bytesOf = ({ data }: Tensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

const namedTensors = ({ x, denoised }: Evaluation, k: number): [string, Tensor][] =>
  [[`past.${k}.x`, x], [`past.${k}.denoised`, denoised], ...(denoised.uncond ? [[`past.${k}.uncond`, denoised.uncond] as [string, Tensor]] : [])];

/** `path` names the file in errors. Throws pass.unreadable for what is no such file or a damaged one, pass.stale for one of another version. */
export async function decodePassState(bytes: Uint8Array, path: string): Promise<PassState> {
  const lacking = (detail: string): AppError => new AppError('pass.unreadable', { why: 'facts', file: path, detail });
  const file = await parseHeader({ path, sizeBytes: bytes.length, read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)) })
    .catch((cause: unknown) => { throw new AppError('pass.unreadable', { why: 'format', file: path }, { cause }); });
  const { format, version, facts: json = '', crc32: sum } = file.metadata;
  if (format !== FORMAT) throw new AppError('pass.unreadable', { why: 'format', file: path });
  if (version !== VERSION) throw stale('version');
  if (sum !== String(crc32(new TextEncoder().encode(json), bytes.subarray(file.dataOffset)))) throw new AppError('pass.unreadable', { why: 'damaged', file: path });
  const facts = readFacts(json);
  if (!facts) throw lacking('facts');

  const tensor = (name: string): Tensor => {
    const entry = file.tensors.get(name);
    if (entry?.dtype !== 'F32') throw lacking(name);
    return float32(entry.shape, new Float32Array(Uint8Array.from(bytes.subarray(entry.offset, entry.offset + entry.byteLength)).buffer));      // aligned
  };
  const { step, past, adaptive, ...rest } = facts;
  const sampler: SamplerState = {
    step, x: tensor('x'),
    past: past.map(({ sigma, uncond }, k) => ({
      sigma, x: tensor(`past.${k}.x`), denoised: { ...tensor(`past.${k}.denoised`), ...(uncond && { uncond: tensor(`past.${k}.uncond`) }) },
    })),
    ...(adaptive && { adaptive: { ...adaptive, low: tensor('low') } }),
  };
  return { ...rest, sampler, ...(file.tensors.has('before') && { before: tensor('before') }), ...(file.tensors.has('memory') && { memory: tensor('memory') }) };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isString = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const areNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every(isNumber);

const isFound = (value: unknown): value is Found => isRecord(value) && isNumber(value['score']) && isRecord(value['box']) && ['x', 'y', 'width', 'height'].every((side) => isNumber((value['box'] as Record<string, unknown>)[side]));

function readFacts(json: string): Facts | null {
  let facts: unknown;
  try { facts = JSON.parse(json); } catch { return null; }
  if (!isRecord(facts)) return null;
  const { job, versions, done, steps, pass, levels, evaluations, lowestSigma, draws, step, past, adaptive, found } = facts;
  const isWhole = isRecord(job) && isString(versions) && areNumbers(levels) && isNumber(lowestSigma) && [done, steps, pass, evaluations, draws, step].every(isCount)
    && Array.isArray(past) && past.every((each) => isRecord(each) && isNumber(each['sigma']) && typeof each['uncond'] === 'boolean')
    && (adaptive === undefined || (isRecord(adaptive) && isNumber(adaptive['sigma']) && isNumber(adaptive['stride'])))
    && (found === undefined || (Array.isArray(found) && found.every((each) => Array.isArray(each) && each.every(isFound))));
  return isWhole ? facts as unknown as Facts : null;
}

/** Throws pass.stale naming the first thing in which the job would do something else now. */
export function assertSameJob(state: PassState, { job, versions }: { job: object; versions: string }): void {
  const { files: filesThen, ...then } = state.job as Record<string, unknown>, { files: filesNow, ...now } = job as Record<string, unknown>;
  const field = differentField(then, now) ?? differentField(isRecord(filesThen) ? filesThen : {}, isRecord(filesNow) ? filesNow : {});
  if (field) throw stale(field);
  if (versions !== state.versions) throw stale('version of its files');
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
const stale = (field: string): AppError => new AppError('pass.stale', { field });

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
