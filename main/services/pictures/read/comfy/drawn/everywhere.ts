// Use Everywhere: values that go to every input of their type that has no link. What the window has worked out is taken where the file says it.
import { asList, asNumber, asObject, asText } from '../../fields';
import type { JsonObject } from '../../json';
import { OFF, BYPASSED, type Drawing, type DrawnInput, type DrawnLink, type DrawnNode } from './drawing';

export const isEverywhere = (type: string): boolean => /^(?:Anything Everywhere|Prompts Everywhere)/.test(type);

interface Broadcast {
  readonly link: DrawnLink;
  readonly type: string;
  readonly prefix: string;
  readonly priority: number;
  readonly fits: (node: DrawnNode, input: DrawnInput) => boolean;
}

/** Of inputs without a link, by 'node\ninput'. */
export function everywhereLinks(workflow: JsonObject, drawing: Drawing): Map<string, DrawnLink> {
  const found = new Map<string, DrawnLink>();
  for (const link of (asList(asObject(workflow.extra)?.ue_links) ?? []).map(asObject)) {
    const input = link && drawing.nodes.get(String(link.downstream))?.inputs[asNumber(link.downstream_slot) ?? -1];
    if (input && input.link === null)
      found.set(`${String(link.downstream)}\n${input.name}`, {
        from: String(link.upstream),
        slot: asNumber(link.upstream_slot) ?? 0,
        type: asText(link.type) ?? input.type,
      });
  }
  const broadcasts = [...drawing.nodes.values()].filter(isLive).flatMap((node) => broadcastsOf(node, drawing));
  const byType = new Map<string, Broadcast[]>();
  for (const each of broadcasts) {
    const key = `${each.prefix}\n${each.type}`;
    byType.set(key, [...(byType.get(key)?.slice(0, MOST_OF_A_TYPE) ?? []), each]);
  }
  if (broadcasts.length === 0) return found;
  for (const node of drawing.nodes.values()) {
    if (!isLive(node) || isEverywhere(node.type)) continue;
    for (const input of node.inputs) {
      const key = `${node.id}\n${input.name}`;
      if (input.link !== null || found.has(key) || !isOpen(node, input)) continue;
      const fitting = (byType.get(`${node.prefix}\n${input.type}`) ?? []).filter(({ link, fits }) => link.from !== node.id && fits(node, input));
      const most = Math.max(...fitting.map(({ priority }) => priority)), best = fitting.filter(({ priority }) => priority === most);
      if (best.length === 1) found.set(key, best[0]!.link); // of two that are equally near, none is sent
    }
  }
  return found;
}

const MOST_OF_A_TYPE = 20;
const isLive = ({ mode }: DrawnNode): boolean => mode !== OFF && mode !== BYPASSED;

/** Widgets take a value only where their node says so. */
function isOpen({ properties }: DrawnNode, { name, widget }: DrawnInput): boolean {
  const settings = asObject(properties.ue_properties) ?? properties;
  return widget === null
    ? asObject(settings.input_ue_unconnectable)?.[name] !== true
    : asObject(settings.widget_ue_connectable)?.[name] === true || settings.version === undefined;
}

function broadcastsOf(node: DrawnNode, drawing: Drawing): Broadcast[] {
  if (node.type === 'Seed Everywhere') return [broadcastOf(node, { from: node.id, slot: 0, type: 'INT' }, 20, drawing, /seed/i)];
  const settings = asObject(node.properties.ue_properties);
  if (node.properties.ue_convert === true && !isEverywhere(node.type))
    return node.outputs.map(({ type }, slot) => broadcastOf(node, { from: node.id, slot, type }, 10, drawing, settings?.seed_inputs ? /seed/i : undefined));
  if (!isEverywhere(node.type)) return [];
  const linked = node.inputs.flatMap((input, i) => {
    const link = input.link === null ? undefined : drawing.links.get(input.link);
    return link ? [{ input, link, i }] : [];
  });
  const types = linked.map(({ link }) => link.type), isTwice = (type: string): boolean => types.filter((each) => each === type).length > 1;
  return linked.map(({ input, link, i }) => {
    if (node.type === 'Prompts Everywhere') return broadcastOf(node, link, 20, drawing, i === 0 ? /(?:_|\b)pos(?:itive|_|\b)/i : /(?:_|\b)neg(?:ative|_|\b)/i);
    return broadcastOf(node, link, 10, drawing, isTwice(link.type) ? input.label : undefined);
  });
}

