// What can go wrong, as data: a code of a closed union, and the values that its words name. Errors cross processes in this form, since a thrown
// error keeps only its message; whoever shows one finds the words in the chosen language (preload/words).
import { z } from 'zod';
import { errorCodes } from './error-codes';

export type ErrorCode = keyof typeof errorCodes;
/** The values of each code. */
export type ErrorData = { [C in ErrorCode]: z.output<(typeof errorCodes)[C]['data']> };
export type ErrorInfo = { [C in ErrorCode]: { code: C; data: ErrorData[C] } }[ErrorCode];

const options = Object.entries(errorCodes).map(([code, { data }]) => z.object({ code: z.literal(code), data }));
export const ErrorInfo = z.discriminatedUnion('code', options as [typeof options[0]]) as unknown as z.ZodType<ErrorInfo, ErrorInfo>;

/** An error as any version kept it: the first had its sentences in it. */
export const StoredError = z.preprocess((stored) => {
  const { message, hint = '' } = (stored ?? {}) as Record<string, unknown>;
  return typeof message === 'string' ? { code: 'job.earlier', data: { message, hint: String(hint) } } : stored;
}, ErrorInfo);

/** The HTTP status that answers with it. */
export const statusOf = (code: ErrorCode): number => errorCodes[code].status;
