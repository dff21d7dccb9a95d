// From the text that somebody typed to what the pipeline does with it. The order of work: comments, extra networks, AND, schedules;
// emphasis is read when a text is encoded (chunks.ts). Styles and wildcards have been filled in before.
import type { EmphasisMode } from './emphasis';
import { unescapeChoices, unescapeWords } from './escapes';
import { splitAnd, stripComments, takeExtraNetworks, type ExtraNetwork } from './prompt-syntax';
import { parseSchedule, type ScheduledText, type Timing } from './schedules';

export interface PromptPlan {
  readonly networks: readonly ExtraNetwork[];
  /** One unless the prompt has AND. */
  readonly parts: readonly PromptPart[];
}
export interface PromptPart {
  readonly weight: number;
  /** Ascending, the last ends at the number of steps. Neighbours may have the same text. */
  readonly schedule: readonly ScheduledText[];
}

/** Never throws: what cannot be read is used literally, and in ComfyUI's language all of this is text. */
export function parsePrompt(text: string, timing: Timing, emphasis?: EmphasisMode): PromptPlan {
  if (emphasis === 'comfy') return { networks: [], parts: [{ weight: 1, schedule: always(unescapeChoices(text), timing) }] };
  const { prompt, networks } = takeExtraNetworks(stripComments(text));
  const parts = splitAnd(prompt).map((part) => ({ weight: part.weight, schedule: scheduled(part.text, timing, emphasis) }));
  return { networks, parts };
}

/** A negative prompt has one part: AND and tags in it are text. */
export const parseNegativePrompt = (text: string, timing: Timing, emphasis?: EmphasisMode): ScheduledText[] =>
  (emphasis === 'comfy' ? always(unescapeChoices(text), timing) : scheduled(stripComments(text), timing, emphasis));

/** Where no brackets are read, nobody else takes the backslashes away. */
function scheduled(text: string, timing: Timing, emphasis?: EmphasisMode): ScheduledText[] {
  const schedule = parseSchedule(text, timing);
  return emphasis === 'none' ? schedule.map((entry) => ({ ...entry, text: unescapeWords(entry.text) })) : schedule;
}

const always = (text: string, { steps }: Timing): ScheduledText[] => [{ endAtStep: steps, text }];
