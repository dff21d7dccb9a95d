// Byte-pair encoding: joins the symbols of a word, the most frequent pair of the training text first. Sennrich et al. 2016 (arXiv:1508.07909).

/** From a pair of symbols to what they join to. Numbers grow with rank, so the smallest is the pair to join next. */
export type Joins = ReadonlyMap<number, number>;

/** Symbols are ids below 65,536. */
export const pairKey = (left: number, right: number): number => left * 65536 + right;

const none = 0x7fffffff;

/** Joins until no pair is known. `symbols` is overwritten. */
export function joinPairs(symbols: Int32Array, joins: Joins): Int32Array {
  let length = symbols.length;
  const joined = new Int32Array(length).fill(none);          // what symbol i and its right neighbour join to
  const join = (i: number): number => (i + 1 < length ? joins.get(pairKey(symbols[i]!, symbols[i + 1]!)) ?? none : none);
  for (let i = 0; i < length; i++) joined[i] = join(i);
  for (;;) {
    let best = none;
    for (let i = 0; i < length; i++) if (joined[i]! < best) best = joined[i]!;
    if (best === none) return symbols.subarray(0, length);

    // All its occurrences from left to right, closing the gaps on the way.
    let to = 0;
    for (let from = 0; from < length; to++) {
      const hit = joined[from] === best;
      symbols[to] = hit ? best : symbols[from]!;
      joined[to] = hit ? -1 : joined[from]!;
      from += hit ? 2 : 1;
    }
    length = to;
    for (let i = 0; i < length; i++) {
      if (joined[i] !== -1) continue;
      joined[i] = join(i);
      if (i > 0 && joined[i - 1] !== -1) joined[i - 1] = join(i - 1);
    }
  }
}
