// What a process that ended said of it: for a person, in one line, the error and not the traces and versions that Node prints around it; for the log,
// nothing in its own words, which may be anybody's.
import { framesOf } from '../../engine/traces';

/** Of what it wrote to stderr; '' where it said nothing. */
export function lastWords(stderr: string): string {
  const lines = stderr.trim().split('\n').map((line) => line.trim());
  return lines.findLast((line) => /^(?:Uncaught )?\w*Error\b/.test(line)) ?? lines.at(-1) ?? '';
}

/** What processes are known to say as they die, each under a word of its own. */
const phrases: readonly (readonly [word: string, sign: RegExp])[] = [
  ['heap-out-of-memory', /heap out of memory/i], ['bad_alloc', /bad_alloc/], ['cannot-allocate', /cannot allocate memory|failed to allocate/i], ['heap-corrupted', /double free|corrupted (?:size|top|double|unsorted)|free\(\): invalid/],
  ['segmentation-fault', /segmentation fault/i], ['illegal-instruction', /illegal instruction/i], ['stack-smashing', /stack smashing/], ['assertion', /\bassertion\b.*\bfailed\b/i],
  ['terminate', /terminate called/], ['library-missing', /cannot open shared object file|ERR_DLOPEN_FAILED/], ['library-version', /version [`']?GLIBC(?:XX)?_/], ['symbol-missing', /undefined symbol|symbol lookup error/],
  ['module-missing', /ERR_MODULE_NOT_FOUND|Cannot find (?:module|package)/], ['no-space', /ENOSPC|no space left/i], ['onnxruntime', /onnxruntime/i],
];
interface LastSaid { readonly name?: string; readonly phrases?: readonly string[]; readonly frames?: readonly string[] }

const errorNames = /^(?:Uncaught )?((?:Aggregate|Range|Reference|Syntax|Type|Eval|URI|App|System|Zod)?Error)\b/m;

/** Of what it wrote to stderr: the kind of error, the phrases that are known, the frames. */
export function lastSaid(stderr: string): LastSaid {
  const name = errorNames.exec(stderr)?.[1];
  const frames = framesOf(stderr), known = phrases.filter(([, sign]) => sign.test(stderr)).map(([word]) => word);
  return { ...(name && { name }), ...(known.length > 0 && { phrases: known }), ...(frames.length > 0 && { frames }) };
}
