// What is wrong, or not known, with a model file, as `inspect` lists it: a code with the values that its words name.
import { z } from 'zod';

/** Sizes of a tensor's axes. */
export const dims = z.array(z.number());
const text = z.string();

export const problemCodes = {
  /** A whole part is not there. `prefix`: how its tensors' names would begin. */
  'part.missing': z.object({ part: text, prefix: text }),
  'part.layout': z.object({ part: text, prefix: text, family: text }),
  'text.width': z.object({ wanted: z.number(), given: z.number() }),
  'tensor.missing': z.object({ key: text, shape: dims }),
  'tensor.shape': z.object({ key: text, got: dims, want: dims }),
  'tensor.dtype': z.object({ key: text, dtype: text }),
  'tensor.unused': z.object({ key: text, family: text }),
  /** Weights that another program packed; `key` tells. */
  'weights.form': z.object({ form: text, key: text }),
  /** `count` names are there with a wrapper's word in them (`other`) and without (`key`), with different values. */
  'names.twice': z.object({ key: text, other: text, count: z.number() }),
  /** What the file leaves open about what it predicts; `why` is what is taken. */
  'prediction.likely': z.object({ why: z.enum(['eps', 'v']) }),
  'prediction.open': z.object({}),
  'prediction.edm': z.object({ why: z.enum(['edm', 'cosxl']) }),
  'prediction.other': z.object({ file: text, said: text }),
  /** `from` counts. Each is the name of a file, of a tensor or of a field of the metadata. */
  'prediction.differ': z.object({ prediction: text, from: text, against: text }),
  /** Settings that lie beside the model. */
  'config.notPlain': z.object({ file: text }),
  'config.damaged': z.object({ file: text, detail: text }),
  'config.unknown': z.object({ file: text, key: text, value: text }),
  'family.unsupported': z.object({ why: z.enum(['unclip', 'other']), family: text }),
  'unknown.empty': z.object({}),
  'unknown.stranger': z.object({ stranger: text }),
  'unknown.names': z.object({ count: z.number(), names: z.array(text) }),
  /** `count` of `total` are not listed. */
  more: z.object({ count: z.number(), total: z.number() }),
} as const;

export type ProblemCode = keyof typeof problemCodes;
export type Problem = { [C in ProblemCode]: { code: C; data: z.infer<(typeof problemCodes)[C]> } }[ProblemCode];
const options = Object.entries(problemCodes).map(([code, data]) => z.object({ code: z.literal(code), data }));
export const Problem = z.union(options) as unknown as z.ZodType<Problem>;
