// Multipliers by block of the U-Net ("MBW", merge block weighted): BASE, IN00–IN11, M00, OUT00–OUT11. SDXL has nine blocks a side.
import { AppError } from '../../errors';

/** What a block that is not named gets is the merge's own multiplier. */
export type BlockMultipliers = Readonly<Record<string, number>>;

const sides = (count: number): string[] => {
  const numbers = Array.from({ length: count }, (_, i) => String(i).padStart(2, '0'));
  return [...numbers.map((n) => `IN${n}`), 'M00', ...numbers.map((n) => `OUT${n}`)];
};
/** By how many numbers are given: 25 blocks of SD 1 and SD 2, 19 of SDXL; with one more, BASE comes first. */
const lists: Readonly<Record<number, readonly string[]>> = { 25: sides(12), 26: ['BASE', ...sides(12)], 19: sides(9), 20: ['BASE', ...sides(9)] };
const names = new Set(lists[26]);

/** `{"IN00": 0.5, …}`, `[0.5, …]` or the bare numbers, with commas or spaces between them. Throws job.invalid. */
export function parseBlocks(text: string): BlockMultipliers {
  const value = /^\s*[[{]/.test(text) ? parseJson(text) : text.trim().split(/[\s,]+/).map(Number);
  const entries = Array.isArray(value) ? named(value) : Object.entries(value as Record<string, unknown>);
  for (const [name, multiplier] of entries) {
    if (!names.has(name)) throw wrong(`${name} is no block`, 'Blocks are BASE, IN00 to IN11, M00 and OUT00 to OUT11.');
    if (typeof multiplier !== 'number' || !Number.isFinite(multiplier)) throw wrong(`${name} has ${String(multiplier)}, which is no number`, 'Give a number to each block, usually from 0 to 1.');
  }
  return Object.fromEntries(entries) as BlockMultipliers;
}

function named(values: readonly unknown[]): [string, unknown][] {
  const list = lists[values.length];
  if (!list) throw wrong(`${values.length} numbers are given`, 'Give 25 (IN00–IN11, M00, OUT00–OUT11), or 26 with BASE first; for SDXL 19, or 20 with BASE first.');
  return list.map((name, i) => [name, values[i]]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw wrong(`they are not valid JSON (${cause instanceof Error ? cause.message : String(cause)})`, 'For example {"IN00": 0.5, "M00": 1}, or 25 numbers.');
  }
}

const wrong = (what: string, hint: string): AppError => new AppError('job.invalid', { message: `The block multipliers cannot be used: ${what}.`, hint });

/**
 * Which block a checkpoint's tensor belongs to. The embeddings of time and sizes go with IN00, the output layer with the last OUT, as in the MBW
 * extension; text encoders and autoencoder are BASE. `lastOut`: number of the network's last output block, 11 in SD 1 and SD 2, 8 in SDXL.
 */
export function blockOf(name: string, lastOut: number): string {
  const [, side, index] = /(?:^|\.)(input|middle|output)_blocks?\.(\d+)\./.exec(name) ?? [];
  if (side === 'middle') return 'M00';
  if (side !== undefined) return `${side === 'input' ? 'IN' : 'OUT'}${index!.padStart(2, '0')}`;
  if (/(?:^|\.)(?:time_embed|label_emb)\./.test(name)) return 'IN00';
  return /(?:^|diffusion_model\.)out\.\d/.test(name) ? `OUT${String(lastOut).padStart(2, '0')}` : 'BASE';
}
