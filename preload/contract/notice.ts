// What a job did without and the person should know: never an error, since the picture is made all the same.
import { z } from 'zod';

export const Notice = z.object({
  code: z.enum(['embedding.missing', 'embedding.unfit', 'embedding.unreadable', 'network.unsupported', 'wildcard.missing', 'wildcard.tooLong', 'wildcard.unreadable']),
  /** One sentence that names the thing and says what was done instead. */
  message: z.string(),
});
export type Notice = z.infer<typeof Notice>;
