// What steers a picture beside its words: a network that reads another picture.
import { z } from 'zod';

const Share = z.number().min(0).max(1);

/** Of the network in the same place of `files.controls`. */
export const Control = z.object({
  /** What the network reads, a blob: edges, a depth map, a pose, as its preprocessor makes them. */
  image: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex'),
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
