// The emphasis grammar of A1111's web UI: (more), [less], (so much:1.3), \( escaped brackets \), BREAK; and, which is ours alone, \BREAK and \: as text.
import { space, toNumber, trimEnd, trimStart, word } from './unicode';

/** Text and how much it counts; 1 is neutral, weights may be negative. A BREAK is a piece of its own: see `isBreak`. */
export interface Piece { text: string; weight: number }

export const isBreak = (piece: Piece): boolean => piece.text === 'BREAK' && piece.weight === -1;

/** Beyond this a weight could leave the range of float32 when it is multiplied with an embedding. */
const largest = 1e30;

/** Of one kind around a text: brackets deeper than this weigh nothing, as 1.1 to this power is beyond `largest`. */
const DEEPEST = 750;

/**
 * The pieces of a prompt, neighbours of equal weight joined; one empty piece for an empty prompt. Round brackets multiply by 1.1, square ones divide
 * by it, `(text:1.3)` multiplies by its number; nested weights multiply. An opening bracket without partner acts to the end, a closing one is
 * text, and so is a number that is none. As in A1111, a BREAK inside brackets is the word BREAK, of negative weight. Never throws.
 */
export function parseAttention(prompt: string): Piece[] {
  const texts: string[] = [];
  const weights: number[] = [];                              // a list of plain numbers, as brackets that never close touch all that follows
  const round: number[] = [];
  const square: number[] = [];
  const add = (text: string, weight = 1): void => { texts.push(text); weights.push(weight); };
  const multiply = (from: number, factor: number): void => {
    for (let i = from; i < weights.length; i++) weights[i]! *= factor;
  };
  const close = (open: number[], factor: number): void => {
    const from = open.pop()!;
    if (open.length < DEEPEST) multiply(from, factor);
  };

  const token = new RegExp(tokens, 'gu');
  for (let match = token.exec(prompt); match; match = token.exec(prompt)) {
    let text = match[0];
    const weight = match[1] === undefined ? NaN : toNumber(match[1]);
    if (text[0] === '\\') add(text.slice(1));
    else if (text === '(') round.push(texts.length);
    else if (text === '[') square.push(texts.length);
    else if (Number.isFinite(weight) && round.length > 0) close(round, weight);
    else if (text === ')' && round.length > 0) close(round, 1.1);
    else if (text === ']' && square.length > 0) close(square, 1 / 1.1);
    else {
      if (match[1] !== undefined && round.length > 0) {
        text = text.slice(0, -1);                            // ':1.2.3)' is text, but its bracket still closes
        token.lastIndex--;
      }
      splitBreaks(text).forEach((part, i) => {
        if (i > 0) add('BREAK', -1);
        add(part);
      });
    }
  }
  for (const from of round.slice(0, DEEPEST)) multiply(from, 1.1);
  for (const from of square.slice(0, DEEPEST)) multiply(from, 1 / 1.1);
  return joinEqual(texts, weights);
}

const tokens = `\\\\(?:[()[\\]\\\\:]|BREAK(?![${word}]))?|[([)\\]]|:[${space}]*([+-]?[.\\p{Nd}]+)[${space}]*\\)|[^\\\\()[\\]:]+|:`;
const breakWord = new RegExp(`(?<![${word}])BREAK(?![${word}])`, 'u');

/** The texts between BREAKs, without the space around these. */
function splitBreaks(text: string): string[] {
  const parts = text.split(breakWord);
  return parts.map((part, i) => {
    const rest = i > 0 ? trimStart(part) : part;
    return i + 1 < parts.length ? trimEnd(rest) : rest;
  });
}

function joinEqual(texts: readonly string[], weights: readonly number[]): Piece[] {
  const pieces: Piece[] = [];
  texts.forEach((text, i) => {
    const weight = Math.max(-largest, Math.min(largest, weights[i]! || 0));      // NaN comes from infinity times zero
    const last = pieces.at(-1);
    if (last?.weight === weight) last.text += text;
    else pieces.push({ text, weight });
  });
  return pieces.length > 0 ? pieces : [{ text: '', weight: 1 }];
}
