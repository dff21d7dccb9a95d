// Prompts that change while the picture forms: [from:to:when], [to:when], [from::when] and [a|b|c]. The grammar of A1111's web UI.
import { space } from './unicode';

export interface Timing {
  readonly steps: number;
  /** For the schedule of a second pass: its steps. `when` then counts on from the end of the first pass. */
  readonly hiresSteps?: number | undefined;
  /** As before A1111 1.6: below 1 a fraction, else a step, in the second pass as in the first. */
  readonly oldRule?: boolean | undefined;
}

/** `text` holds up to and including step `endAtStep`, counted from 1. Ascending; the last one ends at the number of steps. */
export interface ScheduledText { endAtStep: number; text: string }

/** Text that cannot be read is used literally: brackets that match nothing as they stand, and all of it when a '|' or a lone '\' is left over. Never throws. */
export function parseSchedule(prompt: string, timing: Timing): ScheduledText[] {
  const steps = timing.oldRule ? timing.steps : timing.hiresSteps ?? timing.steps;
  const nodes = parse(prompt);
  if (nodes === null) return [{ endAtStep: steps, text: prompt }];

  const whenOf = (edit: Edit): number => stepOf(edit.when, steps, timing);
  const ends = new Set([steps]);
  visit(nodes, (node) => {
    if (node.kind === 'alternate') for (let step = 1; step <= steps; step++) ends.add(step);
    else if (node.kind === 'edit' && whenOf(node) >= 1) ends.add(whenOf(node));
    return node.parts;
  });
  return [...ends].sort((a, b) => a - b).map((step) => {
    let text = '';
    visit(nodes, (node) => {
      if (node.kind === 'group') return node.parts;
      const chosen = node.kind === 'alternate' ? (step - 1) % node.parts.length : step <= whenOf(node) ? 0 : 1;
      return [node.parts[chosen]!];
    }, (part) => { text += part; });
    return { endAtStep: step, text };
  });
}

/** The last step of the first text; below 1 the second text holds from the start. */
function stepOf(when: string, steps: number, { steps: baseSteps, hiresSteps, oldRule }: Timing): number {
  const value = Number(when);
  const hires = hiresSteps !== undefined && !oldRule;
  const isFraction = oldRule ? value < 1 : when.includes('.');
  const step = isFraction ? (value - (hires ? 1 : 0)) * steps : value - (hires ? baseSteps : 0);
  return Math.min(steps, Math.trunc(step));
}

type ScheduleNodes = readonly (string | ScheduleNode)[];
interface Group { kind: 'group'; parts: readonly ScheduleNodes[] }
interface Alternate { kind: 'alternate'; parts: readonly ScheduleNodes[] }
/** parts: before and after. `start` and `end` are where its brackets stand, `end` just behind. */
interface Edit { kind: 'edit'; parts: readonly [ScheduleNodes, ScheduleNodes]; when: string; start: number; end: number }
type ScheduleNode = Group | Alternate | Edit;

/** An open bracket at `start`: what was read since, split at its ':' or '|', with the separators and where the latest part begins. */
interface Frame { start: number; bracket: string; parts: (string | ScheduleNode)[][]; separators: string[]; partStart: number }

const tokens = /\\[^\n]|[^\\[\]():|]+|[[\]():|]|\\/gu;
const number = new RegExp(`^[${space}]*([+-]?(?:\\d+[eE][+-]?\\d+|(?:\\d+\\.\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?|\\d+))[${space}]*$`, 'u');

/**
 * One pass with a stack instead of recursion, so that depth costs nothing. A bracket counts only when all within it is well formed; when one fails,
 * those around it fail too, and what they hold moves to the top level, where brackets and colons are plain text. null: cannot be read.
 *
 * Where brackets do not match, the grammar has several readings, and A1111's parser takes one by chance (its sets go by Python's hash, which has another
 * seed at each start). We keep what is well formed, except in '[a:0.5]]', where whoever closes once too often gets the text as it stands.
 */
function parse(prompt: string): ScheduleNodes | null {
  const top: (string | ScheduleNode)[] = [];
  const open: Frame[] = [];
  const add = (node: string | ScheduleNode): void => { (open.at(-1)?.parts.at(-1) ?? top).push(node); };
  /** False when a '|' would be left at the top level. */
  const fail = (): boolean => {
    const failed = open.splice(0);
    for (const frame of failed) for (const node of withSeparators(frame)) top.push(node);
    return failed.every(({ separators }) => separators[0] !== '|');
  };

  for (const { 0: text, index } of prompt.matchAll(tokens)) {
    if (text === '\\') return null;
    const frame = open.at(-1);
    if (text === '(' || text === '[') {
      open.push({ start: index, bracket: text, parts: [[]], separators: [], partStart: index + 1 });
    } else if (text === ')' || text === ']') {
      const node = frame && closed(frame, text, prompt.slice(frame.partStart, index), index + 1);
      if (node) {
        open.pop();
        add(node);
      } else {
        if (!fail()) return null;
        const last = top.at(-1);
        if (text === ']' && isEditEndingAt(index, last) && !hasAlternate(last)) top[top.length - 1] = prompt.slice(last.start, index);
        top.push(text);
      }
    } else if (text === ':' || text === '|') {
      if (frame && mayFollow(frame, text)) {
        frame.parts.push([]);
        frame.separators.push(text);
        frame.partStart = index + 1;
      } else {
        if (!fail() || text === '|') return null;
        top.push(text);
      }
    } else add(text);
  }
  return fail() ? top : null;
}

const isEditEndingAt = (index: number, node: string | ScheduleNode | undefined): node is Edit => typeof node === 'object' && node.kind === 'edit' && node.end === index;

/** A '|' has no reading as text. */
function hasAlternate(edit: Edit): boolean {
  let found = false;
  visit([edit], (node) => {
    found ||= node.kind === 'alternate';
    return node.parts;
  });
  return found;
}

/** (a:b), [a:b:1] and [a|b|c] are all there is. */
function mayFollow({ bracket, separators }: Frame, separator: string): boolean {
  if (separator === '|') return bracket === '[' && separators[0] !== ':';
  return separators[0] !== '|' && separators.length < (bracket === '[' ? 2 : 1);
}

function closed(frame: Frame, bracket: string, lastPart: string, end: number): ScheduleNode | null {
  const { start, parts, separators } = frame;
  if ((frame.bracket === '[') !== (bracket === ']')) return null;
  if (bracket === ')' || separators.length === 0) return { kind: 'group', parts: [[...withSeparators(frame), bracket]] };
  if (separators[0] === '|') return { kind: 'alternate', parts };
  const when = number.exec(lastPart)?.[1];
  if (when === undefined) return null;
  const [before, after] = parts.length === 3 ? parts : [[], parts[0]];
  return { kind: 'edit', parts: [before!, after!], when, start, end };
}

function withSeparators({ bracket, parts, separators }: Frame): (string | ScheduleNode)[] {
  return [bracket, ...parts.flatMap((part, i) => (i > 0 ? [separators[i - 1]!, ...part] : part))];
}

/** In reading order, through those parts of each node that `partsOf` chooses. */
function visit(nodes: ScheduleNodes, partsOf: (node: ScheduleNode) => readonly ScheduleNodes[], onText?: (text: string) => void): void {
  const todo = [...nodes].reverse();
  for (let node = todo.pop(); node !== undefined; node = todo.pop()) {
    if (typeof node === 'string') onText?.(node);
    else for (const part of [...partsOf(node)].reverse()) for (let i = part.length - 1; i >= 0; i--) todo.push(part[i]!);
  }
}
