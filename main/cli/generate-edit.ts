// What `generate` is told of an edit by words: the new prompt, what its words weigh, and how much of the picture's composition stays.
import type { JobRequest } from '../../preload/contract/job';
import type { PictureRequest } from '../../preload/contract/picture-report';
import { AppError } from '../engine/errors';
import type { Flag } from './args';

export const editFlags = {
  edit: { kind: 'text', value: 'TEXT', help: 'a new prompt for the picture of --from: what it says is painted, and the composition stays (prompt to prompt)' },
  'edit-word': { kind: 'list', value: 'WORD:N', help: 'how strongly a word of --edit counts, -20 to 20; 1 is as it is; may be given more than once' },
  'edit-only': { kind: 'list', value: 'WORD', help: 'changes stay where this word is, as OLD=NEW where --edit has another; may be given more than once' },
  'edit-cross': { kind: 'number', value: '0-1', help: 'for which share of the steps words stay where they are; 0.8 without it' },
  'edit-self': { kind: 'number', value: '0-1', help: 'for which share of the steps the layout stays; 0.4 without it' },
  'edit-threshold': { kind: 'number', value: '0-1', help: 'how clear a place of --edit-only must be; 0.3 without it' },
} as const satisfies Readonly<Record<string, Flag>>;

export interface EditValues {
  readonly edit: string | undefined; readonly 'edit-word': readonly string[]; readonly 'edit-only': readonly string[];
  readonly 'edit-cross': number | undefined; readonly 'edit-self': number | undefined; readonly 'edit-threshold': number | undefined;
}

/** Flags that mean nothing without another. */
export const editCompanions = [['edit', 'from'], ['edit-word', 'edit'], ['edit-only', 'edit'], ['edit-cross', 'edit'], ['edit-self', 'edit'], ['edit-threshold', 'edit-only']] as const;

/** Of a picture that was edited already, the one that it was made from stays the source. Throws usage for a word without a weight. */
export function editFrom(values: EditValues, like: PictureRequest): Pick<JobRequest, 'edit'> & { prompt?: string } {
  if (values.edit === undefined) return {};
  const { 'edit-word': weighed, 'edit-only': only, 'edit-cross': cross = 0.8, 'edit-self': self = 0.4, 'edit-threshold': threshold = 0.3 } = values;
  const places = only.map((word) => word.split('=') as [string, string?]);
  return {
    prompt: values.edit,
    edit: {
      source: like.edit?.source ?? { prompt: like.prompt ?? '', negative: like.negative }, cross, self,
      ...(weighed.length > 0 && { words: weighed.map(weighedWord) }),
      ...(places.length > 0 && { blend: { source: places.map(([source]) => source), edited: places.map(([source, edited = source]) => edited), threshold } }),
    },
  };
}

function weighedWord(value: string): { text: string; weight: number } {
  const [, text, weight] = /^(.+):([+-]?(?:\d+\.?\d*|\.\d+))$/s.exec(value.trim()) ?? [];
  if (text === undefined) throw new AppError('usage', { why: 'weight', flag: '--edit-word', value });
  return { text, weight: Number(weight) };
}
