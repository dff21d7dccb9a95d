// Tells mojibake from real text by juxtapositions that no language writes. The characters and sequences are the findings of python-ftfy 6.3 (badness.py).
import { space, word } from './unicode';

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

/** Whether part of the text seems to be mojibake. */
export const looksBad = (text: string): boolean => pattern.test(text);
