// Multipliers by block of the U-Net ("MBW", merge block weighted): BASE, IN00–IN11, M00, OUT00–OUT11. SDXL has nine blocks a side.
import { AppError, detailOf } from '../../errors';

/** What a block that is not named gets is the merge's own multiplier. */
export type BlockMultipliers = Readonly<Record<string, number>>;

const sides = (count: number): string[] => {
  const numbers = Array.from({ length: count }, (_, i) => String(i).padStart(2, '0'));
  return [...numbers.map((n) => `IN${n}`), 'M00', ...numbers.map((n) => `OUT${n}`)];
};
/** By how many numbers are given: 25 blocks of SD 1 and SD 2, 19 of SDXL; with one more, BASE comes first. */
const lists: Readonly<Record<number, readonly string[]>> = { 25: sides(12), 26: ['BASE', ...sides(12)], 19: sides(9), 20: ['BASE', ...sides(9)] };
const names = new Set(lists[26]);

/** `{"IN00": 0.5, …}`, `[0.5, …]` or the bare numbers, with commas or spaces between them. Throws merge.blocks. */
export function parseBlocks(text: string): BlockMultipliers {
  const value = /^\s*[[{]/.test(text) ? parseJson(text) : text.trim().split(/[\s,]+/).map(Number);
  const entries = Array.isArray(value) ? named(value) : Object.entries(value as Record<string, unknown>);
  for (const [name, multiplier] of entries) {
    if (!names.has(name)) throw new AppError('merge.blocks', { why: 'name', name });
    if (typeof multiplier !== 'number' || !Number.isFinite(multiplier)) throw new AppError('merge.blocks', { why: 'value', name, value: String(multiplier) });
  }
  return Object.fromEntries(entries) as BlockMultipliers;
}

function named(values: readonly unknown[]): [string, unknown][] {
  const list = lists[values.length];
  if (!list) throw new AppError('merge.blocks', { why: 'count', count: values.length });
  return list.map((name, i) => [name, values[i]]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new AppError('merge.blocks', { why: 'json', detail: detailOf(cause) });
  }
}

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
