// Words for what is said as data: errors, problems of a file, notices. They are in resources/locales, in every language; here is how values
// become part of a sentence. The window and the terminal each bring their own i18next.
import type { i18n, TFunction } from 'i18next';
import type { ErrorInfo } from '../contract/errors';
import type { Notice } from '../contract/notice';
import type { Problem } from '../contract/problems';

/** `hint`: what to do next. */
export interface Words { readonly message: string; readonly hint: string }
interface Said { readonly code: string; readonly data: object }

export const errorWords = (t: TFunction, { code, data }: ErrorInfo): Words => ({ message: say(t, `errors.${code}.message`, data), hint: say(t, `errors.${code}.hint`, data) });
export const problemWords = (t: TFunction, { code, data }: Problem): string => say(t, `problems.${code}`, data);
export const noticeWords = (t: TFunction, { code, data }: Notice): string => say(t, `notices.${code}`, data);

/** `why` chooses among the words of one code, where the language has them apart. */
function say(t: TFunction, key: string, data: object): string {
  const { why, ...values } = data as { why?: string };
  return (t as (key: string, options: object) => string)(key, { ...values, ...(why !== undefined && { context: why }) });
}

/** The formats that words name, as in `{{file, name}}`. */
export function addFormats({ services: { formatter }, t }: Pick<i18n, 'services' | 't'>): void {
  const formats: Record<string, (value: never, language: string) => string> = {
    name: baseName,
    names: (paths: string[], language) => list(paths.map(baseName), language),
    list,
    lines: (values: string[]) => values.join('; '),
    dims: (sizes: number[]) => `[${sizes.join(', ')}]`,
    shapes: (all: number[][], language) => list(all.map((sizes) => `[${sizes.join(', ')}]`), language),
    size: byteSize,
    part: (part: string) => term(t, 'parts', part),
    parts: (parts: string[], language) => list(parts.map((part) => term(t, 'parts', part)), language),
    picture: (name: string) => name || (t as (key: string) => string)('terms.picture'),
    type: (type: string) => term(t, 'types', type),
    slot: (slot: string) => term(t, 'slots', slot),
    kind: (kind: string) => term(t, 'kinds', kind),
    form: (id: string) => term(t, 'forms', id),
    stranger: (id: string) => term(t, 'strangers', id),
    problem: (problem: Problem) => problemWords(t, problem),
    error: (error: Said) => errorWords(t, error as ErrorInfo).message,
    hint: (error: Said) => errorWords(t, error as ErrorInfo).hint,
    sentence: (text: string) => text.replace(/[.:\s]+$/, ''),
  };
  for (const [name, format] of Object.entries(formats)) formatter?.add(name, (value, language) => format(value as never, language ?? 'en'));
}

const term = (t: TFunction, group: string, name: string): string => (t as (key: string, options: object) => string)(`terms.${group}.${name}`, { defaultValue: name });
const list = (values: string[], language: string): string => new Intl.ListFormat(language, { type: 'conjunction' }).format(values);
/** Of a path of any system. */
const baseName = (path: string): string => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;

function byteSize(bytes: number, language: string): string {
  const [divisor, unit] = bytes < 1e6 ? [1e3, 'kilobyte'] : bytes < 1e9 ? [1e6, 'megabyte'] : [1e9, 'gigabyte'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, maximumFractionDigits: bytes < 1e6 ? 0 : 1 }).format(bytes / divisor);
}
