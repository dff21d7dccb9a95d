// Repairs text whose UTF-8 bytes were read in another encoding ('cafÃ©'). The method and its evidence are those of python-ftfy 6.3, which CLIP's tokenizer runs.
import { charactersOf, charmaps, fixC1 } from './charmaps';
import { looksBad } from './badness';

/** One text at a time (a line). Repeats until nothing changes, since text can be misread several times over. */
export function fixEncoding(text: string): string {
  for (;;) {
    const fixed = fixOnce(text);
    if (fixed === text) return text;
    text = fixed;
  }
}

function fixOnce(text: string): string {
  if (/^[\x00-\x7f]*$/.test(text) || !looksBad(text)) return text;
  for (const map of charmaps) {
    const bytes = map.encode(text);
    if (bytes === null) continue;
    const decoded = decodeUtf8(restored(bytes, map.name !== 'macroman', map.sloppy));
    if (decoded !== null) return decoded;
  }
  const partly = text.replace(embedded, (part) => (part.length < text.length && looksBad(part) ? fixEncoding(part) : part));
  if (partly !== text) return partly;
  // All bytes Latin-1, yet not UTF-8: Windows-1252 read as Latin-1. What is left of C1 is fixed the same way in any text.
  return fixC1(text);
}

/** A run of what looks like UTF-8 seen through a Latin-1-like encoding, inside text that is otherwise sound. A space may stand for a lost U+00A0. */
const embedded = (() => {
  const next = `[${charactersOf(0x80, 0xbf)} ]`;
  // These also stand for themselves beside mojibake, so they do not show that a run began earlier.
  const strict = charactersOf(0x80, 0xbf).replace(/[–—―‘’‚“”„•…]/g, '');
  const four = charactersOf(0xf0, 0xf0) + charactersOf(0xf3, 0xf3);   // other lead bytes only begin unassigned code points
  return new RegExp(`(?<![${strict}])(?:[${charactersOf(0xc2, 0xdf)}]${next}|[${charactersOf(0xe0, 0xef)}]${next}{2}|[${four}]${next}{3})+`, 'gu');
})();

/** Puts back what was lost on the way: spaces that were byte A0, and sequences with a byte that became U+FFFD (1A) or '?'. */
function restored(bytes: string, spaces: boolean, lossy: boolean): string {
  if (spaces && alteredUtf8.test(bytes)) {
    bytes = bytes.replace(/\xc3 (?! |quele|quela|quilo|s )/g, '\xc3\xa0 ');     // 'Ã la' is 'à la', not 'àla'; Portuguese 'àquele' is one word
    bytes = bytes.replace(new RegExp(alteredUtf8, 'g'), (part) => part.replaceAll(' ', '\xa0'));
  }
  return lossy ? bytes.replace(lossyUtf8, '\xef\xbf\xbd') : bytes;
}

const alteredUtf8 = new RegExp([
  '[\xc2\xc3\xc5\xce\xd0\xd9] ',
  '[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]', '[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] ',
  '\xf0 [\x80-\xbf]{2}', '\xf0[\x80-\xbf] [\x80-\xbf]', '\xf0[\x80-\xbf]{2} ',
].join('|'));

const lossyUtf8 = new RegExp([
  '[\xc2-\xdf]\x1a', '[\xc2\xc3]\\?',
  '\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]', '\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]',
  '[\xe0-\xef][\x1a?][\x1a\x80-\xbf]', '[\xe0-\xef][\x1a\x80-\xbf][\x1a?]',
  '[\xf0-\xf4][\x1a?][\x1a\x80-\xbf]{2}', '[\xf0-\xf4][\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]', '[\xf0-\xf4][\x1a\x80-\xbf]{2}[\x1a?]',
  '\x1a',
].join('|'), 'g');

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 and its two common variants: Java's C0 80 for U+0000 and surrogate pairs of three bytes each (CESU-8). null when it is neither. */
function decodeUtf8(bytes: string): string | null {
  const standard = bytes.replace(/\xc0\x80/g, '\0').replace(/\xed([\xa0-\xaf])([\x80-\xbf])\xed([\xb0-\xbf])([\x80-\xbf])/g, (_, a: string, b: string, c: string, d: string) => {
    const bits = (char: string, mask: number): number => char.charCodeAt(0) & mask;
    const code = 0x10000 + (bits(a, 0x0f) << 16) + (bits(b, 0x3f) << 10) + (bits(c, 0x0f) << 6) + bits(d, 0x3f);
    return String.fromCharCode(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
  });
  try {
    return strictUtf8.decode(Uint8Array.from(standard, (char) => char.charCodeAt(0)));
  } catch {
    return null;
  }
}
