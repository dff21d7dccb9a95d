// The one error class. `code` is from the contract's closed union; `hint` says what to do next; the cause is kept.
import type { ErrorCode, ErrorInfo } from '../../preload/contract/errors';

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, options: { message: string; hint?: string; data?: Record<string, unknown>; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.data = options.data;
  }

  /** The error as plain data, to cross a process or a wire. */
  toInfo(): ErrorInfo {
    return { code: this.code, message: this.message, hint: this.hint, data: this.data };
  }

  static fromInfo(info: ErrorInfo): AppError {
    return new AppError(info.code, info);
  }
}

/** Wraps whatever was thrown. An AppError stays as it is; anything else becomes `internal` with its message kept. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError('internal', { message, hint: 'This is a fault of Atelier. Please report it with the text above.', cause: error });
}
