// Records that this Atelier cannot read. They stay as they are, for one that can, and are shown as what they are.
import { z } from 'zod';

const WhyUnreadable = z.discriminatedUnion('kind', [
  /** A newer Atelier wrote it: jobs of this version. */
  z.object({ kind: z.literal('newer'), version: z.number() }),
  /** `field`: where it was first not understood, e.g. 'job.sampler'. */
  z.object({ kind: z.literal('damaged'), field: z.string() }),
]);
export type WhyUnreadable = z.infer<typeof WhyUnreadable>;

export const UnreadableRecord = z.object({ id: z.string(), createdAt: z.number(), why: WhyUnreadable });
export type UnreadableRecord = z.infer<typeof UnreadableRecord>;
