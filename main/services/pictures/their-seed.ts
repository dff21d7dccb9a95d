// Seeds as programs write them, to the seed that gives the noise here that it gave there.
import { seedOf, type Seed } from '../../../preload/contract/seed';
import type { PictureSource } from '../../../preload/contract/vocabulary';

/** Those that take only so many seeds and begin again behind them; torch takes 64 bits, and its CPU generator looks at 32 of them. */
const counts: Partial<Record<PictureSource, bigint>> = { invokeai: 2n ** 32n };

/** Negative ones as torch reads them: 2⁶⁴ lower. What is beyond 64 bits, or no whole number, stays as it is, and is none here. */
export function theirSeed(written: number | string, source: PictureSource): Seed {
  if (!/^-?\d{1,30}$/.test(String(written))) return written;
  const whole = BigInt(written), count = counts[source];
  if (count !== undefined && whole >= 0n) return seedOf(whole % count);
  return whole < -(2n ** 63n) || whole >= 2n ** 64n ? written : seedOf(whole);
}
