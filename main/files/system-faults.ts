// What the system says when it does not open or read a file, or start a process, though nothing is wrong with what was asked: the machine has no more
// of something, or a drive does not answer. It passes, so that whoever can waits and tries again.
import { AppError } from '../engine/errors';
import type { ErrorCode } from '../../preload/contract/errors';

const lacks = { EMFILE: 'handles', ENFILE: 'allHandles', ENOMEM: 'memory', EAGAIN: 'processes' } as const;
/** EIO and ENXIO are a drive that was pulled out, the others one on the network; EBUSY is Windows' while a scanner looks at the file. */
const silent = ['EIO', 'EREMOTEIO', 'ENXIO', 'ENODEV', 'ESTALE', 'ENETDOWN', 'ENETUNREACH', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENOTCONN', 'ECONNRESET', 'ECONNABORTED', 'ETIMEDOUT', 'EBUSY'];

/** null for what will not pass: it is not there, may not be read, is a folder. `what`: the path of what was to be opened or started. */
export function systemFault(cause: unknown, what: string): AppError | null {
  if (cause instanceof AppError) return isPassing(cause.code) ? cause : null;
  const { code = '' } = (cause ?? {}) as NodeJS.ErrnoException;
  if (code in lacks) return new AppError('machine.exhausted', { why: lacks[code as keyof typeof lacks], what }, { cause });
  return silent.includes(code) ? new AppError('disk.silent', { what, detail: code }, { cause }) : null;
}

/** A fault that is no file's and no job's own, wherever it was met. */
export const isPassing = (code: ErrorCode | undefined): boolean => code === 'machine.exhausted' || code === 'disk.silent';

/** For what takes a failed look as an answer: throws where the answer is not known. */
export function throwIfPassing(cause: unknown, what: string): void {
  const fault = systemFault(cause, what);
  if (fault) throw fault;
}
