// Words that call up what a LoRA was taught, put into a prompt as they are.

/** Signs of the prompt's language as plain ones. */
const literal = (words: string): string => words.replace(/[\\()[\]{}#<|]|__/g, '\\$&');

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** By themselves, in either case. */
export const hasWords = (prompt: string, words: string): boolean => new RegExp(`(?<![\\p{L}\\p{N}])${escaped(literal(words))}(?![\\p{L}\\p{N}])`, 'iu').test(prompt);

/** At the end, behind a comma. */
export function withWords(prompt: string, words: string): string {
  const before = prompt.replace(/[\s,]+$/, '');
  return before === '' ? literal(words) : `${before}, ${literal(words)}`;
}
