// What steers a picture beside its words: a network that reads another picture.
import { z } from 'zod';
import { controlResizes, referenceModes } from './vocabulary';
import { preprocessorNames, preprocessorOf, RESOLUTION, type PreprocessorName, type PreprocessorSetting } from './preprocessors';

const rangeOf = ({ min, max }: PreprocessorSetting): z.ZodOptional<z.ZodNumber> => z.number().min(min).max(max).optional();
const useOf = (name: PreprocessorName) => z.strictObject({
  name: z.literal(name),
  /** Pixels of the shorter side. Left out: one for each of the job's, sd-webui-controlnet's "pixel perfect". */
  resolution: rangeOf(RESOLUTION),
  ...Object.fromEntries(preprocessorOf(name).settings.map((each) => [each.name, rangeOf(each)])) as Readonly<Record<string, z.ZodOptional<z.ZodNumber>>>,
});
const [firstUse, ...otherUses] = preprocessorNames.map(useOf);

/** What makes the picture that a network reads out of the one that is given: settings that are left out are as usual. */
const PreprocessorChoice = z.discriminatedUnion('name', [firstUse!, ...otherUses]);

const Share = z.number().min(0).max(1);

/** Of the network in the same place of `files.controls`. */
export const Control = z.object({
  /** A blob: what the network reads (edges, a depth map, a pose), or what the preprocessor makes that of. */
  image: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
  /** Left out: `image` is read as it is. */
  preprocessor: PreprocessorChoice.optional(),
  resize: z.enum(controlResizes).default('crop'),
  weight: z.number().min(0).max(2).default(1),
  /** Between which shares of the steps it counts. */
  start: Share.default(0), end: Share.default(1),
  /** What counts more. 'prompt': softly, above all where the picture's large forms come about; 'control': as softly, and for the side with the prompt alone. The names are sd-webui-controlnet's. */
  mode: z.enum(['balanced', 'prompt', 'control']).default('balanced'),
  /** Where it counts: a grey blob, white is all. */
  mask: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex').optional(),
  /** Which of the kinds that a union was trained on, by its number. */
  kind: z.int().min(0).max(64).optional(),
});
export type Control = z.infer<typeof Control>;

/** A picture whose look a new one takes over, by the model's own layers (reference-only). Modes and values are sd-webui-controlnet's. */
export const Reference = z.object({
  image: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
  /** What is taken from it: keys and values of self-attentions ('only'), mean and variance of blocks ('adain'), or both. */
  mode: z.enum(referenceModes).default('reference_only'),
  /** How many layers take part, the widest and innermost first; at 1 all self-attentions do. */
  weight: z.number().min(0).max(2).default(1),
  /** How far the side without the prompt stays as it is, so that guidance leads towards the reference. */
  fidelity: Share.default(0.5),
  start: Share.default(0), end: Share.default(1),
  resize: z.enum(controlResizes).default('crop'),
});
export type Reference = z.infer<typeof Reference>;
