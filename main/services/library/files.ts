// The library's files have names that people can read in a file manager.
import type { AnyJob } from '../../../preload/contract/job';

const SLUG_CHARACTERS = 40;

/** e.g. `2026/11/2026-11-21_07-18-55_42_a-red-house-on-grass.png` in local time, with '/' on every system. The nth of the same name ends in `_n`. */
export function fileName(job: AnyJob, time: Date, n: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const year = String(time.getFullYear()), month = two(time.getMonth() + 1);
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join('-');
  const parts = [`${year}-${month}-${two(time.getDate())}`, clock, ...(job.kind === 'upscale' ? [`x${job.scale}`, slug(job.files.upscaler.name)] : [job.seed, slug(job.prompt)]), n > 1 ? n : ''];
  return `${year}/${month}/${parts.filter((part) => part !== '').join('_')}.png`;
}

/** The prompt's first words in plain ASCII, which every file system keeps as it is. Empty where there are none. */
function slug(prompt: string): string {
  const words = prompt.slice(0, 400).replace(/<[^<>]*>/g, ' ').normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().match(/[a-z0-9]+/g) ?? [];
  let text = words.join('-');
  if (text.length > SLUG_CHARACTERS) text = text.slice(0, SLUG_CHARACTERS + 1).replace(/-[^-]*$/, '').slice(0, SLUG_CHARACTERS);
  return text;
}
