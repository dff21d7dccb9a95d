// What is wrong with an SD 1.x checkpoint's tensors: missing, of a wrong shape, of a type that holds no weights, or unknown. Names only, no bytes read.
import type { ErrorCode } from '../../../preload/contract/errors';
import { showDims } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import { expectedText, expectedUnet, expectedVae, type Shapes } from './expected-sd1';
import { partOf, type Part, textSizes, unetSizes, vaeSizes } from './expected-sizes';
import { isBuffer, isEmaCopy } from './identify-buffers';

export interface Problem {
  /** fatal: no picture can be made. note: left unused. */
  readonly severity: 'fatal' | 'note';
  /** Of the error that a job would end with; null for notes. */
  readonly code: ErrorCode | null;
  /** The tensor's name, or null where a whole part is meant. */
  readonly tensor: string | null;
  /** In plain words, without the file's name, as the end of a sentence. */
  readonly message: string;
}

const fatal = (code: ErrorCode, tensor: string | null, message: string): Problem => ({ severity: 'fatal', code, tensor, message });

/** A part's expected tensors from its own sizes, or null where its layout is not SD 1's. */
const layout = <S>(sizesOf: (part: Part) => S | null, shapesOf: (sizes: S, prefix: string) => Shapes) => (file: WeightFile, prefix: string): Shapes | null => {
  const sizes = sizesOf(partOf(file, prefix));
  return sizes && shapesOf(sizes, prefix);
};

const parts = [
  { what: 'U-Net', prefixes: ['model.diffusion_model.'], sign: 'input_blocks.', expect: layout(unetSizes, expectedUnet) },
  // NovelAI's and some merged files leave out `text_model.`.
  { what: 'text encoder', prefixes: ['cond_stage_model.transformer.text_model.', 'cond_stage_model.transformer.'], sign: 'encoder.layers.',
    expect: layout(textSizes, expectedText) },
  { what: 'autoencoder (VAE)', prefixes: ['first_stage_model.'], sign: '', expect: layout(vaeSizes, expectedVae) },
];

/** Problems of a file that `identify` takes for an SD 1.x checkpoint, fatal ones first. Empty when all is well. */
export function checkSd1(file: WeightFile): Problem[] {
  const names = [...file.tensors.keys()];
  const expected: Shapes = new Map();
  const problems: Problem[] = [];
  for (const part of parts) {
    const prefix = part.prefixes.find((p) => names.some((name) => name.startsWith(p + part.sign)));
    const shapes = prefix === undefined ? null : part.expect(file, prefix);
    if (prefix === undefined) problems.push(fatal('weights.missingTensor', null, `it has no ${part.what} (${part.prefixes[0]}…)`));
    else if (!shapes) problems.push(fatal('weights.shapeMismatch', null, `its ${part.what} (${prefix}…) does not have the layout of Stable Diffusion 1`));
    else for (const [name, dims] of shapes) expected.set(name, dims);
  }
  problems.push(...compare(file, expected));
  // Where a part's layout is unknown, each of its tensors would be "unexpected".
  if (problems.every((problem) => problem.tensor !== null)) problems.push(...unexpected(names, expected));
  return problems;
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

function* unexpected(names: readonly string[], expected: Shapes): Generator<Problem> {
  for (const name of names) {
    if (expected.has(name) || isBuffer(name) || isEmaCopy(name)) continue;
    yield { severity: 'note', code: null, tensor: name, message: `${name} is not part of Stable Diffusion 1 and is left unused` };
  }
}
