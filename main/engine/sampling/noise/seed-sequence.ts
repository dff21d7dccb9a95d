// numpy's SeedSequence: hashes a seed and the path to a node into fresh 32-bit seeds. torchsde seeds the nodes of its Brownian trees with it.

const hashStart = { pool: 0x43b0d7e5, state: 0x8b51f9dd } as const;
const hashFactor = { pool: 0x931e8875, state: 0x58f38ded } as const;

/**
 * `numpy.random.SeedSequence(entropy, spawn_key=spawnKey, pool_size=poolSize).generate_state(n)`, after O'Neill's seed_seq_fe
 * (2015). Entropy and keys are whole numbers up to 2⁶⁴, each read as as many 32-bit words as it needs, low word first.
 */
export function seedSequence(entropy: number | bigint, spawnKey: readonly number[], poolSize: number, n: number): Uint32Array {
  const words = wordsOf(entropy);
  // Zeros keep a short seed with a key apart from a longer seed; since numpy 1.19, and only where there is a key.
  if (spawnKey.length > 0) while (words.length < poolSize) words.push(0);
  words.push(...spawnKey.flatMap(wordsOf));

  const pool = mixed(words, poolSize);
  const hash = hasher('state');
  return Uint32Array.from({ length: n }, (_, i) => hash(pool[i % poolSize]!));
}

const wordsOf = (value: number | bigint): number[] => (value < 2 ** 32 ? [Number(value)] : [Number(BigInt.asUintN(32, BigInt(value))), Number(BigInt(value) >> 32n)]);

function mixed(words: readonly number[], poolSize: number): Uint32Array {
  const hash = hasher('pool');
  const pool = Uint32Array.from({ length: poolSize }, (_, i) => hash(words[i] ?? 0));
  for (let from = 0; from < poolSize; from++) {
    for (let to = 0; to < poolSize; to++) if (to !== from) pool[to] = mix(pool[to]!, hash(pool[from]!));
  }
  for (const word of words.slice(poolSize)) {
    for (let to = 0; to < poolSize; to++) pool[to] = mix(pool[to]!, hash(word));
  }
  return pool;
}

/** Each call hashes with the next constant. */
function hasher(stage: keyof typeof hashStart): (value: number) => number {
  let constant: number = hashStart[stage];
  return (value) => {
    const open = value ^ constant;
    constant = Math.imul(constant, hashFactor[stage]);
    return fold(Math.imul(open, constant));
  };
}

const mix = (x: number, y: number): number => fold(Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y));
const fold = (value: number): number => ((value | 0) ^ (value >>> 16)) >>> 0;
