// Prompts → what the U-Net reads at each evaluation: scheduled texts, AND parts, chunks of 75 tokens, emphasis.
import type { Notice } from '../../../preload/contract/notice';
import { chunkPrompt, padChunks, piecesOf, type Chunk, type Vocabulary } from '../text/chunks';
import { chunkComfy, comfyNames } from '../text/comfy-words';
import { loadEmbeddings, type Embedding, type EmbeddingLibrary, type FindEmbedding } from '../text/embeddings';
import type { EmphasisMode } from '../text/emphasis';
import { parseNegativePrompt, parsePrompt } from '../text/prompt';
import { isLoraTag, type ExtraNetwork } from '../text/prompt-syntax';
import type { ScheduledText } from '../text/schedules';
import { float32, type Tensor } from '../tensor';
import { leastCommonMultiple, repeatLast, repeatWhole } from './contexts';
import type { Conditioning } from './denoiser';
import { encodeSchedule, type Encoded } from './encode-schedule';
import type { Condition, EncodedText, Inserts } from './networks';

export interface Prompts {
  readonly prompt: string;
  readonly negative: string;
  /** The steps that schedules are laid over, in evaluations of the denoiser: two a step for second-order samplers, one for all others. */
  readonly evaluations: number;
  /** Of a second pass: those of the first. */
  readonly evaluationsBefore?: number | undefined;
  readonly clipSkip: number;
  /** Guidance needs the negative prompt. */
  readonly guided: boolean;
  readonly emphasis?: EmphasisMode | undefined;
}

/** What the prompts are turned into conditions with: a model's encoders, and what it is told besides. */
export interface Encoders {
  /** Rows of 77 ids → states and pooled vector. */
  readonly encode: (rows: readonly (readonly number[])[], clipSkip: number, inserts?: Inserts) => Promise<EncodedText>;
  /** Of the word vectors of each. */
  readonly widths: readonly number[];
  /** What the U-Net is told beside a text's context, by its inputs' names, from the pooled text [1, P]. */
  readonly beside: (pooled: Tensor | null, negative: boolean) => Readonly<Record<string, Tensor>>;
}

/** What a person may want to know of the words: which embeddings they called up, and what was not done. Who makes a job sees to the LoRAs that its prompt calls up. */
export interface WordsReport { readonly embeddings: readonly Embedding[]; readonly notices: readonly Notice[] }

/** Several models, passes and prompts, which say the same unless an embedding fits only one. */
export function allWords(reports: readonly WordsReport[]): WordsReport {
  const once = <T>(items: readonly T[], key: (item: T) => string): T[] => [...new Map(items.map((item) => [key(item), item])).values()];
  return {
    embeddings: once(reports.flatMap(({ embeddings }) => embeddings), ({ hash }) => hash),
    notices: once(reports.flatMap(({ notices }) => notices), (notice) => JSON.stringify(notice)),
  };
}

export interface Conditioned extends WordsReport {
  /** What holds at the sampler's i-th evaluation, counted from 0. All contexts are of one length, at every evaluation. */
  readonly at: (evaluation: number) => Conditioning;
  /** Of each part of the prompt, the tokens that its context then stands for, before that is repeated. */
  readonly tokensAt: (evaluation: number) => readonly (readonly Chunk[])[];
}

