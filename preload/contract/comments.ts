// Comments in prompts, from '#' to the end of the line; `\#` is a plain sign. The window says what they are while somebody types, the engine leaves them out.

/** Where the comment of a line begins, or its end. */
export function commentAt(line: string): number {
  for (const { 0: found, index } of line.matchAll(/\\.|#/gs)) if (found === '#') return index;
  return line.length;
}

/** What is left out of a prompt, without its '#'. */
export const commentsIn = (prompt: string): string[] =>
  (prompt.includes('#') ? prompt.split('\n') : []).map((line) => line.slice(commentAt(line)).replace(/^#+/, '').trim()).filter((comment) => comment !== '');
