// Every error, problem and notice has words in every language: what happened, what to do next, and no value that its data lacks.
import { readFileSync, readdirSync } from 'node:fs';
import { createInstance } from 'i18next';
import { describe, expect, test } from 'vitest';
import { errorCodes, type ErrorSpec } from '../../../preload/contract/error-codes';
import { ErrorInfo, StoredError, statusOf, type ErrorCode } from '../../../preload/contract/errors';
import { noticeCodes } from '../../../preload/contract/notice';
import { problemCodes, type Problem } from '../../../preload/contract/problems';
import { addFormats, errorWords } from '../../../preload/words/words';

const folder = new URL('../../../resources/locales/', import.meta.url);
const languages = readdirSync(folder).filter((name) => name.endsWith('.json'));
type Words = { [key: string]: Words | string };

/** All words at or below a key: plural forms and those chosen by `why` beside the plain ones. */
function wordsAt(all: Words, key: string): Map<string, string> {
  const path = key.split('.'), last = path.pop()!;
  const group = path.reduce<Words | string | undefined>((at, part) => (typeof at === 'object' ? at[part] : undefined), all);
  const entries = typeof group === 'object' ? Object.entries(group) : [];
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string' && (entry[0] === last || entry[0].startsWith(`${last}_`))));
}

const plural = /_(?:zero|one|two|few|many|other)$/;
/** What is shown for this `why`, in all its plural forms. */
function chosen(words: Map<string, string>, name: string, why: string | undefined): string[] {
  const forms = [...words].map(([key, text]) => [key.replace(plural, ''), text] as const);
  const own = why === undefined ? [] : forms.filter(([key]) => key === `${name}_${why}`);
  return (own.length > 0 ? own : forms.filter(([key]) => key === name)).map(([, text]) => text);
}

