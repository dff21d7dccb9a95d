// The words that a person gets for an error, as tests read them.
import type { ErrorInfo } from '../../preload/contract/errors';
import { AppError } from '../../main/engine/errors';
import { wordsOf } from '../../main/words';

/** Of an error of ours or its data. Anything else is no error that a person is told. */
export function wordsFor(error: unknown): ErrorInfo & { message: string; hint: string } {
  const info = error instanceof AppError ? error.info : error as ErrorInfo;
  return { ...info, ...wordsOf(info) };
}

/** What a promise is refused with, in words. */
export async function refusalOf(promise: Promise<unknown>): Promise<ReturnType<typeof wordsFor>> {
  const error: unknown = await promise.then(() => { throw new Error('nothing was refused'); }, (thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw error;
  return wordsFor(error);
}
