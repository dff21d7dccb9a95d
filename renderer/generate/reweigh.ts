// What Ctrl or Cmd with ↑ and ↓ does to a prompt: it changes the weight of what is selected, or of the word at the caret, and nothing else.
import { promptTree, type Group, type PromptTree, type Span } from './prompt-tree';

/** The range to replace, what it becomes, and the selection afterwards. */
export interface Edit extends Brackets { readonly from: number; readonly to: number; readonly text: string; readonly select: readonly [number, number] }
/** Those that an edit takes away and brings. */
interface Brackets { readonly gone: readonly string[]; readonly come: readonly string[] }

/** Brackets stay within ±2. */
const MOST = 2;
/** What round brackets without a number mean. */
const USUAL = 1.1;

/**
 * A caret weighs the round brackets that it stands in, or else its word: within an alternative or one side of a schedule, a `\(` is a letter. A tag
 * has its own number. A selection is weighed as a whole: BREAK, AND, comments and what parts alternatives stay out, and brackets that it cuts count
 * whole. At 1 the brackets go, where what was in them means the same without. null when there is nothing to weigh.
 */
export function reweigh(prompt: string, start: number, end: number, delta: number): Edit | null {
  const tree = promptTree(prompt), byOpen = new Map(tree.groups.map((group) => [group.open, group]));
  for (const bare of [true, false]) {
    const press: Press = { prompt, tree, byOpen, delta, bare };
    const edit = start === end ? atCaret(press, start) : atSelection(press, start, end);
    if (edit === null) return null;
    const after = prompt.slice(0, edit.from) + edit.text + prompt.slice(edit.to), grown = promptTree(after);
    if (isSameBut(tree, grown, edit) && tagsToBe(prompt, tree) === tagsToBe(after, grown)) return edit;
  }
  return null;
}

/** `bare`: brackets of weight 1 go. */
interface Press { readonly prompt: string; readonly tree: PromptTree; readonly byOpen: ReadonlyMap<number, Group>; readonly delta: number; readonly bare: boolean }

/** Whether the only brackets that came, went or have another number are those of the edit: letters that come together may make a word of the language. */
function isSameBut(before: PromptTree, after: PromptTree, { gone, come }: Edit): boolean {
  const counts = ({ tags, stops, units }: PromptTree): string => `${tags.length} ${stops.length} ${units.length}`;
  const of = ({ groups }: PromptTree, more: readonly string[]): string => [...groups.map(signOf), ...more].sort().join();
  return counts(before) === counts(after) && of(before, come) === of(after, gone);
}

/** How many tags there may be when choices and wildcards are filled in: `<3{a|b}:` begins one, `<3 {a|b}:` does not. */
function tagsToBe(prompt: string, { groups, units }: PromptTree): number {
  const filled = new Map([...groups.filter(({ kind }) => kind === 'choice').map(({ open, end }) => [open, end] as const), ...units.map(({ start, end }) => [start, end] as const)]);
  const last = prompt.lastIndexOf('>');
  let found = 0;
  for (const { index } of prompt.matchAll(/</g)) {
    let at = index + 1;
    for (let end = filled.get(at) ?? at; at < prompt.length && (end > at || nameLetter.test(prompt[at]!)); end = filled.get(at) ?? at) at = Math.max(end, at + 1);
    if (prompt[at] === ':' && at < last) found++;
  }
  return found;
}

const nameLetter = /[\p{L}\p{M}\p{N}_]/u;

const signOf = ({ kind, weight }: Pick<Group, 'kind' | 'weight'>): string => `${kind} ${weight?.text ?? ''}`;

/** A replacement, and what of it is selected then. */
interface Change extends Brackets { readonly from: number; readonly to: number; readonly text: string; readonly inner: readonly [number, number] }

function atCaret(press: Press, caret: number): Edit | null {
  const { prompt, tree, delta } = press;
  const within = ({ start, end }: Span): boolean => start < caret && caret < end;
  const tag = tree.tags.find(within);
  if (tag) return bumped(prompt, tag, delta, [caret, caret]);
  const group = innermost(tree.groups, caret, caret);
  if (!group || !isWeighed(group, prompt)) {
    if (tree.stops.some(within)) return null;
    const word = wordAt(tree.delimiters, caret);
    if (word.end > word.start) return editOf(wrapped(press, word));
  }
  const touched = group && isWeighed(group, prompt) ? group : tree.groups.find((each) => isWeighed(each, prompt) && (each.open === caret || each.end === caret));
  if (touched) return editOf(changed(press, touched));
  const beside = tree.tags.find((each) => each.start === caret || each.end === caret);
  return beside ? bumped(prompt, beside, delta, [caret, caret]) : null;
}

