// How the readers of pickled checkpoints say what is wrong: one AppError that names the file, with the file's path in its data.
import type { ErrorCode } from '../../../../preload/contract/errors';
import { AppError } from '../../errors';
import { baseName } from '../safetensors';

export type Fail = (code: ErrorCode, what: string, hint: string, data?: Record<string, unknown>) => AppError;

export const failOf = (path: string): Fail => (code, what, hint, data) =>
  new AppError(code, { message: `${baseName(path)} ${what}`, hint, data: { file: path, ...data } });

export const damaged = 'The file is damaged or made to mislead. Download it again from its page, or get the .safetensors version.';
export const incomplete = 'The download may be incomplete. Download the file again and compare its size with the one on its page.';
const untrusted = 'Get the .safetensors version of this model. Be careful with this file: in other programs, opening it may run code.';

/** `name` is `module.function` as the file spells it. Nothing of it was looked up, imported or called. */
export function forbidden(fail: Fail, name: string): AppError {
  const shown = printable(name);
  return fail('weights.forbiddenGlobal', `asks for ${shown}, which no model needs. Atelier did not run it or any other code of the file`, untrusted, { global: shown });
}

/** Text of the file, short and without control characters, so that a message cannot be made to mislead. */
export function printable(text: string): string {
  const clean = text.slice(0, 120).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
  return text.length > 120 ? `${clean}…` : clean;
}
