// Weights by block as the LoRA Block Weight extension writes them: 12, 17, 20 or 26 numbers, or the name of one of its presets. Blocks that a shorter list
// leaves out are 0. After its README: https://github.com/hako-mikan/sd-webui-lora-block-weight

const blocks = (side: string, ...numbers: readonly number[]): string[] => numbers.map((n) => `${side}${String(n).padStart(2, '0')}`);
const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, i) => i);

/** 17: LoRA, 26: LyCORIS and LoCon, of SD 1 and SD 2; 12 and 20: the same of SDXL. */
const lists: Readonly<Record<number, readonly string[]>> = {
  17: ['BASE', ...blocks('IN', 1, 2, 4, 5, 7, 8), 'M00', ...blocks('OUT', 3, 4, 5, 6, 7, 8, 9, 10, 11)], 26: ['BASE', ...blocks('IN', ...upTo(11)), 'M00', ...blocks('OUT', ...upTo(11))],
  12: ['BASE', ...blocks('IN', 4, 5, 7, 8), 'M00', ...blocks('OUT', ...upTo(5))], 20: ['BASE', ...blocks('IN', ...upTo(8)), 'M00', ...blocks('OUT', ...upTo(8))],
};

const presets: Readonly<Record<string, string>> = {
  NONE: '0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0', ALL: '1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1', INS: '1,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0', IND: '1,0,0,0,1,1,1,0,0,0,0,0,0,0,0,0,0',
  INALL: '1,1,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0', MIDD: '1,0,0,0,1,1,1,1,1,1,1,1,0,0,0,0,0', OUTD: '1,0,0,0,0,0,0,0,1,1,1,1,0,0,0,0,0', OUTS: '1,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1',
  OUTALL: '1,0,0,0,0,0,0,0,1,1,1,1,1,1,1,1,1', 'ALL0.5': '0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5',
};

/** A multiplier for every block; undefined for what is no such list, as one with values by chance (R, U, X). */
export function blockWeights(text: string): Readonly<Record<string, number>> | undefined {
  const written = (Object.hasOwn(presets, text.trim()) ? presets[text.trim()]! : text).split(','), values = written.map((value) => (value.trim() === '' ? NaN : Number(value))), names = lists[values.length];
  if (!names || !values.every(Number.isFinite)) return undefined;
  return { ...Object.fromEntries(lists[26]!.map((name) => [name, 0])), ...Object.fromEntries(names.map((name, i) => [name, values[i]!])) };
}
