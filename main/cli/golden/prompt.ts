// Golden case `prompt`: emphasis, schedules, AND, extra networks, chunks and weighting of the encoder's output, as A1111 has them.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAttention } from '../../engine/text/attention';
import { chunkPrompt } from '../../engine/text/chunks';
import { applyEmphasis } from '../../engine/text/emphasis';
import { splitAnd, takeExtraNetworks } from '../../engine/text/prompt-syntax';
import { parseSchedule } from '../../engine/text/schedules';
import { Tokenizer } from '../../engine/text/tokenizer';
import { float32 } from '../../engine/tensor';
import { clipMerges } from '../../worker/tokenizer-vocabulary';
import { compare, maxAbs } from './measure';
import { countMismatches } from './measure-text';
import { floats, readTensors } from './read';
import type { Check, Checker } from './types';

export const prompt: Checker = async function* ({ path }) {
  const read = async <T>(name: string): Promise<T> => JSON.parse(await readFile(join(path, name), 'utf8')) as T;
  yield attention(await read('attention.json'));
  yield schedules(await read('schedules.json'));
  yield and(await read('and.json'));
  yield extraNetworks(await read('extra_networks.json'));
  yield chunks(await read('chunks.json'), new Tokenizer(await clipMerges()));
  yield* emphasis(join(path, 'emphasis.safetensors'));
};

type Weighted = [text: string, weight: number][];

/** An error of the reference asks nothing of us but an answer: what it cannot read we use literally. */
const attention = (cases: { text: string; result: Weighted | { error: string } }[]): Check => countMismatches('attention', cases, ({ text, result }) => {
  const got = parseAttention(text).map((piece): Weighted[number] => [piece.text, piece.weight]);
  return 'error' in result ? null : differ(text, got, result, sameWeights);
});

const and = (cases: { text: string; parts: Weighted }[]): Check => countMismatches('and', cases, ({ text, parts }) =>
  differ(text, splitAnd(text).map((part): Weighted[number] => [part.text, part.weight]), parts, sameWeights));

interface Config { base_steps: number; hires_steps: number | null; use_old_scheduling: boolean }
type Schedules = { configs: Record<string, Config>; prompts: ({ text: string } & Record<string, unknown>)[] };

function schedules({ configs, prompts }: Schedules): Check {
  const cases = prompts.flatMap((entry) => Object.keys(configs).map((name) => ({ name, text: entry.text, want: entry[name] })));
  return countMismatches('schedules', cases, ({ name, text, want }) => {
    const config = configs[name]!;
    const timing = { steps: config.base_steps, hiresSteps: config.hires_steps ?? undefined, oldRule: config.use_old_scheduling };
    return differ(`${text} (${name})`, parseSchedule(text, timing).map((part) => [part.endAtStep, part.text]), want);
  });
}

interface Tagged { text: string; prompt: string; networks: { name: string; positional: string[]; named: Record<string, string> }[] }

const extraNetworks = (cases: Tagged[]): Check => countMismatches('extra_networks', cases, ({ text, prompt: rest, networks }) => {
  const got = takeExtraNetworks(text);
  const plain = got.networks.map(({ kind, positional, named }) => ({ name: kind, positional, named: Object.fromEntries(named) }));
  return differ(text, [got.prompt, plain], [rest, networks.map(({ name, positional, named }) => ({ name, positional, named }))]);
});

interface Chunked { text: string; comma_padding_backtrack: number; token_count: number; chunks: { tokens: number[]; multipliers: number[] }[] }

const chunks = ({ prompts }: { prompts: Chunked[] }, tokenizer: Tokenizer): Check => countMismatches('chunks', prompts, (want) => {
  const got = chunkPrompt(want.text, tokenizer, want.comma_padding_backtrack);
  const wanted = { chunks: want.chunks.map(({ tokens, multipliers }) => ({ ids: tokens, multipliers })), tokenCount: want.token_count };
  return differ(want.text, got, wanted, (a, b) => same(idsOf(a), idsOf(b)) && maxAbs(multipliersOf(a), multipliersOf(b)) <= 1e-9);
});
type Chunks = ReturnType<typeof chunkPrompt>;
const idsOf = ({ chunks: all, tokenCount }: Chunks): unknown => [tokenCount, all.map(({ ids }) => ids)];
const multipliersOf = ({ chunks: all }: Chunks): number[] => all.flatMap(({ multipliers }) => multipliers);

/** float32 sums of 2464 values: 1e-5 of the largest expected magnitude. */
async function* emphasis(path: string): AsyncIterable<Check> {
  const tensors = await readTensors(path);
  const dims = tensors.get('in.z')!.shape;
  const [batch, tokens, width] = dims as [number, number, number];
  const z = floats(tensors, 'in.z');
  const rows = Array.from({ length: batch }, (_, b) => [...floats(tensors, 'in.multipliers').subarray(b * tokens, (b + 1) * tokens)]);
  const first = float32([1, tokens, width], z.slice(0, tokens * width));
  const results = {
    original: applyEmphasis(float32(dims, z), rows),
    no_norm: applyEmphasis(float32(dims, z), rows, 'no_norm'),
    original_first_row_alone: applyEmphasis(first, rows.slice(0, 1)),
  };
  for (const [name, got] of Object.entries(results)) {
    const want = floats(tensors, `out.${name}`);
    yield compare(`emphasis.${name}`, maxAbs(got.data, want) / maxAbs(want, new Float32Array(want.length)), 1e-5);
  }
}

const same = (got: unknown, want: unknown): boolean => JSON.stringify(got) === JSON.stringify(want);

function sameWeights(got: Weighted, want: Weighted): boolean {
  return got.length === want.length && got.every(([text, weight], i) => {
    const [wantText, wantWeight] = want[i]!;
    return text === wantText && Math.abs(weight - wantWeight) <= 1e-9 * Math.abs(wantWeight);
  });
}

function differ<T>(text: string, got: T, want: T, equal: (got: T, want: T) => boolean = same): string | null {
  return equal(got, want) ? null : `${JSON.stringify(text)} is ${JSON.stringify(got)}, expected ${JSON.stringify(want)}`;
}
