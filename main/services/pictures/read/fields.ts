// The fields of a text, taken one by one: what nobody could use is left, and is kept with the job.
import { isObject, type JsonObject } from './json';

/** Understands a value, or gives undefined. */
export type Parse<T> = (value: unknown) => T | undefined;

/** One word however it is spelled: 'CFG Scale', 'cfg_scale' and 'cfgScale' are one. */
const fold = (key: string): string => key.toLowerCase().replace(/[\s_-]/g, '');

export class Fields {
  private readonly left: Map<string, unknown>;
  /** The first key of each word. */
  private readonly spellings = new Map<string, string>();

  constructor(entries: Iterable<readonly [string, unknown]>) {
    this.left = new Map(entries);
    for (const key of this.left.keys()) if (!this.spellings.has(fold(key))) this.spellings.set(fold(key), key);
  }

  static of(object: JsonObject): Fields { return new Fields(Object.entries(object)); }

  /** The first of the keys, in this or another spelling, with a value that `parse` understands; it is not left then. */
  take<T>(parse: Parse<T>, ...keys: string[]): T | undefined {
    for (const key of keys) {
      const value = this.peek(parse, key);
      if (value === undefined) continue;
      this.left.delete(this.spellingOf(key));
      return value;
    }
    return undefined;
  }

  /** The same, and the value stays among what is left: for what our job can only say in part. */
  peek<T>(parse: Parse<T>, key: string): T | undefined {
    const value = this.left.get(this.spellingOf(key));
    return value === undefined ? undefined : parse(value);
  }

  private spellingOf(key: string): string { return this.left.has(key) ? key : this.spellings.get(fold(key)) ?? key; }

  keep(key: string, value: unknown): void { this.left.set(key, value); }
  keys(): string[] { return [...this.left.keys()]; }
  rest(): Record<string, unknown> { return Object.fromEntries(this.left); }
}

/** Numbers may come as text. */
export const asNumber: Parse<number> = (value) => {
  const number = typeof value === 'string' && /^\s*[+-]?(?:\d{1,30}(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?\s*$/i.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};

export const asInteger: Parse<number> = (value) => {
  const number = asNumber(value);
  return number !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
};

/** A number where it is exact, else its digits. -1 asks for any; other negative ones are as torch takes them. */
export const asSeed: Parse<number | string> = (value) => {
  const digits = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (!/^-?\d{1,30}$/.test(digits) || digits === '-1') return undefined;
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
};

export const asText: Parse<string> = (value) => (typeof value === 'string' ? value : undefined);
export const asWords: Parse<string> = (value) => (typeof value === 'string' && value.trim() !== '' ? value : undefined);
export const asObject: Parse<JsonObject> = (value) => (isObject(value) ? value : undefined);
export const asList: Parse<readonly unknown[]> = (value) => (Array.isArray(value) ? value : undefined);

/** '512x768' or '(512, 768)'. */
export const asSize: Parse<{ width: number; height: number }> = (value) => {
  const [, width, height] = (typeof value === 'string' && /^\(?\s{0,9}(\d{1,6})\s{0,9}[xX×,*]\s{0,9}(\d{1,6})\s{0,9}\)?$/.exec(value)) || [];
  return width && height ? { width: Number(width), height: Number(height) } : undefined;
};

/** Without the fields that are undefined, so that a job says only what its text says. */
export function compact<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
