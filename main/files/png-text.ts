// Text in PNG files: tEXt (Latin-1, though many write UTF-8), iTXt (UTF-8) and the compressed forms (W3C PNG specification, section 11.3.3).
import { inflateSync } from 'node:zlib';
import { utf8OrLatin1 } from './byte-text';
import { headerEnd, readChunks, writeChunk, type Chunk } from './png-chunks';

export interface PngText { readonly keyword: string; readonly text: string }

/** Of all texts together: a small file may hold gigabytes, and workflows of other apps have a few megabytes. */
const MAX_TEXT_BYTES = 32 << 20;
const MAX_CHUNKS = 100_000;

/**
 * Puts the texts behind the header, where readers find them without going through the pixels. tEXt where Latin-1 has all letters and nobody could take
 * them for UTF-8, else iTXt.
 */
export function addPngTexts(png: Uint8Array, texts: readonly PngText[]): Uint8Array {
  return Buffer.concat([png.subarray(0, headerEnd), ...texts.map(textChunk), png.subarray(headerEnd)]);
}

/** All texts in the file's order. Damaged ones are left out. Never throws; what is no PNG has none. */
export function readPngTexts(png: Uint8Array): PngText[] {
  const texts: PngText[] = [], budget = { bytes: MAX_TEXT_BYTES };
  let seen = 0;
  for (const chunk of readChunks(png)) {
    if (++seen > MAX_CHUNKS) break;
    const text = chunk.intact && chunk.data.length <= budget.bytes ? decodeText(chunk, budget) : null;
    if (text) texts.push(text);
  }
  return texts;
}

function textChunk({ keyword, text }: PngText): Buffer {
  const clean = text.replaceAll('\0', '');      // NUL separates the parts of a chunk, so no text can hold one
  const latin1 = Buffer.from(clean, 'latin1');
  if (/^[\x01-\xff]*$/.test(clean) && utf8OrLatin1(latin1) === clean) return writeChunk('tEXt', Buffer.concat([Buffer.from(`${keyword}\0`, 'latin1'), latin1]));
  return writeChunk('iTXt', Buffer.concat([Buffer.from(`${keyword}\0\0\0\0\0`, 'latin1'), Buffer.from(clean)]));      // not compressed, no language, no translation
}

/** What may still be read. */
interface Budget { bytes: number }

function decodeText({ type, data }: Chunk, budget: Budget): PngText | null {
  const keywordEnd = data.indexOf(0);
  if (keywordEnd < 1) return null;
  const keyword = data.toString('latin1', 0, keywordEnd), rest = data.subarray(keywordEnd + 1);
  const text = type === 'iTXt' ? international(rest, budget) : latin1(keyword, type === 'tEXt' || type === 'comf' ? rest : type === 'zTXt' ? inflate(rest.subarray(1), budget) : undefined);
  if (text === undefined) return null;
  budget.bytes -= Buffer.byteLength(text);
  return { keyword, text };
}

/** As the standard says in our own, which have always been so; Stability Matrix, stable-diffusion.cpp and others write UTF-8. ComfyUI's animated PNGs have a chunk of their own, comf. */
const latin1 = (keyword: string, bytes: Buffer | undefined): string | undefined => bytes && (keyword.startsWith('atelier') ? bytes.toString('latin1') : utf8OrLatin1(bytes));

/** Compression flag, method, language NUL, translated keyword NUL, text. */
function international(data: Buffer, budget: Budget): string | undefined {
  const languageEnd = data.indexOf(0, 2);
  const translationEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (translationEnd < 0) return undefined;
  const text = data.subarray(translationEnd + 1);
  const bytes = data[0] === 1 ? inflate(text, budget) : text;
  return bytes && utf8OrLatin1(bytes);
}

function inflate(data: Buffer, budget: Budget): Buffer | undefined {
  try {
    return inflateSync(data, { maxOutputLength: Math.max(1, budget.bytes) });
  } catch {
    budget.bytes /= 2;      // what is damaged or too long has cost time all the same
    return undefined;
  }
}
