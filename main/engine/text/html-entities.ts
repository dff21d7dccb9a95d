// HTML character references, decoded as the two programs do that CLIP's tokenizer was made with: Python's html.unescape, and ftfy's careful variant.
import { decodeHTML, decodeHTMLStrict } from 'entities';
import { fixC1 } from './charmaps';

/** Python's html.unescape: the rules of HTML5, so that '&amp' and '&ltfoo' count too. */
export function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(?:([0-9]+)|[xX]([0-9a-fA-F]+));?|[^\t\n\f <&#;]{1,32};?)/g, (reference, decimal?: string, hex?: string) => {
    if (decimal !== undefined) return character(parseInt(decimal, 10));
    return hex === undefined ? decodeHTML(reference) : character(parseInt(hex, 16));
  });
}

/** Only what is certainly a reference: closed by a semicolon. Also names that somebody set in capitals along with the text, as in 'P&EACUTE;REZ'. */
export function unescapeCertain(text: string): string {
  return text.replace(/&#?[0-9A-Za-z]{1,24};/g, certain);
}

/** What `unescapeCertain` comes to when it is repeated, in one pass: a semicolon ends a reference, also one that others in it have made. */
export function unescapeAll(text: string): string {
  const done: string[] = [];
  for (const char of text) {
    done.push(char);
    for (let start = openingOf(done); start >= 0; start = openingOf(done)) {
      const reference = done.slice(start).join(''), decoded = unescapeCertain(reference);
      if (decoded === reference) break;
      done.length = start;
      done.push(...decoded);
    }
  }
  return done.join('');
}

/** Where the reference that the last character closes may begin; -1 where it closes none. */
function openingOf(text: readonly string[]): number {
  if (text.at(-1) !== ';') return -1;
  const first = Math.max(0, text.length - 27);
  for (let at = text.length - 2; at >= first; at--) {
    if (text[at] === '&') return at;
    if (!/[0-9A-Za-z#]/.test(text[at]!)) return -1;
  }
  return -1;
}

function certain(reference: string): string {
  if (reference.startsWith('&#')) {
    const decoded = unescapeHtml(reference);
    return decoded.includes(';') ? reference : decoded;
  }
  const decoded = decodeHTMLStrict(reference);
  if (decoded !== reference || reference !== reference.toUpperCase() || decodeHTML(reference) !== reference) return decoded;
  const small = reference.toLowerCase();
  const decodedSmall = decodeHTMLStrict(small);
  return decodedSmall === small ? reference : decodedSmall.toUpperCase();
}

/** A numeric reference. Codes 80–9F mean windows-1252, and what no text may hold is left out (HTML5, "numeric character reference end state"). */
function character(code: number): string {
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return '\ufffd';
  if (code >= 0x80 && code <= 0x9f) return fixC1(String.fromCharCode(code));
  const control = code < 0x20 ? ![0x09, 0x0a, 0x0c, 0x0d].includes(code) : code === 0x7f;
  const noncharacter = (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) === 0xfffe;
  return control || noncharacter ? '' : String.fromCodePoint(code);
}
