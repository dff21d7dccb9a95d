// What a window tells the studio's log, and asks of it.
import { z } from 'zod';
import { ErrorInfo } from './errors';

/** What goes wrong in the window itself. */
export const WindowFault = z.object({
  /** Whether it was thrown while drawing, elsewhere, or by a promise that nobody heard. */
  kind: z.enum(['render', 'error', 'rejection']),
  name: z.string().max(100),
  /** Without the message that it begins with. */
  stack: z.string().max(10_000),
});
export type WindowFault = z.infer<typeof WindowFault>;

/** What a report is about: an error that is shown, and its job; nothing in particular where both are null. */
export const ReportRequest = z.object({ error: ErrorInfo.nullable(), job: z.string().max(100).nullable() });
export type ReportRequest = z.infer<typeof ReportRequest>;
