// How the readers of weight files say what is wrong: an error of the contract that names the file.
import type { ErrorCode, ErrorData, ErrorInfo } from '../../../preload/contract/errors';
import { AppError } from '../errors';

/** The values of a code without the file that has the fault. */
type Rest<C extends ErrorCode> = ErrorData[C] extends infer D ? D extends { file: string } ? Omit<D, 'file'> : never : never;
type FileCode = { [C in ErrorCode]: ErrorData[C] extends { file: string } ? C : never }[ErrorCode];
export type Fail = <C extends FileCode>(code: C, data: Rest<C>) => AppError;

export const failOf = (path: string): Fail => (code, data) => AppError.fromInfo({ code, data: { file: path, ...data as object } } as ErrorInfo);

/** `name` is `module.function` as the file spells it. Nothing of it was looked up, imported or called. */
export const forbidden = (fail: Fail, name: string): AppError => fail('weights.forbiddenGlobal', { global: printable(name) });

/** Text of the file, short and without control characters, so that a message cannot be made to mislead. */
export function printable(text: string): string {
  const clean = text.slice(0, 120).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
  return text.length > 120 ? `${clean}…` : clean;
}
