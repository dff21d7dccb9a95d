// What is held in memory and told of a job whose texts may be of any length: the rest stays where it is stored until the job's turn comes.
import type { AnyJob, JobSettings, PaintSettings } from '../../../preload/contract/job';
import type { Notice } from '../../../preload/contract/notice';

const TITLE = 200, REMARKS = 20;

export interface Brief { readonly title: string; readonly settings: JobSettings }

export function briefOf(job: AnyJob): Brief {
  if (job.kind === 'upscale') return { title: '', settings: job };
  const { prompt, negative: _negative, template: _template, edit: _edit, hires, details, ...settings } = job, { prompt: _prompt, negative: _second, ...larger } = hires ?? {};
  return { title: cut(prompt), settings: { ...settings, ...(hires && { hires: larger as PaintSettings['hires'] }), ...(details && { details: details.map(({ prompt: _own, negative: _without, ...rest }) => rest) }) } };
}

/** The first of them, and of a name in them its beginning. */
export const briefRemarks = (notices: readonly Notice[]): Notice[] => notices.slice(0, REMARKS).map(({ code, data }) =>
  ({ code, data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, typeof value === 'string' ? cut(value) : value])) }) as Notice);

/** The text's beginning, and no half of a pair. A string of its own, so that the long one can go. */
export const cut = (text: string): string => (text.length <= TITLE ? text : Buffer.from(text.slice(0, TITLE).replace(/[\ud800-\udbff]$/, '')).toString());
