// What a merge will do, tensor by tensor, told from the headers alone: which tensors meet, with which multiplier, and which are only in one file.
// The rules are AUTOMATIC1111's: what only A has is kept, what only B has is left out; of an inpainting (9 channels) or instruct-pix2pix (8) model A
// and a usual one B, the first 4 input channels are merged.
import { AppError } from '../../errors';
import { isBuffer, isEmaCopy } from '../../identify/buffers';
import type { Dims } from '../../tensor';
import { showDims } from '../safetensors';
import type { StoredDType, TensorEntry, WeightFile } from '../source';
import type { MergeMode } from './algebra';
import { blockOf, type BlockMultipliers } from './blocks';
import { isFloat, type WrittenDType } from '../dtypes';
import { isPrunable } from './prune';

export interface MergeOptions {
  readonly mode: MergeMode;
  /** 0 gives A. Weighted sum: 1 gives B. */
  readonly multiplier: number;
  readonly blocks?: BlockMultipliers;
  /** Of all weights. Without it each tensor keeps A's, or fp32 where A and B differ. */
  readonly precision?: WrittenDType;
  /** Leaves out what no picture needs. */
  readonly prune?: boolean;
}

/** A tensor of the result: `a` as it is where there is no `b`; else merged with `b`, and with `c` where the mode has one. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: Dims;
  readonly a: TensorEntry;
  readonly b?: TensorEntry;
  readonly c?: TensorEntry;
  readonly multiplier: number;
}

export interface MergePlan {
  readonly tensors: readonly PlannedTensor[];
  readonly merged: number;
  /** Only A has them: kept. */
  readonly onlyA: readonly string[];
  /** Only B has them: left out. */
  readonly onlyB: readonly string[];
  /** Set where input channels of A beyond B's four were kept. */
  readonly variant: 'inpaint' | 'pix2pix' | null;
}

/** `c` for add-difference alone. Throws merge.misfit naming the tensors, merge.strangers where A and B have little in common, merge.noThird. */
export function planMerge(a: WeightFile, b: WeightFile, c: WeightFile | undefined, options: MergeOptions): MergePlan {
  if (options.mode === 'add-difference' && !c) {
    throw new AppError('merge.noThird', {});
  }
  const inB = byName(b), inC = c && byName(c);
  const weights = [...byName(a)].filter(([name]) => !(options.prune && isPrunable(name)));
  refuseStrangers(weights, a, inB, b);
  const meetings = weights.map(([name, entry]): Meeting => ({ name, a: entry, ...partners(name, entry, inB, inC) }));
  const misfits = meetings.filter((meeting) => sharedInputs(meeting) === null);
  if (misfits.length > 0) throw shapeMismatch([a, b, c], misfits);

  const lastOut = Math.max(0, ...weights.map(([name]) => Number(/(?:^|\.)output_blocks\.(\d+)\./.exec(name)?.[1] ?? 0)));
  const tensors = meetings.map((meeting) => planned(meeting, options.blocks?.[blockOf(meeting.name, lastOut)] ?? options.multiplier, options));
  const inputs = meetings.find((meeting) => sharedInputs(meeting) === 4)?.a.shape[1];
  const names = new Set(weights.map(([name]) => name));
  return {
    tensors, merged: meetings.filter(({ b: other }, i) => other && tensors[i]!.multiplier !== 0).length,
    onlyA: [...names].filter((name) => !inB.has(name)), onlyB: [...inB.keys()].filter((name) => !names.has(name) && !a.tensors.has(name)),
    variant: inputs === 9 ? 'inpaint' : inputs === 8 ? 'pix2pix' : null,
  };
}

/** A tensor of A and what it is merged with. */
type Meeting = Pick<PlannedTensor, 'name' | 'a' | 'b' | 'c'>;
type Tensors = ReadonlyMap<string, TensorEntry>;

