// The fields of a text, taken one by one: what nobody could use is left, and is kept with the job.
import { isObject, type JsonObject } from './json';

/** Understands a value, or gives undefined. */
export type Parse<T> = (value: unknown) => T | undefined;

export class Fields {
  private readonly left: Map<string, unknown>;

  constructor(entries: Iterable<readonly [string, unknown]>) { this.left = new Map(entries); }

  static of(object: JsonObject): Fields { return new Fields(Object.entries(object)); }

  /** The first of the keys with a value that `parse` understands; it is not left then. */
  take<T>(parse: Parse<T>, ...keys: string[]): T | undefined {
    for (const key of keys) {
      const value = this.peek(parse, key);
      if (value === undefined) continue;
      this.left.delete(key);
      return value;
    }
    return undefined;
  }

  /** The same, and the value stays among what is left: for what our job can only say in part. */
  peek<T>(parse: Parse<T>, key: string): T | undefined {
    const value = this.left.get(key);
    return value === undefined ? undefined : parse(value);
  }

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

/** A number where it is exact, else its digits. */
export const asSeed: Parse<number | string> = (value) => {
  const digits = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : '';
  if (!/^\d{1,30}$/.test(digits)) return undefined;
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : digits;
};

export const asText: Parse<string> = (value) => (typeof value === 'string' ? value : undefined);
export const asWords: Parse<string> = (value) => (typeof value === 'string' && value.trim() !== '' ? value : undefined);
export const asObject: Parse<JsonObject> = (value) => (isObject(value) ? value : undefined);
export const asList: Parse<readonly unknown[]> = (value) => (Array.isArray(value) ? value : undefined);

/** '512x768' or '(512, 768)'. */
export const asSize: Parse<{ width: number; height: number }> = (value) => {
  const [, width, height] = (typeof value === 'string' && /^\(?\s*(\d{1,6})\s*[x×,]\s*(\d{1,6})\s*\)?$/.exec(value)) || [];
  return width && height ? { width: Number(width), height: Number(height) } : undefined;
};

/** Without the fields that are undefined, so that a job says only what its text says. */
export function compact<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
