// Repairs text whose UTF-8 bytes were read in another encoding ('cafÃ©'). The method and its evidence are those of python-ftfy 6.3, which CLIP's tokenizer runs.
import { charactersOf, charmaps, fixC1 } from './charmaps';
import { space, word } from './unicode';

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

const c1 = '\\x80-\\x9f';
/** Alone in no context suspicious. */
const common = '\\xa0\\xad·´–—―…’';
/** Hardly seen outside of mojibake. */
const bad = '¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\\ufffdªº';
const law = '¶§';
const currency = '¢£¥₧€';
const opening = '¡«¿©\\u0384\\u0385‘‚“„•‹\\uf8ff';
const closing = '®»˝”›™';
const numeric = '²³¹±¼½¾×\\xb5÷⁄∂\\u2206\\u220f\\u2211√∞∩∫≈≠≡≤≥№';
/** Letters of faces such as (ò_ó), which stand beside odd neighbours by intent. */
const kaomoji = 'Ò-ÖÙ-Üò-öø-üŐŌŪŲ°';
const upper = '\\xc0-\\xd1ØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘŚŞŠŢŤŮŰŸŹŻŽҐ';
const lower = 'ß\\xe0-\\xf1ăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ';
const upperCommon = 'Þ\\u0391-\\u03a9\\u0386\\u0388-\\u038a\\u038c\\u038e\\u038f\\u03aa\\u03abЁ-Я';
const lowerCommon = '\\u03ac-\\u03c9а-џ';
/** Without the plain horizontal line, which faces use. */
const box = '│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓';

const accented = lower + upper;
const quotes = opening + closing;
const symbols = quotes + currency + numeric + law;

const sequences = [
  `[${c1}]`,
  `[${bad}${accented}${box}${symbols}][${bad}]`,
  `[${bad}][${accented}${box}${symbols}]`,
  `[a-zA-Z][${lowerCommon}${upperCommon}][${bad}]`,
  `[${lower}${lowerCommon}${box}${closing}${currency}${numeric}][${upper}]`,
  `[${box}${closing}${currency}${numeric}][${lower}]`,
  `[${lower}${box}${closing}][${currency}]`,
  `[${space}][${upper}][${currency}]`,
  `[${upper}${box}][${numeric}${law}]`,
  `[${accented}${box}${currency}${closing}][${opening}][${numeric}]`,
  `[${accented}${currency}${numeric}${box}${law}][${closing}][${opening}]`,
  `[${currency}${numeric}${box}][${opening}]`,
  `[a-z][${upper}][${opening}${currency}]`,
  `[${box}][${kaomoji}${closing}]`,
  `[${accented}${currency}${numeric}${quotes}${law}][${box}]`,
  `[${accented}][${quotes}][${word}]`,
  '[Œœ][^A-Za-z]', `[${upper}]°`,
  // UTF-8 through windows-1252: two bytes, Arabic, South Asian scripts, à and á, and Â before what it was put in front of
  `[ÂÃÎÐ][€œŠš¢£Ÿž\\xa0\\xad®©°·»${quotes}–—´]`, '×[²³]',
  `(?:[ØÙ][${common}${currency}${bad}${numeric}${opening}ŸŠ®°\\xb5»]){2}`,
  'à[²\\xb5¹¼½¾]', 'Ã[\\xa0¡]', `[a-z][${space}]?[ÃÂ] `, '^[ÃÂ] ', `[a-z.,?!${closing}]Â[ ${quotes}]`,
  // through MacRoman
  '√[±∂†≠®™´≤≥¥\\xb5ø]', '≈[°¢]', '‚Ä[ìîïòôúùû†°¢π]', '‚[âó][àä°ê]',
  // through windows-1251, 1253 and 1257
  'вЂ', `[ВГРС][${c1}${bad}${quotes}${currency}°\\xb5][ВГРС]`, 'ГўВЂВ.[A-Za-z ]',
  'β€[™\\xa0\\u0386\\xad®°]', `[ΒΓΞΟ][${c1}${bad}${quotes}${currency}°][ΒΓΞΟ]`, 'ā€',
];
const pattern = new RegExp(sequences.join('|'), 'u');

/** Whether part of the text seems to be mojibake: juxtapositions that no language writes. The characters and sequences are the findings of ftfy's badness.py. */
const looksBad = (text: string): boolean => pattern.test(text);
