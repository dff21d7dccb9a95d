// ComfyUI's way with words: round brackets and `embedding:name`, all else is text, and long prompts are cut where they fit. After its sd1_clip.py.
import { filled, room, type Chunk, type Chunks, type Vocabulary } from './chunks';
import type { Embedding, FindEmbedding, Insert } from './embeddings';
import { space } from './unicode';

/** Text of one weight. With `embedding`, a trained word by the name of its file stands before the text. */
export interface Stretch { readonly text: string; readonly weight: number; readonly embedding?: string }

/** Where Python gives up; brackets deeper than this are text. */
const DEEPEST = 500;
/** As in A1111's grammar: more could leave the range of float32. */
const LARGEST = 1e30;

/**
 * `(text)` multiplies the weight by 1.1, `(text:1.3)` sets it, whatever stands around it; an open bracket without partner is text. `\(` is a plain
 * bracket. `embedding:name` counts at the start of a stretch and behind space. Never throws.
 */
export function comfyStretches(prompt: string): Stretch[] {
  const guarded = prompt.replaceAll('\\)', '\0\x01').replaceAll('\\(', '\0\x02');
  return weigh(guarded, 1, DEEPEST).flatMap(({ text, weight }) => {
    const parts = text.replaceAll('\0\x01', ')').replaceAll('\0\x02', '(').split(behindSpace);
    return parts.map((part, i) => (i > 0 ? CALL + part : part)).filter((part) => part !== '').map((part) => called(part, weight));
  });
}

const CALL = 'embedding:';
const behindSpace = new RegExp(`(?<=[${space}])${CALL}`, 'u');
const spaces = new RegExp(`[${space}]+`, 'u');
const number = new RegExp(`^[${space}]*[+-]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:e[+-]?\\d+)?[${space}]*$`, 'iu');

function weigh(text: string, weight: number, deeper: number): Stretch[] {
  return groupsOf(text).flatMap((group) => {
    const isBracket = group.length >= 2 && group.startsWith('(') && group.endsWith(')');
    if (!isBracket || deeper === 0) return [{ text: group, weight: Math.max(-LARGEST, Math.min(LARGEST, weight)) }];
    const inner = group.slice(1, -1), colon = inner.lastIndexOf(':');
    const isSet = colon > 0 && number.test(inner.slice(colon + 1));
    return isSet ? weigh(inner.slice(0, colon), Number(inner.slice(colon + 1)), deeper - 1) : weigh(inner, weight * 1.1, deeper - 1);
  });
}

/** Outermost brackets and what is between them. A closing bracket too many makes the next opening one text. */
function groupsOf(text: string): string[] {
  const groups: string[] = [];
  let depth = 0, from = 0;
  const cut = (to: number): void => {
    if (to > from) groups.push(text.slice(from, to));
    from = to;
  };
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(' && depth++ === 0) cut(i);
    else if (text[i] === ')' && --depth === 0) cut(i + 1);
  }
  cut(text.length);
  return groups;
}

/** The name ends at space, and before what looks like a tag. */
function called(part: string, weight: number): Stretch {
  const [first, ...rest] = part.startsWith(CALL) ? part.slice(CALL.length).split(spaces).filter((word) => word !== '') : [];
  if (first === undefined) return { text: part, weight };
  const end = first.search(/[<[]/), embedding = end < 0 ? first : first.slice(0, end);
  return { embedding, text: [...(end < 0 ? [] : [first.slice(end)]), ...rest].join(' '), weight };
}

/** The names under which the words that a prompt calls up may be kept: a file may be named with its folder and ending, and a comma may follow. */
export const comfyNames = (prompt: string): string[] => comfyStretches(prompt).flatMap(({ embedding }) => (embedding === undefined ? [] : namesOf(embedding)));

const namesOf = (name: string): string[] => [...new Set([name, withoutCommas(name)])].map((each) => each.replace(/^.*[\\/]/s, '').replace(/\.(?:safetensors|pt|bin)$/i, ''));

/** By hand: a pattern for commas at the end would try every run of them anew, which is quadratic. */
function withoutCommas(name: string): string {
  let end = name.length;
  while (name[end - 1] === ',') end--;
  return name.slice(0, end);
}

/** Tokens that belong together. */
interface Group { readonly ids: readonly number[]; readonly weight: number; readonly embedding?: Embedding }

/** From this length on a stretch is torn where a chunk ends. */
const LARGE = 8;

/**
 * At least one chunk. A stretch of fewer than 8 tokens that does not fit moves on as a whole, and so does an embedding (ComfyUI tears long ones); no comma is
 * looked for. `missing`: names that `find` has nothing for, which are no text either. Older versions took single words for stretches here.
 */
export function chunkComfy(prompt: string, vocabulary: Vocabulary, find?: FindEmbedding): Chunks & { readonly missing: readonly string[] } {
  const chunks: Chunk[] = [], missing: string[] = [];
  let ids: number[] = [], multipliers: number[] = [], inserts: Insert[] = [];
  const close = (): void => {
    chunks.push(filled(ids, multipliers, vocabulary, inserts));
    [ids, multipliers, inserts] = [[], [], []];
  };
  const place = (part: readonly number[], weight: number): void => {
    ids.push(...part);
    multipliers.push(...part.map(() => weight));
  };
  const groups = comfyStretches(prompt).flatMap((stretch) => groupsIn(stretch, vocabulary, find, missing));
  for (const { ids: all, weight, embedding } of groups) {
    let placed = 0;
    while (ids.length + all.length - placed > room) {
      if (all.length >= LARGE && !embedding) {
        const free = room - ids.length;
        place(all.slice(placed, placed + free), weight);
        placed += free;
      }
      close();
    }
    if (embedding) inserts.push({ at: ids.length + 1, embedding });
    place(all.slice(placed), weight);
  }
  const tokenCount = chunks.length * room + ids.length;
  close();
  return { chunks, tokenCount, missing };
}

function groupsIn({ text, weight, embedding: name }: Stretch, vocabulary: Vocabulary, find: FindEmbedding | undefined, missing: string[]): Group[] {
  if (name === undefined) return [{ ids: vocabulary.encode(text), weight }];
  const names = namesOf(name), [whole, bare] = names.map((each) => wordOf(each, vocabulary, find));
  const embedding = whole ?? bare;
  if (!embedding) missing.push(names.at(-1)!);
  const commas = whole ? '' : name.slice(withoutCommas(name).length);
  return [
    ...(embedding ? [{ ids: Array<number>(embedding.count).fill(0), weight, embedding }] : []),
    { ids: vocabulary.encode(`${commas} ${text}`), weight },
  ];
}

/** The embedding whose name this is from end to end. */
function wordOf(name: string, vocabulary: Vocabulary, find: FindEmbedding | undefined): Embedding | undefined {
  const ids = vocabulary.encode(name), found = find?.(ids, 0);
  return found?.length === ids.length ? found.word : undefined;
}
