// Cleans text as python-ftfy's fix_text does with its defaults: CLIP was trained on text that had gone through it, so token ids depend on it.
import { fixC1 } from './charmaps';
import { unescapeCertain } from './html-entities';
import { fixEncoding } from './mojibake';

/** Line by line. HTML references are left alone from the first line that holds '<', where the text is taken to be HTML. */
export function fixText(text: string): string {
  let isHtml = false;
  return text.split(/(?<=\n)/).map((line) => {
    isHtml ||= line.includes('<');
    return fixLine(line, isHtml);
  }).join('');
}

/** Repeats until nothing changes: one repair can uncover the next. */
function fixLine(line: string, isHtml: boolean): string {
  for (;;) {
    const fixed = fixCharacters(fixEncoding(isHtml ? line : unescapeCertain(line)));
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
    .normalize('NFC');
}

const nfkc = (char: string): string => char.normalize('NFKC');
