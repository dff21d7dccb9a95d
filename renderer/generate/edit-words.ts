// The words of an edit as somebody types them: `blue:2, house:0.5`, and `house, cat=dog` for the places where a picture may change.
import type { EditValues } from './form';

type Weights = EditValues['words'];
type Places = EditValues['blend'];

const items = (text: string): string[] => text.split(',').map((item) => item.trim()).filter((item) => item !== '');

export const weightsText = (words: Weights): string => (words ?? []).map(({ text, weight }) => `${text}:${weight}`).join(', ');

/** undefined: none; null: cannot be read. */
export function parseWeights(text: string): Weights | null {
  const words = items(text).map((item) => /^(.+):\s*([+-]?(?:\d+\.?\d*|\.\d+))$/.exec(item));
  if (words.length === 0) return undefined;
  if (words.some((word) => !word || Math.abs(Number(word[2])) > 20)) return null;
  return words.map((word) => ({ text: word![1]!.trim(), weight: Number(word![2]) }));
}

export const onlyText = (blend: Places): string => (blend?.source ?? []).map((word, i) => (blend!.edited[i] === word || blend!.edited[i] === undefined ? word : `${word}=${blend!.edited[i]}`)).join(', ');

/** undefined: everywhere; null: cannot be read. */
export function parseOnly(text: string, threshold = 0.3): Places | null {
  const pairs = items(text).map((item) => item.split('=').map((word) => word.trim()));
  if (pairs.length === 0) return undefined;
  if (pairs.some((pair) => pair.length > 2 || pair.includes(''))) return null;
  return { source: pairs.map(([source]) => source!), edited: pairs.map(([source, edited = source]) => edited!), threshold };
}
