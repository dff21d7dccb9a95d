// What may stand in the log, and so in a report: numbers, and of texts those that are named here, each in a form in which it tells nothing private.
// Everything else stays out: prompts, messages of libraries and the system (which quote what they could not read), and where files lie.
import { constants } from 'node:os';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { AppError } from '../../engine/errors';
import { framesOf } from '../../engine/traces';
import { lastSaid } from '../workers/last-words';

export type Fact = string | number | boolean | null | readonly Fact[] | { readonly [name: string]: Fact };
type Kind = (value: unknown) => Fact | undefined;

const MOST_ITEMS = 16, MOST_CAUSES = 4, MOST_NAME = 120;

const matching = (pattern: RegExp): Kind => (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined);
const listOf = (kind: Kind): Kind => (values) => (Array.isArray(values) ? values.slice(0, MOST_ITEMS).flatMap((value) => kind(value) ?? []) : undefined);

/** Also those in lists, such as shapes. */
const number: Kind = (value) => {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'boolean' || value === null) return value;
  const numbers = Array.isArray(value) ? listOf(number)(value) as readonly Fact[] : [];
  return numbers.length > 0 ? numbers : undefined;
};
/** Of a vocabulary of ours, or of a library's. */
const word = matching(/^[\w.:+-]{1,64}$/);
const id = matching(/^[0-9a-f-]{1,64}$/i);
/** Of a tensor, a layer, a request's field. */
const key = matching(/^[\w.:/[\]-]{1,160}$/);
/** The system's own word, such as ENOSPC, of a sentence that goes on with a path. */
const errno: Kind = (value) => {
  const [code = ''] = typeof value === 'string' ? /^[A-Z][A-Z0-9_]{2,40}(?=$|: )/.exec(value) ?? [] : [];
  return code in constants.errno || /^(?:ERR|SQLITE)_/.test(code) ? code : undefined;
};
const withheld: Kind = () => undefined;

/** A file's name without its folder, where it is of a kind that is looked into. Pictures are named after their prompts, folders after anything. */
const fileName: Kind = (value) => {
  if (typeof value !== 'string') return undefined;
  const name = value.split(/[\\/]/).filter(Boolean).at(-1) ?? '', ending = /\.(\w{1,12})$/.exec(name)?.[1]!.toLowerCase() ?? '';
  if (/^(?:safetensors|sft|ckpt|pth?|bin|gguf|onnx|json|ya?ml|csv|txt|db|jsonl|lock)$/.test(ending)) return withoutControls(name).slice(-MOST_NAME);
  if (ours.test(name)) return name;
  return /^(?:png|jpe?g|webp|avif|gif|tiff?|bmp)$/.test(ending) ? `*.${ending}` : '*';
};
/** What lies in the data folder, and goes by its name there. */
const ours = /^(?:models|pictures|thumbnails|blobs|trash|steps|sessions|logs|wildcards|styles|embeddings|server-secret|\d{2,4}|[0-9a-f]{64})$/;
const withoutControls = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '');

/** Every text that a line or an error's values may have, by its name. Numbers need no entry. */
export const kinds = {
  // a line's own
  time: matching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), level: word, process: word, event: word, job: id, batch: id,
  state: word, reason: word, form: word, sampler: word, schedule: word, kind: word, procedure: word, command: word,
  platform: word, arch: word, node: word, version: word, electron: word,
  error: (value) => (isInfo(value) ? infoFacts(value) : errorFacts(value)), cause: (value) => errorFacts(value), about: (value) => infoFacts(value), said: (value) => lastWordsOf(value),
  errors: listOf((value) => errorFacts(value)), name: matching(/^[A-Z]\w{0,40}$/), code: (value) => word(value) ?? number(value), syscall: word,
  frames: listOf(matching(/^(?:[\w$.<>#[\] ]{1,80} )?[\w.@/:+-]{1,160}:\d+:\d+$/)), phrases: listOf(word), data: (value) => dataFacts(value),
  // values of errors
  why: word, signal: word, task: word, dtype: word, family: word, network: word, operation: word, part: word, parts: (value) => word(value) ?? listOf(word)(value), slot: word, want: (value) => word(value) ?? number(value),
  key, wanted: key, other: key, storage: key, entry: key, layer: key, global: key, field: key, id, hash: id,
  file: fileName, tower: fileName, from: fileName, files: listOf(fileName), folder: fileName, what: fileName, kept: matching(/^[\w-]{1,40}\.(?:damaged|version)-[\w-]{1,40}(?:\.\w{1,10})?$/), problem: (value) => infoFacts(value),
  detail: errno, stderr: (value) => lastWordsOf(value),
  names: withheld, lora: withheld, control: withheld, made: word, roots: withheld, model: withheld, refiner: withheld, xl: withheld, value: withheld, word: withheld, meant: withheld, message: withheld, hint: withheld, host: withheld, origin: withheld,
  flag: withheld, base: withheld, example: withheld, positional: withheld, prefix: withheld,
} satisfies Readonly<Record<string, Kind>>;

/** What a line says: all but numbers must have one of the known names. */
export type Facts<F> = { readonly [N in keyof F]: N extends keyof typeof kinds ? F[N] : F[N] & (number | boolean | null | undefined) };

/** Of what is given, what may be said: a text of no known name is left out. What was said already stays as it is. */
export function factsOf(given: Readonly<Record<string, unknown>>): Record<string, Fact> {
  const facts: Record<string, Fact> = {};
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const fact = Object.hasOwn(kinds, name) ? kinds[name as keyof typeof kinds](value) ?? number(value) : word(name) && number(value);
    if (fact !== undefined) facts[name] = fact;
  }
  return facts;
}

const dataFacts = (data: unknown): Fact | undefined => (isRecord(data) ? factsOf(data) : undefined);

/** An error as data: its code, and its values as far as they may be said. */
function infoFacts(info: unknown): Fact | undefined {
  if (!isInfo(info)) return undefined;
  const data = factsOf({ ...info.data });
  return { code: String(word(info.code) ?? ''), ...(Object.keys(data).length > 0 && { data }) };
}

/** Whatever was thrown: what it is and where it came from, not what it says. */
function errorFacts(error: unknown, depth = 0): Fact {
  if (!(error instanceof Error)) return isRecord(error) && 'name' in error ? factsOf(error) : { name: 'Thrown', kind: typeof error };
  const { name, code, syscall, stack, message, cause, errors } = error as Error & { code?: unknown; syscall?: unknown; errors?: unknown };
  const frames = framesOf(stack ?? '', message);
  return {
    ...factsOf({ name, ...(error instanceof AppError ? { about: error.info } : { code, syscall }) }),
    ...(frames.length > 0 && { frames }),
    ...(cause !== undefined && depth < MOST_CAUSES && { cause: errorFacts(cause, depth + 1) }),
    ...(Array.isArray(errors) && depth < MOST_CAUSES && { errors: errors.slice(0, MOST_CAUSES).map((one) => errorFacts(one, depth + 1)) }),
  };
}

const lastWordsOf = (said: unknown): Fact | undefined => (typeof said === 'string' ? { ...lastSaid(said) } : isRecord(said) ? factsOf(said) : undefined);
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isInfo = (value: unknown): value is ErrorInfo => isRecord(value) && !(value instanceof Error) && typeof value.code === 'string' && isRecord(value.data);
