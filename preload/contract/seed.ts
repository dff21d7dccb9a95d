// Seeds, of 64 bits as torch takes them. JSON's numbers end at 2⁵³: a larger seed is its decimal digits, as text. Nothing of zod here: the window counts with them.

/** A whole number from 0 to 2⁶⁴ − 1, in one form alone: a number up to 2⁵³ − 1, above it the digits. */
export type Seed = number | string;

const END = 2n ** 64n;

export const isSeed = (value: unknown): value is Seed =>
  (typeof value === 'number' ? Number.isSafeInteger(value) && value >= 0 : typeof value === 'string' && /^[1-9]\d{15,19}$/.test(value) && BigInt(value) > Number.MAX_SAFE_INTEGER && BigInt(value) < END);

/** The same 64 bits: what is beyond an end goes on at the other, as negative seeds do in torch. */
export function seedOf(whole: bigint): Seed {
  const bits = BigInt.asUintN(64, whole);
  return bits <= Number.MAX_SAFE_INTEGER ? Number(bits) : String(bits);
}

/** `by` seeds further on; behind the last comes 0. */
export const seedPlus = (seed: Seed, by: number): Seed => seedOf(BigInt(seed) + BigInt(by));

/** What somebody typed. null where it is no whole number from 0 to 2⁶⁴ − 1. */
export function parseSeed(text: string): Seed | null {
  const digits = text.trim();
  return /^\d{1,40}$/.test(digits) && BigInt(digits) < END ? seedOf(BigInt(digits)) : null;
}