/** Nothing where the tensor stays as it is: B or C lacks it, or it is no weight. */
function partners(name: string, entry: TensorEntry, inB: Tensors, inC: Tensors | undefined): Pick<Meeting, 'b' | 'c'> {
  const b = inB.get(name), c = inC?.get(name);
  return b && (c || !inC) && !isBuffer(name) && isFloat(entry.dtype) && isFloat(b.dtype) ? { b, c } : {};
}

function planned({ name, a, b, c }: Meeting, multiplier: number, options: MergeOptions): PlannedTensor {
  const dtype = b && plainDType(b) !== plainDType(a) && !options.precision ? 'F32' : stored(a, options);
  const alone = { name, dtype, shape: a.shape, a, multiplier };
  if (!b || multiplier === 0) return { ...alone, multiplier: 0 };
  // Exactly B, whatever A holds: NaN in A would get through a factor of 0.
  if (multiplier === 1 && !c && sameShape(a.shape, b.shape)) return { ...alone, a: b };
  return { ...alone, b, c };
}

/** Checkpoints of NovelAI's kind lack `text_model.` in the text encoder's names. */
const oldTextNames = /^cond_stage_model\.transformer\.(?=(?:embeddings|encoder|final_layer_norm)\.)/;

/** The tensors by the names that meet. */
const byName = (file: WeightFile): Map<string, TensorEntry> =>
  new Map([...file.tensors].map(([name, entry]) => [name.replace(oldTextNames, 'cond_stage_model.transformer.text_model.'), entry]));

/** Buffers and whole numbers keep theirs. */
export const stored = (entry: TensorEntry, { precision }: Pick<MergeOptions, 'precision'>): StoredDType =>
  (precision && isFloat(entry.dtype) && !isBuffer(entry.name) ? precision : plainDType(entry));

/** What holds the tensor's values without a factor beside it, and in a type that others read. */
const plainDType = ({ dtype, factor }: TensorEntry): StoredDType => (factor || dtype.endsWith('FNUZ') ? 'F16' : dtype);

const sameShape = (a: Dims, b: Dims): boolean => a.length === b.length && a.every((size, i) => size === b[i]);

/** all: the shapes are equal, or nothing is merged. 4: A has input channels that B lacks, after B's four. null: they do not fit. */
function sharedInputs({ a: { shape: a }, b, c }: Meeting): 'all' | 4 | null {
  if (!b) return 'all';
  if (c && !sameShape(b.shape, c.shape)) return null;
  if (sameShape(a, b.shape)) return 'all';
  return a.length === 4 && (a[1] === 9 || a[1] === 8) && sameShape([a[0]!, 4, a[2]!, a[3]!], b.shape) ? 4 : null;
}

function refuseStrangers(weights: readonly (readonly [string, TensorEntry])[], a: WeightFile, inB: Tensors, b: WeightFile): void {
  const isWeight = (name: string): boolean => !isBuffer(name) && !isEmaCopy(name);
  const own = weights.map(([name]) => name).filter(isWeight), theirs = [...inB.keys()].filter(isWeight);
  const missing = own.filter((name) => !inB.has(name));
  const shared = own.length - missing.length;
  if (shared > 0 && 2 * shared >= Math.min(own.length, theirs.length)) return;
  throw new AppError('merge.strangers', { files: [a.path, b.path], missing: missing.length, count: own.length, names: missing.slice(0, 3) });
}

function shapeMismatch(files: readonly (WeightFile | undefined)[], misfits: readonly Meeting[]): AppError {
  const paths = files.flatMap((file) => file?.path ?? []);
  const shown = misfits.slice(0, 3).map(({ name, a, b, c }) => `${name} ${[a, b, c].flatMap((entry) => (entry ? showDims(entry.shape) : [])).join(' and ')}`);
  const isFirstLayer = misfits.length === 1 && misfits[0]!.name.endsWith('input_blocks.0.0.weight');
  const count = misfits.length - shown.length;
  if (isFirstLayer) return new AppError('merge.misfit', { why: 'inputs', files: paths, names: shown });
  return new AppError('merge.misfit', count === 0 ? { why: 'all', files: paths, names: shown } : { why: 'layers', files: paths, names: shown, count });
}
