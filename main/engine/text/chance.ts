// The generator that decides in prompts. Our own, so that a template gives the same prompt on every machine and in every version; it has nothing to
// do with the noise of the picture.

import type { Seed } from '../../../preload/contract/seed';

/** sfc32 (Chris Doty-Humphrey, PractRand): shares in [0, 1), from the seed's 64 bits. */
export function seededShares(seed: Seed): () => number {
  const bits = BigInt(seed);
  let a = Number(BigInt.asUintN(32, bits)), b = Number(bits >> 32n), c = 0x70726f6d, counter = 1;
  const next = (): number => {
    const sum = (a + b + counter++) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) + sum >>> 0;
    return sum / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();                        // so that seeds in a row have nothing in common
  return next;
}