const namesIn = (text: string): string[] => [...text.matchAll(/\{\{\s*(\w+)/g)].map(([, name]) => name!);
const formatsIn = (text: string): string[] => [...text.matchAll(/\{\{\s*\w+\s*,\s*(\w+)/g)].map(([, name]) => name!);

const isList = (values: ErrorSpec['values']): values is readonly string[] => Array.isArray(values);
interface ErrorCase { readonly code: string; readonly why: string | undefined; readonly values: readonly string[] }
const errorCases = Object.entries<ErrorSpec>(errorCodes).flatMap(([code, { values }]): ErrorCase[] =>
  isList(values) ? [{ code, why: undefined, values }] : Object.entries(values).map(([why, names]) => ({ code, why, values: names })));
const shapeOf = (schema: unknown): string[] => Object.keys((schema as { shape: object }).shape);

describe.each(languages)('%s', (file) => {
  const all = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Words;

  test.each(errorCases)('$code $why says what happened and what to do next', ({ code, why, values }) => {
    for (const name of ['message', 'hint']) {
      const texts = chosen(wordsAt(all, `errors.${code}.${name}`), name, why);
      expect(texts, `${name} of ${code} ${why ?? ''}`).not.toEqual([]);
      for (const text of texts) {
        expect(text.trim()).not.toBe('');
        expect(values, text).toEqual(expect.arrayContaining(namesIn(text)));
      }
    }
  });

  test.each([
    ...Object.entries(problemCodes).map(([code, schema]) => ['problems', code, shapeOf(schema)] as const),
    ...Object.entries(noticeCodes).map(([code, schema]) => ['notices', code, shapeOf(schema)] as const),
  ])('%s: %s has words', (group, code, values) => {
    const words = wordsAt(all, `${group}.${code}`);
    expect(words.size).toBeGreaterThan(0);
    for (const text of words.values()) expect(values, text).toEqual(expect.arrayContaining(namesIn(text)));
  });

  test('no words of an error that is not there, and no format that is not known', () => {
    const known = new Set(Object.keys(errorCodes)), errors = all['errors'] as Words;
    const codes = Object.entries(errors).flatMap(([group, entry]) => (typeof entry === 'object' && Object.values(entry).every((value) => typeof value === 'object')
      ? Object.keys(entry).map((name) => `${group}.${name}`) : [group]));
    expect(codes.filter((code) => !known.has(code))).toEqual([]);
    const formats = new Set<string>();
    addFormats({ services: { formatter: { add: (name: string) => void formats.add(name) } }, t: () => '' } as never);
    expect(formatsIn(JSON.stringify(all)).filter((name) => !formats.has(name))).toEqual([]);
  });
});

describe('words', () => {
  const i18n = createInstance();
  test('values stand in the sentence in the forms of the language', async () => {
    await i18n.init({ lng: 'en', resources: { en: { translation: JSON.parse(readFileSync(new URL('en.json', folder), 'utf8')) as Words } }, interpolation: { escapeValue: false } });
    addFormats(i18n);
    const say = (error: ErrorInfo): string => errorWords(i18n.t, error).message;
    expect(say({ code: 'file.notFound', data: { why: 'gone', file: '/home/anna/models/a.safetensors' } })).toBe('a.safetensors is not there');
    expect(say({ code: 'file.notFound', data: { why: 'gone', file: 'C:\\models\\b.ckpt' } })).toBe('b.ckpt is not there');
    expect(say({ code: 'file.notFound', data: { why: 'named', file: '/nowhere/models' } })).toBe('/nowhere/models is not there');
    expect(say({ code: 'weights.shapeMismatch', data: { file: '/m/a.safetensors', key: 'w', got: [1, 2], want: [2, 1] } })).toBe('a.safetensors: w is [1, 2], expected [2, 1]');
    expect(say({ code: 'model.lacks', data: { file: '/m/u.safetensors', parts: ['vae', 'text-encoder'] } })).toBe('u.safetensors has no VAE and text encoder inside');
    expect(say({ code: 'disk.full', data: { why: 'known', folder: '/d', what: 'a.png', neededBytes: 1_500_000, freeBytes: 12_000 } })).toBe('No space left in /d: a.png needs 1.5 MB, and 12 kB are free');
    const problem: Problem = { code: 'tensor.missing', data: { key: 'w', shape: [4] } };
    expect(say({ code: 'model.incomplete', data: { file: 'a', family: 'SDXL', problem, count: 1 } })).toBe('a is not a complete SDXL checkpoint: w [4] is missing');
    expect(say({ code: 'model.incomplete', data: { file: 'a', family: 'SDXL', problem, count: 3 } })).toBe('a is not a complete SDXL checkpoint. It has 3 faults; the first: w [4] is missing');
    expect(say({ code: 'picture.unrecorded', data: { error: { code: 'file.notFound', data: { why: 'gone', file: 'x' } } } })).toBe('x is not there');
  });
});

test('an error crosses as data, and what is none of ours is refused', () => {
  const error: ErrorInfo = { code: 'weights.badOffsets', data: { why: 'overlap', file: 'a', key: 'x', other: 'y' } };
  expect(ErrorInfo.parse(JSON.parse(JSON.stringify(error)))).toEqual(error);
  expect(ErrorInfo.safeParse({ code: 'weights.badOffsets', data: { why: 'overlap', file: 'a' } }).success).toBe(false);
  expect(ErrorInfo.safeParse({ code: 'no.such', data: {} }).success).toBe(false);
});

test('an error that an earlier version kept with its sentences is shown as they were', () => {
  const kept = { code: 'worker.died', message: 'The worker died', hint: 'Try again.', data: { signal: 'SIGKILL' } };
  expect(StoredError.parse(kept)).toEqual({ code: 'job.earlier', data: { message: 'The worker died', hint: 'Try again.' } });
});

test('statuses are those of refusals, or of faults of this machine', () => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) expect([400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 431, 500, 503, 507]).toContain(statusOf(code));
});
