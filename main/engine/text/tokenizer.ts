// CLIP's tokenizer: text → ids of its byte-pair vocabulary, as openai/CLIP's SimpleTokenizer. The merge list comes from outside; there is no file access here.
import { joinPairs, pairKey } from './byte-pair';
import { fixText } from './fix-text';
import { unescapeHtml } from './html-entities';
import { space } from './unicode';

const mergeCount = 49152 - 256 - 2;

/** The merges in the text of `bpe_simple_vocab_16e6.txt`: a heading, then one pair a line; what follows CLIP's 48,894 is not used. */
export const mergesOf = (vocabulary: string): string[] => vocabulary.split('\n', 1 + mergeCount).slice(1);

/** Words kept with their ids, so that a prompt being typed costs only what is new. */
const cacheSize = 10_000;

/** Ids: 256 bytes, 256 bytes that end a word, one per merge, start, end. */
export class Tokenizer {
  readonly startId: number;
  readonly endId: number;
  /** The id of ',' as a word. Long prompts are cut there. */
  readonly commaId: number;
  readonly #symbols: string[];
  readonly #ids: Map<string, number>;
  readonly #joins = new Map<number, number>();
  readonly #cache = new Map<string, readonly number[]>();

  constructor(merges: readonly string[]) {
    this.#symbols = [...byteSymbols, ...byteSymbols.map((symbol) => `${symbol}</w>`)];
    this.#ids = new Map(this.#symbols.map((symbol, id) => [symbol, id]));
    for (const merge of merges) {
      const [left = '', right = ''] = merge.split(' ');
      this.#joins.set(pairKey(this.#ids.get(left)!, this.#ids.get(right)!), this.#add(left + right));
    }
    this.startId = this.#add('<|startoftext|>');
    this.endId = this.#add('<|endoftext|>');
    this.commaId = this.#ids.get(',</w>')!;
    this.#cache.set('<|startoftext|>', [this.startId]).set('<|endoftext|>', [this.endId]);
  }

  get size(): number {
    return this.#symbols.length;
  }

  /** Ids of the text, without start, end or padding, at any length. Never fails. */
  encode(text: string): number[] {
    const clean = unescapeHtml(unescapeHtml(fixText(text))).toLowerCase();
    const ids: number[] = [];
    for (const [word] of clean.matchAll(words)) for (const id of this.#encodeWord(word)) ids.push(id);
    return ids;
  }

  /** The text that ids stand for, lower-case, a space after each word. Bytes that are no character alone come out as U+FFFD. */
  decode(ids: readonly number[]): string {
    const symbols = ids.map((id) => (this.#symbols[id] ?? '').replace(/<\/w>$/, ' ')).join('');
    return utf8.decode(Uint8Array.from(symbols, (symbol) => (symbol === ' ' ? 0x20 : byteOfSymbol.get(symbol)!)));
  }

  /** Whether a word ends with this token; else the next goes on with it. */
  endsWord(id: number): boolean {
    return this.#symbols[id]?.endsWith('</w>') ?? false;
  }

  /** The id of a symbol as the vocabulary writes it ('cat</w>', 'Ġ'), or undefined. */
  idOf(symbol: string): number | undefined {
    return this.#ids.get(symbol);
  }

  #add(symbol: string): number {
    const id = this.#symbols.push(symbol) - 1;
    this.#ids.set(symbol, id);
    return id;
  }

  #encodeWord(word: string): readonly number[] {
    const known = this.#cache.get(word);
    if (known) return known;
    const symbols = Int32Array.from(utf8Encoder.encode(word), (byte) => symbolOfByte.get(byte)!);
    symbols[symbols.length - 1]! += 256;
    const ids = [...joinPairs(symbols, this.#joins)];
    if (this.#cache.size < cacheSize) this.#cache.set(word, ids);
    return ids;
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const utf8Encoder = new TextEncoder();

/**
 * Contractions, words, single digits, runs of anything else. The text is lower-case; since the reference ignores case, 'ſ' counts as 's', and U+0345, whose
 * capital is a letter, is none of them and left out.
 */
const words = new RegExp(
  `<\\|[sſ]tartoftext\\|>|<\\|endoftext\\|>|'(?:[sſ]|t|re|ve|m|ll|d)|\\p{L}+|\\p{N}|[^${space}\\u0345\\p{L}\\p{N}]+`, 'gu');

/** A printable character for every byte: itself where it has one, else U+0100 onwards. The order is that of the vocabulary's first ids. */
const printable = [[0x21, 0x7e], [0xa1, 0xac], [0xae, 0xff]].flatMap(([from, to]) => Array.from({ length: to! - from! + 1 }, (_, i) => from! + i));
const byteOrder = [...printable, ...Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable.includes(byte))];
const byteSymbols = byteOrder.map((byte, i) => String.fromCharCode(i < printable.length ? byte : 0x100 + i - printable.length));
const symbolOfByte = new Map(byteOrder.map((byte, i) => [byte, i]));
const byteOfSymbol = new Map(byteSymbols.map((symbol, i) => [symbol, byteOrder[i]!]));