function atSelection(press: Press, start: number, end: number): Edit | null {
  const { prompt, tree, byOpen, delta } = press;
  const inTag = tree.tags.find((tag) => tag.start < start && end < tag.end);
  if (inTag) return bumped(prompt, inTag, delta, [start, end]);
  for (const unit of [...tree.units, ...tree.tags]) {
    if (unit.start < start && start < unit.end) start = unit.start;
    if (unit.start < end && end < unit.end) end = unit.end;
  }
  const group = innermost(tree.groups, start, end);
  if (group?.weight) [start, end] = [Math.min(start, group.weight.at), Math.min(end, group.weight.at)];
  const level = childrenOf(tree.groups, group, prompt.length);
  for (const child of level) {
    if (child.open < start && start < child.end) start = child.open;
    if (child.open < end && end < child.end) end = child.end;
  }
  const inner = trimmed(tree, { start, end });
  const isChild = level.some((child) => child.open === inner.start && child.end === inner.end && isWeighed(child, prompt));
  if (group && isWeighed(group, prompt) && !isChild) {
    const all = trimmed(tree, contentOf(group));
    if (start === end || (inner.start <= all.start && all.end <= inner.end)) return editOf(changed(press, group));
  }
  const changes = pieces(tree, level, { start, end }).flatMap((piece) => {
    if (piece.isTag) return tagChange(prompt, piece, delta) ?? [];
    const part = trimmed(tree, piece), whole = byOpen.get(part.start);
    if (part.start >= part.end) return [];
    return whole?.end === part.end && isWeighed(whole, prompt) ? changed(press, whole) : wrapped(press, part);
  });
  if (changes.length <= 1) return changes[0] ? editOf(changes[0]) : null;
  return joined(prompt, changes);
}

/** What lies between brackets and stops of one level, and its tags. */
function pieces({ stops, tags }: PromptTree, level: readonly Group[], { start, end }: Span): (Span & { readonly isTag?: boolean })[] {
  const cuts = [...stops.map((each) => ({ ...each, isTag: false })), ...tags.map((each) => ({ ...each, isTag: true })), ...level.filter(({ isCut }) => isCut).map(({ open, end: close }) => ({ start: open, end: close, isTag: false }))]
    .filter((cut) => cut.end > start && cut.start < end).sort((a, b) => a.start - b.start);
  const found: (Span & { readonly isTag?: boolean })[] = [];
  let from = start, child = 0;
  for (const cut of cuts) {
    while (level[child] && level[child]!.end <= cut.start) child++;
    const holds = level[child];
    if (cut.start < from || (holds && holds.open < cut.start && cut.end <= holds.end && !holds.isCut)) continue;      // inside a bracket
    found.push({ start: from, end: cut.start });
    if (cut.isTag) found.push(cut);
    from = cut.end;
  }
  if (from < end) found.push({ start: from, end });
  return found;
}

/** By itself, and with letters in it. */
const isWeighed = (group: Group, prompt: string): boolean => {
  const { start, end } = contentOf(group);
  return group.kind === 'round' && !group.isCut && prompt.slice(start, end).trim() !== '';
};

const contentOf = ({ open, end, weight }: Group): Span => ({ start: open + 1, end: weight?.at ?? end - 1 });

/** The brackets around all of a range. */
function innermost(groups: readonly Group[], start: number, end: number): Group | null {
  let found: Group | null = null;
  for (const group of groups) if (group.open < start && end < group.end) found = group;
  return found;
}

/** Those of one level, in order. */
function childrenOf(groups: readonly Group[], parent: Group | null, length: number): Group[] {
  const [from, to] = parent ? [parent.open + 1, parent.end - 1] : [0, length], children: Group[] = [];
  for (const group of groups) if (group.open >= (children.at(-1)?.end ?? from) && group.end <= to) children.push(group);
  return children;
}

function wordAt(delimiters: Uint8Array, caret: number): Span {
  let start = caret, end = caret;
  while (start > 0 && delimiters[start - 1] === 0) start--;
  while (delimiters[end] === 0) end++;
  return { start, end };
}

/** Without spaces, commas and stops at the ends. */
function trimmed({ delimiters }: PromptTree, { start, end }: Span): Span {
  while (start < end && delimiters[start] === 1) start++;
  while (end > start && delimiters[end - 1] === 1) end--;
  return { start, end };
}

