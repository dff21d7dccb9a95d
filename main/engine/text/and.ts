// AND: several prompts at once, each with a weight. Composable diffusion, Liu et al. 2022 (arXiv:2206.01714), in A1111's notation.
import { space, toNumber, trimEnd, word } from './unicode';

/** The picture is denoised toward uncond + Σ weight · (cond − uncond). */
export interface WeightedPrompt { text: string; weight: number }

/** Splits at the word AND; `:weight` may end each part (default 1). Space at a part's end goes, at its start it stays. */
export const splitAnd = (prompt: string): WeightedPrompt[] => prompt.split(andWord).map(weighted);

const andWord = new RegExp(`(?<![${word}])AND(?![${word}])`, 'u');
const weight = new RegExp(`^[${space}]*([+-]?(?:\\p{Nd}+\\.?|\\p{Nd}*\\.\\p{Nd}+))$`, 'u');

function weighted(part: string): WeightedPrompt {
  const text = trimEnd(part);
  const colon = text.lastIndexOf(':');
  const value = colon < 0 ? undefined : weight.exec(text.slice(colon + 1))?.[1];
  const number = value === undefined ? NaN : toNumber(value);
  return Number.isFinite(number) ? { text: trimEnd(text.slice(0, colon)), weight: number } : { text, weight: 1 };
}
