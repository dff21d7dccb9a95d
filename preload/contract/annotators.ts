// What a network of the user's takes and gives, which its ONNX file does not say: a contract. resources/catalog/annotators.json has those of well-known networks.
import { z } from 'zod';

const Three = z.tuple([z.number(), z.number(), z.number()]);

/** What comes out is for. */
export const AnnotatorTask = z.enum(['depth', 'matting', 'normal', 'lineart', 'softedge']);
export type AnnotatorTask = z.infer<typeof AnnotatorTask>;

export const AnnotatorContract = z.strictObject({
  task: AnnotatorTask,
  input: z.strictObject({
    /** Pixels of a side, where the file leaves it open. */
    size: z.int().min(16).max(4096),
    /** The picture becomes size × size, or its shorter side becomes `size`. A file with fixed sides is always stretched to them. */
    fit: z.enum(['stretch', 'shorter']).default('stretch'),
    /** Sides are rounded to multiples of it. */
    multiple: z.int().min(1).max(512).default(1),
    order: z.enum(['rgb', 'bgr']).default('rgb'),
    /** Samples go from 0 to this; then `(sample − mean) / std`, channel by channel, in the network's order. */
    range: z.union([z.literal(1), z.literal(255)]).default(1),
    /** The brightest sample of the picture becomes 1, whatever it is (rembg's way). */
    toPeak: z.boolean().default(false),
    mean: Three.default([0, 0, 0]), std: Three.default([1, 1, 1]),
  }),
  output: z.strictObject({
    /** Which one; below 0 counted from the last. */
    index: z.int().default(0),
    /** From lowest to highest; 0…1; a logit, of which the logistic function is taken; −1…1. */
    values: z.enum(['relative', 'share', 'logit', 'signed']),
    /** What is large becomes dark. */
    invert: z.boolean().default(false),
  }),
});
export type AnnotatorContract = z.infer<typeof AnnotatorContract>;

/** `files`: parts of the names under which the files are found, letters and digits only. */
export const KnownAnnotator = AnnotatorContract.extend({ id: z.string(), name: z.string(), files: z.array(z.string()).min(1) });
export type KnownAnnotator = z.infer<typeof KnownAnnotator>;
