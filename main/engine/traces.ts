// Stack traces without anybody's words: which functions, in which lines of which files.
import { AppError } from './errors';

/** `frames`: as `function file.js:line:column`, innermost first. */
export interface Trace { readonly name: string; readonly frames: readonly string[] }

const MOST_FRAMES = 16;

/** V8's `    at name (place:1:2)`, and Firefox's and Safari's `name@place:1:2`. */
const v8 = /^ +at (?:async )?(?:(.*?) \()?(?:file:\/\/|https?:\/\/|webpack:\/\/)?(\S.*?)(?:[?#][^:]*)?:(\d+):(\d+)\)?$/;
const gecko = /^([^@\s]*)@(?:file:\/\/|https?:\/\/)(\S+?)(?:[?#][^:]*)?:(\d+):(\d+)$/;

/** Of a fault of ours, which crosses to another process as a code that tells nothing of where it was. */
export function traceOf(error: unknown): Trace | undefined {
  const fault = error instanceof AppError && error.code === 'internal' ? error.cause : error;
  return fault instanceof Error && !(fault instanceof AppError) ? { name: fault.name, frames: framesOf(fault.stack ?? '', fault.message) } : undefined;
}

/** The frames of a stack. `message`: what it begins with, which is not looked at, since it can hold anything. */
export function framesOf(stack: string, message = ''): string[] {
  const at = message === '' ? -1 : stack.indexOf(message);
  const lines = (at < 0 ? stack : stack.slice(at + message.length)).split('\n');
  return lines.flatMap((line) => frameOf(line) ?? []).slice(0, MOST_FRAMES);
}

function frameOf(line: string): string | undefined {
  if (line.length > 1_000) return undefined;
  const [, name = '', place, row, column] = v8.exec(line) ?? gecko.exec(line) ?? [];
  if (place === undefined) return undefined;
  const file = fileOf(place);
  return file && `${/^[\w$.<>#[\] ]{1,80}$/.test(name) ? `${name} ` : ''}${file}:${row}:${column}`;
}

/** A package's name and the file's; of ours the file's alone. */
function fileOf(place: string): string | undefined {
  if (/^node:[\w/]{1,80}$/.test(place)) return place;
  const [, packageName] = /.*[\\/]node_modules[\\/]((?:@[\w.-]+[\\/])?[\w.-]+)[\\/]/.exec(place) ?? [];
  const name = /(?:^|[\\/])([\w.-]{1,80})$/.exec(place)?.[1];
  return name && (packageName ? `${packageName.replace('\\', '/')}/${name}` : name);
}
