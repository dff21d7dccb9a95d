// The one error class: a code of the contract's closed union with its values, and the cause. It has no sentences; its words are the reader's to find.
import type { ErrorCode, ErrorData, ErrorInfo } from '../../preload/contract/errors';

type Arguments = { [C in ErrorCode]: [code: C, data: ErrorData[C], options?: { cause?: unknown }] }[ErrorCode];

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly data: ErrorInfo['data'];

  constructor(...[code, data, options]: Arguments) {
    super(`${code} ${JSON.stringify(data)}`, options);      // for stack traces; nobody is shown it
    this.name = 'AppError';
    this.code = code;
    this.data = data;
  }

  /** As plain data, to cross a process or a wire. */
  get info(): ErrorInfo { return { code: this.code, data: this.data } as ErrorInfo; }

  static fromInfo({ code, data }: ErrorInfo): AppError {
    return new AppError(...[code, data] as Arguments);
  }
}

/** Wraps whatever was thrown. An AppError stays as it is; anything else becomes `internal` with its message kept. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', { detail: detailOf(error) }, { cause: error });
}

/** What a system or a library said of itself. */
export const detailOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
