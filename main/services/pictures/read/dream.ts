// InvokeAI's oldest form, the command that made the picture: "a cat [blurry]" -s 50 -S 42 -W512 -H512 -C7.5 -A k_lms
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { asInteger, asNumber, asSeed, compact, Fields } from './fields';
import { takeSampler } from './sampling-fields';

/** null when there is no prompt in quotes. */
export function readDream(text: string): PictureJob | null {
  const [command, quoted] = /^\s*"((?:\\.|[^"\\])*)"/s.exec(text.slice(0, 100_000)) ?? [];
  if (command === undefined || quoted === undefined) return null;
  const { prompt, negative } = splitNegative(quoted.replace(/\\(.)/gs, '$1'));
  const left = new Fields(switches(text.slice(command.length)));
  const sampling = takeSampler(left, 'A', 'sampler');
  return {
    ...compact({
      prompt, negative, steps: left.take(asInteger, 's', 'steps'), sampler: sampling?.sampler, schedule: sampling && (sampling.schedule ?? 'normal' as const),
      cfg: left.take(asNumber, 'C', 'cfg_scale'), seed: left.take(asSeed, 'S', 'seed'), width: left.take(asInteger, 'W', 'width'), height: left.take(asInteger, 'H', 'height'),
      strength: left.take(asNumber, 'f', 'strength'),
    }),
    loras: [], extra: left.rest(),
  };
}

/** `-s 50`, `-s50`, `--seamless`, `-G 0.8 0.5`: name and value; a switch without one is true. */
function switches(text: string): [string, unknown][] {
  const found: [string, unknown][] = [];
  for (const word of text.match(/"[^"]*"|\S+/g) ?? []) {
    const last = found.at(-1);
    const [, long, short, joined] = /^(?:--([a-z_][\w-]*)|-(cf|ft|[A-Za-z])(.*))$/s.exec(word) ?? [];
    if (long !== undefined || short !== undefined) found.push([long ?? short!, joined ? joined : true]);
    else if (last) last[1] = last[1] === true ? word : `${String(last[1])} ${word}`;
  }
  return found;
}

/** What stands in square brackets is not wanted. */
export function splitNegative(text: string): { prompt: string; negative: string } {
  const negatives = [...text.matchAll(/\[([^[\]]*)\]/g)].map(([, inner]) => inner!.trim());
  // The spaces before a bracket go too, looked at from the first of them alone: else long runs would take quadratic time.
  return { prompt: text.replace(/(?<! ) *\[[^[\]]*\]/g, '').trim(), negative: negatives.filter((part) => part !== '').join(', ') };
}
