// What is wrong with a checkpoint's tensors: missing, of a wrong shape, of a type that holds no weights, or unknown. Names only, no bytes read.
import type { ModelEntry } from '../../../preload/contract/model';
import type { Problem } from '../../../preload/contract/problems';
import { familyNames } from '../../../preload/contract/vocabulary';
import { isFloat } from '../weights/dtypes';
import { showDims } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import { isOpenClipPrefix, textTensors, unetTensors, vaeTensors, type Shapes } from '../families/network-tensors';
import { openClipSizes, partOf, projectionOf, textSizes, unetSizes, vaeSizes } from '../families/sizes';
import { isBuffer, isEmaCopy } from '../identify/buffers';

export interface Fault {
  /** fatal: no picture can be made. note: left unused. */
  readonly severity: 'fatal' | 'note';
  readonly problem: Problem;
  /** A part that is not there at all and may come from a file of its own. */
  readonly lacks?: PartKind | undefined;
}

/** What a U-Net needs beside it. */
export type PartKind = ModelEntry['lacks'][number];

const fatal = (problem: Problem): Fault => ({ severity: 'fatal', problem });

interface PartSpec {
  /** Its name among the words. */
  readonly name: string;
  readonly kind?: PartKind;
  /** The first below which the part is found is taken. */
  readonly prefixes: readonly string[];
  /** What tells that the part is there. */
  readonly sign: (prefix: string) => string;
  /** The part's expected tensors from its own sizes, or null where it does not have the families' layout. */
  readonly expect: (file: WeightFile, prefix: string) => Shapes | null;
}

const unet: PartSpec = {
  name: 'unet', prefixes: ['model.diffusion_model.'], sign: () => 'input_blocks.',
  expect(file, prefix) { const sizes = unetSizes(partOf(file, prefix)); return sizes && unetTensors(sizes, prefix); },
};
const vae: PartSpec = {
  name: 'vae', kind: 'vae', prefixes: ['first_stage_model.'], sign: () => '',
  expect(file, prefix) { const sizes = vaeSizes(partOf(file, prefix)); return sizes && vaeTensors(sizes, prefix); },
};
const text = (name: string, prefixes: readonly string[], projected = false): PartSpec => ({
  name, kind: 'text-encoder', prefixes, sign: (prefix) => (isOpenClipPrefix(prefix) ? 'transformer.resblocks.' : 'encoder.layers.'),
  expect(file, prefix) {
    const part = partOf(file, prefix);
    const sizes = isOpenClipPrefix(prefix) ? openClipSizes(part) : textSizes(part);
    return sizes && textTensors({ ...sizes, ...(projected && { projection: projectionOf(file, prefix) ?? sizes.width }) }, prefix);
  },
});

/** NovelAI's and some merged SD 1 files leave out `text_model.`; files made from diffusers' folders keep its names for the OpenCLIP towers. */
const families: Readonly<Record<string, readonly PartSpec[]>> = {
  sd1: [unet, text('text-encoder', ['cond_stage_model.transformer.text_model.', 'cond_stage_model.transformer.']), vae],
  sd2: [unet, text('text-encoder', ['cond_stage_model.model.', 'cond_stage_model.transformer.text_model.']), vae],
  sdxl: [unet, text('first-text-encoder', ['conditioner.embedders.0.transformer.text_model.']),
    text('second-text-encoder', ['conditioner.embedders.1.model.', 'conditioner.embedders.1.transformer.text_model.'], true), vae],
  'sdxl-refiner': [unet, text('text-encoder', ['conditioner.embedders.0.model.', 'conditioner.embedders.0.transformer.text_model.'], true), vae],
};

export const isRunnableFamily = (family: string | null): family is string => family !== null && Object.hasOwn(families, family);

/** Faults of a file that `identify` takes for a checkpoint of a family that runs, fatal ones first. Empty when all is well. */
export function checkCheckpoint(file: WeightFile, family: string): Fault[] {
  const names = [...file.tensors.keys()];
  const expected: Shapes = new Map();
  const faults: Fault[] = [];
  const label = familyNames[family]?.label ?? family;
  for (const part of families[family] ?? []) {
    const prefix = part.prefixes.find((p) => names.some((name) => name.startsWith(p + part.sign(p))));
    const shapes = prefix === undefined ? null : expectedOf(part, file, prefix);
    if (prefix === undefined) faults.push({ ...fatal({ code: 'part.missing', data: { part: part.name, prefix: part.prefixes[0]! } }), lacks: part.kind });
    else if (!shapes) faults.push(fatal({ code: 'part.layout', data: { part: part.name, prefix, family: label } }));
    else for (const [name, dims] of shapes) expected.set(name, dims);
  }
  if (faults.every(({ lacks }) => lacks === 'vae')) faults.push(...contextMisfit(expected));
  const isWhole = !faults.some(({ problem: { code } }) => code === 'part.missing' || code === 'part.layout');
  faults.push(...compare(file, expected));
  // Where a part's layout is unknown, each of its tensors would be "unexpected".
  if (isWhole) faults.push(...unexpected(names, expected, label));
  return faults;
}

/** null, too, where the sizes do not make a network, such as heads that do not divide a width. */
function expectedOf(part: PartSpec, file: WeightFile, prefix: string): Shapes | null {
  try {
    return part.expect(file, prefix);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** What the text encoders give, side by side, must be as wide as what the U-Net reads. Both may come from files of their own. */
function* contextMisfit(expected: Shapes): Generator<Fault> {
  const [reader, [, wanted] = []] = [...expected].find(([name]) => name.endsWith('attn2.to_k.weight')) ?? [];
  const given = [...expected].reduce((sum, [name, dims]) => (name.endsWith('token_embedding.weight') ? sum + dims[1]! : sum), 0);
  if (reader !== undefined && wanted !== given) yield fatal({ code: 'text.width', data: { wanted: wanted!, given } });
}

function* compare(file: WeightFile, expected: Shapes): Generator<Fault> {
  for (const [name, want] of expected) {
    const got = file.tensors.get(name);
    if (!got) yield fatal({ code: 'tensor.missing', data: { key: name, shape: [...want] } });
    else if (showDims(got.shape) !== showDims(want)) {
      yield fatal({ code: 'tensor.shape', data: { key: name, got: [...got.shape], want: [...want] } });
    } else if (!isFloat(got.dtype)) {
      yield fatal({ code: 'tensor.dtype', data: { key: name, dtype: got.dtype } });
    }
  }
}

/** Parts that files bring and no picture needs: what CLIP compares pictures with, and the depth model of SD 2's training. */
const unread = /\.logit_scale$|^cond_stage_model\..*text_projection(?:\.weight)?$|^depth_model\./;

function* unexpected(names: readonly string[], expected: Shapes, label: string): Generator<Fault> {
  for (const name of names) {
    if (expected.has(name) || isBuffer(name) || isEmaCopy(name) || unread.test(name)) continue;
    yield { severity: 'note', problem: { code: 'tensor.unused', data: { key: name, family: label } } };
  }
}