/** Every text is encoded before the first step. */
export async function conditionOn(encoders: Encoders, vocabulary: Vocabulary, prompts: Prompts, library?: EmbeddingLibrary): Promise<Conditioned> {
  const { clipSkip, emphasis } = prompts;
  const { evaluations, evaluationsBefore } = prompts, timing = { steps: evaluationsBefore ?? evaluations, hiresSteps: evaluationsBefore === undefined ? undefined : evaluations };
  const { parts, networks } = parsePrompt(prompts.prompt, timing, emphasis);
  const guided = prompts.guided || parts.length > 1 || parts[0]!.weight !== 1;       // weights say how far to go from the negative prompt
  const negative = guided ? parseNegativePrompt(prompts.negative, timing, emphasis) : null;
  const texts = new Set([...parts.map(({ schedule }) => schedule), negative ?? []].flat().map(({ text }) => text));
  const places = [...texts].flatMap((text) => (emphasis === 'comfy' ? comfyNames(text) : piecesOf(text, emphasis).map((piece) => piece.text)));
  const words = library && await loadEmbeddings(library, places.map((place) => vocabulary.encode(place)), encoders.widths);

  const chunked = [...texts].map((text) => ({ text, ...chunkText(text, vocabulary, emphasis, words?.find) }));
  const chunks = new Map(chunked.map((each) => [each.text, each.chunks]));
  const lengths = lengthsFor(parts.map(({ schedule }) => chunksIn(schedule, chunks)), negative && chunksIn(negative, chunks));
  const encode = (schedule: readonly ScheduledText[], length: number): Promise<Map<string, Encoded>> =>
    encodeSchedule(schedule, {
      chunksOf: (text) => padChunks(chunks.get(text)!, length, vocabulary), noText: padChunks([], 1, vocabulary)[0]!,
      encode: (rows, inserts) => encoders.encode(rows, clipSkip, inserts), emphasis,
    });

  const conds: { course: Course; weight: number }[] = [];
  for (const [i, { schedule, weight }] of parts.entries()) {
    const encoded = await encode(schedule, lengths.parts[i]!);
    conds.push({ weight, course: courseOf(schedule, encoded, ({ context, pooled }) => ({
      context: repeatWhole(repeatLast(context, tokens(lengths.longestPart)), tokens(lengths.common)), ...encoders.beside(pooled, false),
    })) });
  }
  const uncond = negative && courseOf(negative, await encode(negative, lengths.negative), (own) => {
    const { context, pooled } = emphasis !== 'comfy' && negative.every(({ text }) => text === '') ? withoutText(own) : own;
    return { context: repeatWhole(context, tokens(lengths.common)), ...encoders.beside(pooled, true) };
  });
  const isThere = (name: string): boolean => {
    const ids = vocabulary.encode(name);
    return library?.words.find(ids, 0)?.length === ids.length;
  };
  const missing = [...new Set(chunked.flatMap((each) => each.missing))].filter((name) => !isThere(name));      // else a notice says why it does not count
  const used = [...chunks.values()].flat().flatMap(({ inserts = [] }) => inserts.map(({ embedding }) => embedding));
  return {
    embeddings: [...new Set(used)],
    notices: [...networks.filter(({ kind }) => !isLoraTag(kind)).map(unsupported), ...(words?.notices ?? []), ...missing.map(notThere)],
    at: (evaluation) => ({
      conds: conds.map(({ course, weight }) => ({ condition: course(evaluation), weight })),
      uncond: uncond && uncond(evaluation),
    }),
    tokensAt: (evaluation) => parts.map(({ schedule }) => padChunks(chunks.get(holding(schedule, evaluation))!, lengths.longestPart, vocabulary)),
  };
}

/** Chunks in the language of the job, and names of embeddings that are called up there and not found. */
function chunkText(text: string, vocabulary: Vocabulary, emphasis: EmphasisMode | undefined, find: FindEmbedding | undefined): { chunks: readonly Chunk[]; missing: readonly string[] } {
  if (emphasis === 'comfy') return chunkComfy(text, vocabulary, find);
  return { ...chunkPrompt(text, vocabulary, undefined, { find, emphasis }), missing: [] };
}

const unsupported = ({ kind, positional: [name = ''] }: ExtraNetwork): Notice =>
  ({ code: 'network.unsupported', data: { kind, name } });

const notThere = (name: string): Notice => ({ code: 'embedding.missing', data: { name } });

/** SDXL was trained with zeros where no text is, not with an empty text; Stability's code and A1111 do so for an empty negative prompt, ComfyUI does not. */
function withoutText({ context, pooled }: Encoded): Encoded {
  return pooled ? { context: float32(context.dims), pooled: float32(pooled.dims) } : { context, pooled };
}

type Course = (evaluation: number) => Condition;

/** A1111 counts evaluations from 0 and holds a text up to and including the number at which it ends, so that the first one has one more. */
const holding = (schedule: readonly ScheduledText[], evaluation: number): string => (schedule.find(({ endAtStep }) => evaluation <= endAtStep) ?? schedule.at(-1)!).text;

function courseOf(schedule: readonly ScheduledText[], encoded: ReadonlyMap<string, Encoded>, toCondition: (text: Encoded) => Condition): Course {
  const conditions = new Map([...encoded].map(([text, own]) => [text, toCondition(own)]));
  return (evaluation) => conditions.get(holding(schedule, evaluation))!;
}

const tokens = (chunks: number): number => 77 * chunks;

const chunksIn = (schedule: readonly ScheduledText[], chunks: ReadonlyMap<string, readonly Chunk[]>): number =>
  Math.max(...schedule.map(({ text }) => chunks.get(text)!.length));

/** A multiple of both lengths may be this many times the longer one; beyond, attention would take more time than it is worth. */
const MOST_REPEATED = 4;

interface Lengths { readonly parts: readonly number[]; readonly longestPart: number; readonly negative: number; readonly common: number }

/**
 * In chunks: the texts of a schedule are filled up with empty ones, as in A1111. It evaluates a prompt and a negative prompt of other length one by one,
 * which repetition up to a common multiple equals; where that would be far longer than both, empty chunks fill up (A1111's "Pad prompt").
 */
function lengthsFor(parts: readonly number[], negative: number | null): Lengths {
  const longestPart = Math.max(...parts);
  const own = negative ?? longestPart;
  const longest = Math.max(longestPart, own);
  const common = leastCommonMultiple(longestPart, own);
  if (common <= MOST_REPEATED * longest) return { parts, longestPart, negative: own, common };
  return { parts: parts.map((length) => (length === longestPart ? longest : length)), longestPart: longest, negative: longest, common: longest };
}
