// What a job did without and the person should know: never an error, since the picture is made all the same.
import { z } from 'zod';
import { detailTargets } from './vocabulary';

const name = z.string();

export const noticeCodes = {
  /** What stood behind a '#'. */
  'comment.leftOut': z.object({ text: z.string() }),
  'embedding.missing': z.object({ name }),
  /** `vectors`: lengths of its vectors; `reads`: those that the model's encoders read. */
  'embedding.unfit': z.object({ name, vectors: z.string(), reads: z.string() }),
  'embedding.unreadable': z.object({ name, error: z.object({ code: z.string(), data: z.record(z.string(), z.any()) }) }),
  /** Nothing to repaint was found, and the picture stayed as it was. */
  'detail.none': z.object({ why: z.enum(detailTargets) }),
  'network.unsupported': z.object({ kind: z.string(), name }),
  'lora.missing': z.object({ name }),
  /** `text`: what its tag says of blocks. */
  'lora.unread': z.object({ name, text: z.string() }),
  /** `made`, `family`: families; `model`: a name. */
  'lora.otherBase': z.object({ name, made: z.string(), model: z.string(), family: z.string() }),
  /** `count` of its `of` modules fit no layer of the model; `layers`: the first. */
  'lora.unmatched': z.object({ name, count: z.number(), of: z.number(), layers: z.string() }),
  'wildcard.missing': z.object({ name }),
  'variable.missing': z.object({ name }),
  'wildcard.endless': z.object({ name }),
  /** `circle`: the names through which it leads back to itself. */
  'wildcard.circle': z.object({ name, circle: z.string() }),
  'wildcard.unreadable': z.object({ file: z.string(), detail: z.string() }),
  'wildcard.tooLarge': z.object({ file: z.string(), most: z.number() }),
  'wildcard.tooMany': z.object({ folder: z.string(), most: z.number() }),
  'wildcard.refused': z.object({ file: z.string(), error: z.object({ code: z.string(), data: z.record(z.string(), z.any()) }) }),
} as const;

type NoticeCode = keyof typeof noticeCodes;
export type Notice = { [C in NoticeCode]: { code: C; data: z.output<(typeof noticeCodes)[C]> } }[NoticeCode];
const options = Object.entries(noticeCodes).map(([code, data]) => z.object({ code: z.literal(code), data }));
export const Notice = z.union(options) as unknown as z.ZodType<Notice, Notice>;
