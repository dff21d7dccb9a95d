// Cleans text as python-ftfy's fix_text does with its defaults: CLIP was trained on text that had gone through it, so token ids depend on it.
import { fixC1 } from './charmaps';
import { unescapeAll, unescapeCertain } from './html-entities';
import { fixEncoding } from './mojibake';

/** Line by line. HTML references are left alone from the first line that holds '<', where the text is taken to be HTML. */
export function fixText(text: string): string {
  let isHtml = false;
  return text.split(/(?<=\n)/).map((line) => {
    isHtml ||= line.includes('<');
    return fixLine(line, isHtml);
  }).join('');
}

/** References within references, '&amp;amp;', are repaired one by one up to this, and deeper ones together. */
const DEEPEST = 16;

/** Repeats until nothing changes: one repair can uncover the next. */
function fixLine(line: string, isHtml: boolean): string {
  for (let depth = 1; ; depth++) {
    const fixed = fixCharacters(fixEncoding(isHtml ? line : depth < DEEPEST ? unescapeCertain(line) : unescapeAll(line)));
    if (fixed === line) return line;
    line = fixed;
  }
}

function fixCharacters(text: string): string {
  if (/^[\t\n\f\x20-\x7e]*$/.test(text)) return text;
  return fixC1(text)
    .replace(/[ĲĳŉǄ-ǌǱ-ǳﬀ-ﬄﬆ]/g, nfkc)                    // ligatures and digraphs of Latin letters
    .replaceAll('ﬅ', 'ſt')
    .replace(/[\u3000\uff01-\uffef]/g, nfkc)                 // full-width letters, half-width kana
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/\r\n|[\r\u2028\u2029]/g, '\n')
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/\x1b\[[\p{Nd};]*[a-zA-Z]/gu, '')               // terminal colours
    .replace(/[\x00-\x08\x0b\x0e-\x1f\x7f\u206a-\u206f\ufeff\ufff9-\ufffc]/g, '')
    .replace(/\p{M}{32,}/gu, inOrder)
    .normalize('NFC');
}

const nfkc = (char: string): string => char.normalize('NFKC');

/**
 * A long run of combining marks, the same text to every normal form: marks by their class, those of one class as they stood (Unicode, "Canonical Ordering
 * Algorithm"). n·log n, where String.normalize puts each in its place one by one, which takes the square of the run's length.
 */
export function inOrder(marks: string): string {
  const done: string[] = [];
  let run: string[] = [];
  const end = (): void => {
    const rank = ranksOf(run);
    for (const mark of run.sort((a, b) => rank.get(a)! - rank.get(b)!)) done.push(mark);
    run = [];
  };
  for (const char of marks) {
    for (const mark of char.normalize('NFD')) {
      if (isMoved(mark)) run.push(mark);
      else {
        end();
        done.push(mark);
      }
    }
  }
  end();
  return done.join('');
}

const swaps = (first: string, second: string): boolean => (first + second).normalize('NFD') !== first + second;

/** Of a class other than 0, which nothing passes. U+0334 has the lowest class, U+0345 the highest. */
function isMoved(mark: string): boolean {
  let moved = known.get(mark);
  if (moved === undefined) known.set(mark, moved = mark === '\u0334' || swaps(mark, '\u0334') || swaps('\u0345', mark));
  return moved;
}
const known = new Map<string, boolean>();

/** By class: marks that do not pass each other have the same. */
function ranksOf(marks: readonly string[]): Map<string, number> {
  const classes: string[] = [], ranks = new Map<string, number>();
  const different = [...new Set(marks)].sort((a, b) => (swaps(a, b) ? 1 : swaps(b, a) ? -1 : 0));
  for (const mark of different) {
    const last = classes.at(-1);
    if (last === undefined || swaps(mark, last)) classes.push(mark);
    ranks.set(mark, classes.length);
  }
  return ranks;
}
