// Byte-pair encoding: joins the symbols of a word, the most frequent pair of the training text first. Sennrich et al. 2016 (arXiv:1508.07909).

/** From a pair of symbols to what they join to. Numbers grow with rank, so the smallest is the pair to join next; a pair joins to more than its parts. */
export type Joins = ReadonlyMap<number, number>;

/** Symbols are ids below 65,536. */
export const pairKey = (left: number, right: number): number => left * 65536 + right;

const GONE = -1;
/** More than any word has symbols. */
const PLACES = 2 ** 32;

/** Joins until no pair is known; n·log n. `symbols` is overwritten. */
export function joinPairs(symbols: Int32Array, joins: Joins): Int32Array {
  const { length } = symbols;
  const next = Int32Array.from(symbols, (_, at) => at + 1), previous = Int32Array.from(symbols, (_, at) => at - 1);
  const joined = (at: number): number | undefined => (at < 0 || next[at]! >= length ? undefined : joins.get(pairKey(symbols[at]!, symbols[next[at]!]!)));
  const todo: number[] = [];                                 // a heap: the best pair first, of its places the leftmost
  const offer = (at: number): void => {
    const to = joined(at);
    if (to !== undefined) push(todo, to * PLACES + at);
  };
  for (let at = 0; at < length; at++) offer(at);
  for (let best = pop(todo); best !== undefined; best = pop(todo)) {
    const at = best % PLACES, to = Math.floor(best / PLACES);
    if (symbols[at] === GONE || joined(at) !== to) continue;      // one of the two has been joined with its other neighbour
    const right = next[at]!;
    symbols[at] = to;
    symbols[right] = GONE;
    next[at] = next[right]!;
    if (next[at] < length) previous[next[at]] = at;
    offer(previous[at]!);
    offer(at);
  }
  return symbols.filter((symbol) => symbol !== GONE);
}

function push(heap: number[], value: number): void {
  let at = heap.push(value) - 1;
  for (let parent = (at - 1) >> 1; at > 0 && heap[parent]! > value; parent = (at - 1) >> 1) {
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = value;
}

function pop(heap: number[]): number | undefined {
  const [least] = heap, value = heap.pop();
  if (heap.length === 0 || value === undefined) return least;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (heap[child + 1]! < heap[child]!) child++;
    if (heap[child]! >= value) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = value;
  return least;
}
