// What is wrong with a checkpoint's tensors: missing, of a wrong shape, of a type that holds no weights, or unknown. Names only, no bytes read.
import type { ErrorCode } from '../../../preload/contract/errors';
import type { ModelEntry } from '../../../preload/contract/model';
import { familyNames } from '../../../preload/contract/vocabulary';
import { showDims } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import { isOpenClipPrefix, textTensors, unetTensors, vaeTensors, type Shapes } from '../families/network-tensors';
import { openClipSizes, partOf, projectionOf, textSizes, unetSizes, vaeSizes } from '../families/sizes';
import { isBuffer, isEmaCopy } from '../identify/buffers';

export interface Problem {
  /** fatal: no picture can be made. note: left unused. */
  readonly severity: 'fatal' | 'note';
  /** Of the error that a job would end with; null for notes. */
  readonly code: ErrorCode | null;
  /** The tensor's name, or null where a whole part is meant. */
  readonly tensor: string | null;
  /** In plain words, without the file's name, as the end of a sentence. */
  readonly message: string;
  /** A part that is not there at all and may come from a file of its own. */
  readonly lacks?: PartKind;
}

/** What a U-Net needs beside it. */
export type PartKind = ModelEntry['lacks'][number];

const fatal = (code: ErrorCode, tensor: string | null, message: string): Problem => ({ severity: 'fatal', code, tensor, message });

interface PartSpec {
  readonly what: string;
  readonly kind?: PartKind;
  /** The first below which the part is found is taken. */
  readonly prefixes: readonly string[];
  /** What tells that the part is there. */
  readonly sign: (prefix: string) => string;
  /** The part's expected tensors from its own sizes, or null where it does not have the families' layout. */
  readonly expect: (file: WeightFile, prefix: string) => Shapes | null;
}

const unet: PartSpec = {
  what: 'U-Net', prefixes: ['model.diffusion_model.'], sign: () => 'input_blocks.',
  expect(file, prefix) { const sizes = unetSizes(partOf(file, prefix)); return sizes && unetTensors(sizes, prefix); },
};
const vae: PartSpec = {
  what: 'autoencoder (VAE)', kind: 'vae', prefixes: ['first_stage_model.'], sign: () => '',
  expect(file, prefix) { const sizes = vaeSizes(partOf(file, prefix)); return sizes && vaeTensors(sizes, prefix); },
};
const text = (what: string, prefixes: readonly string[], projected = false): PartSpec => ({
  what, kind: 'text-encoder', prefixes, sign: (prefix) => (isOpenClipPrefix(prefix) ? 'transformer.resblocks.' : 'encoder.layers.'),
  expect(file, prefix) {
    const part = partOf(file, prefix);
    const sizes = isOpenClipPrefix(prefix) ? openClipSizes(part) : textSizes(part);
    return sizes && textTensors({ ...sizes, ...(projected && { projection: projectionOf(file, prefix) ?? sizes.width }) }, prefix);
  },
});

/** NovelAI's and some merged SD 1 files leave out `text_model.`; files made from diffusers' folders keep its names for the OpenCLIP towers. */
const families: Readonly<Record<string, readonly PartSpec[]>> = {
  sd1: [unet, text('text encoder', ['cond_stage_model.transformer.text_model.', 'cond_stage_model.transformer.']), vae],
  sd2: [unet, text('text encoder', ['cond_stage_model.model.', 'cond_stage_model.transformer.text_model.']), vae],
  sdxl: [unet, text('first text encoder', ['conditioner.embedders.0.transformer.text_model.']),
    text('second text encoder', ['conditioner.embedders.1.model.', 'conditioner.embedders.1.transformer.text_model.'], true), vae],
  'sdxl-refiner': [unet, text('text encoder', ['conditioner.embedders.0.model.', 'conditioner.embedders.0.transformer.text_model.'], true), vae],
};

export const isRunnableFamily = (family: string | null): family is string => family !== null && Object.hasOwn(families, family);

/** Problems of a file that `identify` takes for a checkpoint of a family that runs, fatal ones first. Empty when all is well. */
export function checkCheckpoint(file: WeightFile, family: string): Problem[] {
  const names = [...file.tensors.keys()];
  const expected: Shapes = new Map();
  const problems: Problem[] = [];
  const label = familyNames[family]?.label ?? family;
  for (const part of families[family] ?? []) {
    const prefix = part.prefixes.find((p) => names.some((name) => name.startsWith(p + part.sign(p))));
    const shapes = prefix === undefined ? null : expectedOf(part, file, prefix);
    if (prefix === undefined) problems.push({ ...fatal('weights.missingTensor', null, `it has no ${part.what} (${part.prefixes[0]}…)`), lacks: part.kind });
    else if (!shapes) problems.push(fatal('weights.shapeMismatch', null, `its ${part.what} (${prefix}…) does not have the layout of ${label}`));
    else for (const [name, dims] of shapes) expected.set(name, dims);
  }
  if (problems.every(({ lacks }) => lacks === 'vae')) problems.push(...contextMisfit(expected));
  problems.push(...compare(file, expected));
  // Where a part's layout is unknown, each of its tensors would be "unexpected".
  if (problems.every((problem) => problem.tensor !== null)) problems.push(...unexpected(names, expected, label));
  return problems;
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
function* contextMisfit(expected: Shapes): Generator<Problem> {
  const [reader, [, wanted] = []] = [...expected].find(([name]) => name.endsWith('attn2.to_k.weight')) ?? [];
  const given = [...expected].reduce((sum, [name, dims]) => (name.endsWith('token_embedding.weight') ? sum + dims[1]! : sum), 0);
  if (reader !== undefined && wanted !== given) yield fatal('weights.shapeMismatch', reader, `its U-Net reads text of ${wanted} channels, and its text encoder gives ${given}`);
}

function* compare(file: WeightFile, expected: Shapes): Generator<Problem> {
  for (const [name, want] of expected) {
    const got = file.tensors.get(name);
    if (!got) yield fatal('weights.missingTensor', name, `${name} ${showDims(want)} is missing`);
    else if (showDims(got.shape) !== showDims(want)) {
      yield fatal('weights.shapeMismatch', name, `${name} is ${showDims(got.shape)}, expected ${showDims(want)}`);
    } else if (!/^B?F/.test(got.dtype)) {
      yield fatal('weights.unsupportedDtype', name, `${name} is stored as ${got.dtype}, which holds whole numbers and no weights`);
    }
  }
}

/** Parts that files bring and no picture needs: what CLIP compares pictures with, and the depth model of SD 2's training. */
const unread = /\.logit_scale$|^cond_stage_model\..*text_projection(?:\.weight)?$|^depth_model\./;

function* unexpected(names: readonly string[], expected: Shapes, label: string): Generator<Problem> {
  for (const name of names) {
    if (expected.has(name) || isBuffer(name) || isEmaCopy(name) || unread.test(name)) continue;
    yield { severity: 'note', code: null, tensor: name, message: `${name} is not part of ${label} and is left unused` };
  }
}
