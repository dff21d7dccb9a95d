// Comments in prompts, as A1111 has them: from '#' to the end of the line.

/** Without them; a line that holds nothing else goes as a whole. */
export function stripComments(text: string): string {
  if (!text.includes('#')) return text;
  return text.split('\n').filter((line) => !line.startsWith('#')).map((line) => line.split('#', 1)[0]!).join('\n');
}
