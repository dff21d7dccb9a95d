// The words of a command line: flags by table, help from the same table, and errors that name the flag and suggest the one that was meant.
import { parseArgs } from 'node:util';
import { parseSeed, type Seed } from '../../preload/contract/seed';
import { AppError } from '../engine/errors';

export interface Flag {
  /** 'switch' takes no value; 'list' is text that may be given more than once; a 'seed' has more digits than numbers hold. */
  readonly kind: 'text' | 'number' | 'seed' | 'switch' | 'list';
  /** What the value is, in the help: 'FILE', 'N'. */
  readonly value?: string;
  readonly help: string;
  readonly choices?: readonly string[];
  /** Other forms of the choices that are taken, too. */
  readonly known?: (value: string) => boolean;
}
type Flags = Readonly<Record<string, Flag>>;

export interface Command<F extends Flags = Flags> {
  readonly name: string;
  readonly summary: string;
  /** Words without a flag, as the help shows them: 'FILE', '[DIR]'. Brackets mean that it may be left out. */
  readonly positional?: string;
  readonly flags: F;
}

type ValueOf<F extends Flag> = F['kind'] extends 'switch' ? boolean : F['kind'] extends 'list' ? readonly string[] : (F['kind'] extends 'number' ? number : F['kind'] extends 'seed' ? Seed : string) | undefined;
export interface Parsed<F extends Flags> {
  readonly values: { readonly [K in keyof F]: ValueOf<F[K]> };
  readonly positional: string | undefined;
  /** --help was asked for; nothing else has been checked. */
  readonly help: boolean;
}

/** Throws usage naming the flag: unknown, without its value, not a number, not one of the choices. */
export function parseCommand<const F extends Flags>(command: Command<F>, args: readonly string[]): Parsed<F> {
  const absent: Readonly<Record<Flag['kind'], unknown>> = { switch: false, list: [], text: undefined, number: undefined, seed: undefined };
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries<Flag>(command.flags).map(([name, flag]) => [name, absent[flag.kind]] as const).filter(([, value]) => value !== undefined));
  const words: string[] = [];
  for (const token of tokens(command, args)) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    if (token.name === 'help') return { values: values as Parsed<F>['values'], positional: undefined, help: true };
    // What follows a flag is its value, `--negative -blurry` too; but two dashes are the next flag.
    const swallowed = token.inlineValue === false && token.value.startsWith('--');
    const value = valueOf(command, token.name, swallowed ? undefined : token.value);
    values[token.name] = command.flags[token.name]?.kind === 'list' ? [...values[token.name] as string[], value] : value;
  }
  return { values: values as Parsed<F>['values'], positional: positionalOf(command, words), help: false };
}

/** The command's help: usage, summary, one line a flag. */
export function helpFor(command: Command): string {
  const usage = `npm run atelier -- ${[command.name, command.positional, '[flags]'].filter(Boolean).join(' ')}`;
  const rows = Object.entries(command.flags).map(([name, flag]) => [`--${name}${flag.value ? ` ${flag.value}` : ''}`, helpText(flag)] as const);
  return `${usage}\n\n${command.summary}\n\n${table(rows)}`;
}

/** Two columns; the right one is wrapped. */
export function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  const indent = `\n${' '.repeat(width + 4)}`;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${wrap(right, 80).join(indent)}`).join('\n');
}

/** The candidate that was most likely meant, at most a third of its letters away. Case and punctuation do not count. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const letters = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');
  const scored = candidates.map((candidate) => ({ candidate, distance: editDistance(letters(word), letters(candidate)) }));
  const best = scored.sort((a, b) => a.distance - b.distance)[0];
  return best && best.distance <= Math.max(1, Math.floor(best.candidate.length / 3)) ? best.candidate : undefined;
}

function tokens(command: Command, args: readonly string[]) {
  const options = Object.fromEntries(Object.entries(command.flags).map(([name, flag]) => [name, { type: flag.kind === 'switch' ? 'boolean' as const : 'string' as const }]));
  return parseArgs({
    args: [...args], options: { ...options, help: { type: 'boolean', short: 'h' } }, strict: false, allowPositionals: true, tokens: true,
  }).tokens;
}

function valueOf(command: Command, name: string, value: string | undefined): Seed | boolean {
  const flag = Object.hasOwn(command.flags, name) ? command.flags[name] : undefined;
  if (!flag) throw unknownFlag(command, name);
  if (flag.kind === 'switch') {
    if (value !== undefined) throw new AppError('usage', { why: 'switch', flag: `--${name}`, value });
    return true;
  }
  if (value === undefined) throw new AppError('usage', { why: 'noValue', flag: `--${name}`, example: flag.choices?.[0] ?? flag.value ?? '…' });
  if (flag.choices && !flag.choices.includes(value) && !flag.known?.(value)) {
    const meant = nearest(value, flag.choices);
    throw new AppError('usage', meant ? { why: 'choiceMeant', flag: `--${name}`, value, meant } : { why: 'choice', flag: `--${name}`, value, names: [...flag.choices] });
  }
  if (flag.kind === 'seed') return parseSeed(value) ?? refuseSeed(name, value);
  if (flag.kind !== 'number') return value;
  if (value.trim() === '' || !Number.isFinite(Number(value))) throw new AppError('usage', { why: 'number', flag: `--${name}`, value });
  return Number(value);
}

function refuseSeed(name: string, value: string): never {
  throw new AppError('usage', { why: 'seed', flag: `--${name}`, value });
}

function unknownFlag(command: Command, name: string): AppError {
  const meant = nearest(name, Object.keys(command.flags));
  const shown = `${name.length === 1 ? '-' : '--'}${name}`;
  return new AppError('usage', meant ? { why: 'flagMeant', flag: shown, command: command.name, meant: `--${meant}` } : { why: 'flag', flag: shown, command: command.name });
}

function positionalOf(command: Command, words: readonly string[]): string | undefined {
  const wanted = command.positional;
  if (words.length > (wanted ? 1 : 0)) {
    throw new AppError('usage', { why: 'words', command: command.name, word: words.at(-1)! });
  }
  if (wanted && !wanted.startsWith('[') && words.length === 0) throw new AppError('usage', { why: 'positional', command: command.name, positional: wanted });
  return words[0];
}

const helpText = (flag: Flag): string => flag.choices ? `${flag.help}: ${flag.choices.join(', ')}` : flag.help;
const wrap = (text: string, width: number): string[] => text.match(new RegExp(`.{1,${width}}(?: |$)`, 'g')) ?? [text];

/** Levenshtein: insertions, deletions and substitutions from `a` to `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