const wrapped = ({ prompt, delta }: Press, { start, end }: Span): Change => bracketed(prompt.slice(start, end), start, end, stepped(1, '', delta), []);

const bracketed = (inner: string, from: number, to: number, text: string, gone: readonly string[]): Change =>
  ({ from, to, text: `(${inner}:${text})`, inner: [1, 1 + inner.length], gone, come: [signOf({ kind: 'round', weight: { at: 0, text } })] });

function changed(press: Press, group: Group): Change {
  const { prompt, tree, byOpen, delta, bare } = press;
  const { start, end } = contentOf(group), inner = prompt.slice(start, end), weight = stepped(Number(group.weight?.text ?? USUAL), group.weight?.text ?? '', delta), gone = [signOf(group)];
  const only = trimmed(tree, { start, end }), nested = byOpen.get(only.start);
  // The next press is for these brackets, not for those in them.
  if (nested?.end === only.end && isWeighed(nested, prompt)) return { ...bracketed(inner, group.open, group.end, weight, gone), inner: [0, inner.length + weight.length + 3] };
  return weight === '1' && bare && isOnePiece(press, group) ? { from: group.open, to: group.end, text: inner, inner: [0, inner.length], gone, come: [] } : bracketed(inner, group.open, group.end, weight, gone);
}

/** Whether a selection of what is in the brackets would be weighed as a whole again. */
function isOnePiece({ tree }: Press, group: Group): boolean {
  const content = contentOf(group);
  if (!anyWithin(tree.stops, content) && !anyWithin(tree.tags, content)) return true;
  return pieces(tree, childrenOf(tree.groups, group, 0), content).length === 1;
}

/** Spans are in order and apart. */
function anyWithin(spans: readonly Span[], { start, end }: Span): boolean {
  let from = 0, to = spans.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (spans[middle]!.start < start) from = middle + 1;
    else to = middle;
  }
  return from < spans.length && spans[from]!.start < end;
}

/** One step on, with as many decimals as it had. It stays as it was where it would leave the range. */
function stepped(value: number, written: string, delta: number, most = MOST): string {
  const decimals = Math.max(2, /\.(\d*)/.exec(written)?.[1]?.length ?? 0), next = Number((value + delta).toFixed(Math.min(decimals, 20)));
  return Math.abs(next) > most && Math.abs(next) > Math.abs(value) ? String(value) : String(next + 0);
}

const none: Brackets = { gone: [], come: [] };
const TAG_MOST = 10;
const counted = /^(?:lora|lyco|hypernet)$/i;

/** The number behind a tag's name; a LoRA without one has 1. Other tags have words there. */
function tagChange(prompt: string, { start, end }: Span, delta: number): Change | null {
  const [kind = '', name = '', value] = prompt.slice(start + 1, end - 1).split(':'), from = start + 2 + kind.length + name.length;
  if (value !== undefined && /^\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*$/.test(value)) {
    const text = `:${stepped(Number(value), value.trim(), delta, TAG_MOST)}`;
    return { from, to: from + 1 + value.length, text, inner: [1, text.length], ...none };
  }
  if (!counted.test(kind) || (value !== undefined && !value.includes('='))) return null;
  const text = `:${stepped(1, '', delta, TAG_MOST)}`;
  return { from, to: from, text, inner: [1, text.length], ...none };
}

/** The selection stays where it was, so that the next press finds the tag again. */
function bumped(prompt: string, tag: Span, delta: number, select: readonly [number, number]): Edit | null {
  const change = tagChange(prompt, tag, delta);
  if (!change) return null;
  const grown = change.text.length - (change.to - change.from), moved = (at: number): number => (at <= change.from ? at : at >= change.to ? at + grown : change.from);
  return { ...change, select: [moved(select[0]), moved(select[1])] };
}

const editOf = ({ inner: [start, end], ...change }: Change): Edit => ({ ...change, select: [change.from + start, change.from + end] });

/** Several changes as one, all of which stays selected. */
function joined(prompt: string, changes: readonly Change[]): Edit {
  const from = changes[0]!.from, to = changes.at(-1)!.to;
  let text = '', at = from;
  for (const change of changes) {
    text += prompt.slice(at, change.from) + change.text;
    at = change.to;
  }
  return { from, to, text, select: [from, from + text.length], gone: changes.flatMap(({ gone }) => gone), come: changes.flatMap(({ come }) => come) };
}
