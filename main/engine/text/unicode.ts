// What Python means by \s, \w and \d. CLIP's cleaning and the prompt grammar are defined by it; JavaScript's own classes differ.

/** For use inside a character class with the `u` flag: str.isspace(), which has the ASCII separators and NEL but not the byte-order mark. */
export const space = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
/** For use inside a character class with the `u` flag: letters, numbers of any kind and the underscore. */
export const word = '\\p{L}\\p{N}_';

const leading = new RegExp(`^[${space}]+`, 'u');
const isSpace = new RegExp(`[${space}]`, 'u');

export const trimStart = (text: string): string => text.replace(leading, '');
/** By hand: a pattern for space at the end would try every run of spaces anew, which is quadratic. */
export function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** Without what no file or database keeps as it is: NUL goes, half of a surrogate pair becomes U+FFFD, as in UTF-8. */
export const keepable = (text: string): string => text.replaceAll('\0', '').replace(/\p{Surrogate}/gu, '\ufffd');

/** float() of a text of decimal digits of any script, at most one sign and dots. NaN when it is no number, as in '1.2.3'. */
export const toNumber = (text: string): number => Number(text.replace(/[^\x00-\x7f]/gu, (digit) => String(digitValue(digit))));

/** Unicode keeps decimal digits in runs of ten from 0 to 9, so the distance from the run's start tells the value. */
function digitValue(digit: string): number {
  const code = digit.codePointAt(0)!;
  let start = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(start - 1))) start--;
  return (code - start) % 10;
}