/** `wanted`: a pattern for the input's name, or the name itself. */
function broadcastOf(node: DrawnNode, link: DrawnLink, base: number, drawing: Drawing, wanted?: RegExp | string): Broadcast {
  const settings = asObject(node.properties.ue_properties) ?? {};
  const old = node.type === 'Anything Everywhere?' && settings.title_regex === undefined ? (asList(node.values) ?? []) : [];
  const patterns = (['title', 'input', 'group'] as const).map((name, i) =>
    patternOf(asText(settings[`${name}_regex`]) ?? asText(old[i]), settings[`${name}_regex_invert`] === true),
  );
  const isRestricted = patterns.some((pattern) => pattern !== null);
  const grouped = asNumber(settings.group_restricted ?? node.properties.group_restricted) ?? Number(node.properties.group_restricted === true);
  const coloured = asNumber(settings.color_restricted ?? node.properties.color_restricted) ?? Number(node.properties.color_restricted === true);
  const own = grouped > 0 || patterns[2] ? groupsOf(node, drawing) : [], [title, name, group] = patterns;
  return {
    link,
    type: link.type,
    prefix: node.prefix,
    priority: asNumber(settings.priority) ?? base + (isRestricted || typeof wanted === 'string' ? 20 : 0) + (grouped > 0 ? 3 : 0) + (coloured > 0 ? 6 : 0),
    fits: (to, input) =>
      (wanted === undefined ||
        (typeof wanted === 'string' ? wanted === input.label : wanted.test(input.label) || (input.type === 'CONDITIONING' && wanted.test(to.title)))) &&
      (!title || title(to.title)) &&
      (!name || name(input.label)) &&
      (!group || groupsOf(to, drawing).some((each) => group(asText(each.title) ?? ''))) &&
      (grouped === 0 || groupsOf(to, drawing).some((each) => own.includes(each)) === (grouped === 1)) &&
      (coloured === 0 || (to.whole.color === node.whole.color) === (coloured === 1)),
  };
}

/** Frames that a node's middle lies in. */
function groupsOf({ whole, prefix }: DrawnNode, { groups }: Drawing): JsonObject[] {
  const pair = (value: unknown): [number, number] => {
    const list = asList(value) ?? Object.values(asObject(value) ?? {});
    return [asNumber(list[0]) ?? 0, asNumber(list[1]) ?? 0];
  };
  const [x, y] = pair(whole.pos), [width, height] = pair(whole.size);
  return (groups.get(prefix) ?? []).slice(0, 200).filter((group) => {
    const [left = 0, top = 0, wide = 0, high = 0] = (asList(group.bounding) ?? []).map((part) => asNumber(part) ?? 0);
    const [a, b] = [x + width / 2, y + height / 2];
    return a >= left && a < left + wide && b >= top && b < top + high;
  });
}

/** Somebody's pattern. Only words with `|`, `^`, `$`, `.` and a few `.*` are tried, since others may take for ever; such a one fits nothing. */
function patternOf(source: string | undefined, isInverted: boolean): ((said: string) => boolean) | null {
  if (source === undefined || source === '' || source === '.*') return null;
  if (!/^(?:[\w\s|^$,:-]|\.\*?)*$/.test(source) || source.length > 200 || source.split('.*').length > 4) return () => false;
  const pattern = new RegExp(source);
  return (said) => pattern.test(said.slice(0, 200)) !== isInverted;
}
