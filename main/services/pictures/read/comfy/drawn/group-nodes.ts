// Group nodes: several nodes drawn as one, whose definition lies with the graph. They are taken apart as ComfyUI's window does it.
import { asList, asNumber, asObject, asText } from '../../fields';
import type { JsonObject } from '../../json';
import { signatureOf } from '../signatures';
import { linksOf, type WrittenLink } from './written-links';

const groupName = /^workflow[/>](.+)$/s;
/** Groups may hold groups. */
const MOST_ROUNDS = 5, MOST_NODES = 5000;

/** The same graph with the nodes of its groups in their place, under ids like '20:1'. */
export function withoutGroups(workflow: JsonObject): JsonObject {
  const groups = asObject(asObject(workflow.extra)?.groupNodes);
  let nodes = (asList(workflow.nodes) ?? []).map(asObject).filter((node) => node !== undefined), links = groups ? linksOf(workflow) : [];
  if (!groups) return workflow;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const apart = nodes.map((node) => {
      const group = asObject(groups[groupName.exec(asText(node.type) ?? '')?.[1] ?? '']);
      return group ? takenApart(node, group) : null;
    });
    if (apart.every((each) => each === null) || nodes.length > MOST_NODES) break;
    const outlets = new Map(apart.flatMap((each) => (each ? [...each.outlets] : [])));
    links = [
      ...links.map((link) => {
        const outlet = outlets.get(`${link.from} ${link.slot}`);
        return outlet ? { ...link, from: outlet.id, slot: outlet.slot } : link;
      }),
      ...apart.flatMap((each) => each?.links ?? []),
    ];
    nodes = nodes.flatMap((node, i) => apart[i]?.nodes ?? [node]);
  }
  return { ...workflow, nodes, links: links.map(({ id, from, slot, to, toSlot, type }) => [id, from, slot, to, toSlot, type]) };
}

interface Apart {
  readonly nodes: JsonObject[];
  readonly links: WrittenLink[];
  /** Which inner output an outer one is, by 'id slot'. */ readonly outlets: ReadonlyMap<string, { readonly id: string; readonly slot: number }>;
}

function takenApart(node: JsonObject, group: JsonObject): Apart {
  const outer = String(node.id), inside = (asList(group.links) ?? []).map(insideLink), config = asObject(group.config) ?? {};
  const values = [...(asList(node.widgets_values) ?? [])], names = new Names();
  const parts = (asList(group.nodes) ?? []).map((each, i) => partOf(asObject(each) ?? {}, i, inside, asObject(config[String(i)]) ?? {}));
  // Newer files list every widget among the inputs, older ones those alone that were made sockets: as many values as the node has are left.
  const areListed = countOf(parts, false) !== values.length && countOf(parts, true) === values.length, sockets = objectsIn(node.inputs);
  const own = parts.map((part) => ownValues(part, names, values, areListed));
  const nodes = parts.map(
    (part, i): JsonObject => ({
      ...part.node,
      id: `${outer}:${i}`,
      mode: part.node.mode ?? node.mode,
      inputs: joinedInputs(part, names, sockets, `${outer}/${i}`),
      widgets_values: own[i],
    }),
  );
  const links = inside.filter(({ from }) => from >= 0).map(
      ({ from, slot, to, toSlot, type }): WrittenLink => ({
        id: `${outer}/${to}/${toSlot}`,
        from: `${outer}:${from}`,
        slot,
        to: `${outer}:${to}`,
        toSlot,
        type,
      }),
    );
  return { nodes, links, outlets: outletsOf(outer, parts, inside, group) };
}

/** A node of a group, as its definition has it. */
interface Part {
  readonly node: JsonObject;
  readonly inputs: readonly JsonObject[];
  /** Of its inputs that have a link: whether it comes from inside the group. */
  readonly linked: ReadonlyMap<number, { readonly isInside: boolean; readonly type: string }>;
  readonly widgets: readonly { readonly name: string; readonly extra: number }[];
  readonly settings: JsonObject;
  readonly outputs: JsonObject;
}

const objectsIn = (list: unknown): JsonObject[] => (asList(list) ?? []).map((each) => asObject(each) ?? {});

function partOf(node: JsonObject, index: number, inside: readonly InsideLink[], config: JsonObject): Part {
  const linked = new Map(
    inside.flatMap(({ from, to, toSlot, type }): [number, { isInside: boolean; type: string }][] =>
      to === index ? [[toSlot, { isInside: from >= 0, type }]] : [],
    ),
  );
  const own = asList(node.widgets_values)?.length ?? 0;
  const known =
    signatureOf(asText(node.type) ?? '')?.inputs.filter(({ type }) => type === '') ??
    Array.from({ length: own }, (_, at) => ({ name: `widget_${at}`, extra: 0 }));
  const widgets = known.filter((_, i) => known.slice(0, i).reduce((sum, { extra }) => sum + 1 + extra, 0) < own); // those that its version has
  return { node, inputs: objectsIn(node.inputs), linked, widgets, settings: asObject(config.input) ?? {}, outputs: asObject(config.output) ?? {} };
}

/** Whether the group's own node shows a widget: not where it is a socket, or hidden. */
function isShown({ inputs, linked, settings }: Part, name: string, areListed: boolean): boolean {
  const at = inputs.findIndex((input) => asObject(input.widget)?.name === name);
  return (at < 0 || (areListed && !linked.has(at))) && asObject(settings[name])?.visible !== false;
}

const countOf = (parts: readonly Part[], areListed: boolean): number =>
  parts.reduce((sum, part) => sum + part.widgets.reduce((count, { name, extra }) => count + (isShown(part, name, areListed) ? 1 + extra : 0), 0), 0);

/** Its values, of which those that are shown come from the group's own node; `values` loses them. */
function ownValues(part: Part, names: Names, values: unknown[], areListed: boolean): unknown[] {
  const { node, widgets, settings } = part, own = [...(asList(node.widgets_values) ?? [])];
  let at = 0;
  for (const { name, extra } of widgets) {
    const shown = isShown(part, name, areListed);
    if (shown) names.of(node, name, asText(asObject(settings[name])?.name));
    for (let k = 0; k <= extra; k++, at++) if (shown) own[at] = values.shift() ?? own[at];
  }
  return own;
}

function joinedInputs({ node, inputs, linked, settings }: Part, names: Names, sockets: readonly JsonObject[], id: string): JsonObject[] {
  return inputs.map((input, slot) => {
    const link = linked.get(slot);
    if (link?.isInside) return { ...input, link: `${id}/${slot}` };
    const name = node.type === 'Reroute' ? (link?.type ?? '') : (asText(input.name) ?? '');
    const outside = names.of(node, name, asText(asObject(settings[name])?.name) ?? asText(input.label));
    return { ...input, link: sockets.find((socket) => socket.name === outside)?.link ?? null };
  });
}

/** Outputs that nobody inside takes, or that are told to be shown. */
function outletsOf(outer: string, parts: readonly Part[], inside: readonly InsideLink[], group: JsonObject): Apart['outlets'] {
  const external = new Set(
    (asList(group.external) ?? []).map((each) => {
      const [from, slot] = asList(each) ?? [];
      return `${asNumber(from) ?? asNumber(asObject(from)?.index)} ${asNumber(slot)}`;
    }),
  );
  const taken = new Set(inside.map(({ from, slot }) => `${from} ${slot}`)), outlets = new Map<string, { id: string; slot: number }>();
  for (const [i, { node, outputs }] of parts.entries()) {
    for (const slot of (asList(node.outputs) ?? []).keys()) {
      const key = `${i} ${slot}`, visible = asObject(outputs[String(slot)])?.visible;
      if (visible === undefined ? !taken.has(key) || external.has(key) : visible === true)
        outlets.set(`${outer} ${outlets.size}`, { id: `${outer}:${i}`, slot });
    }
  }
  return outlets;
}

interface InsideLink {
  readonly from: number;
  readonly slot: number;
  readonly to: number;
  readonly toSlot: number;
  readonly type: string;
}

/** By the places of its nodes in the group; `from` is −1 where it comes from outside. */
function insideLink(link: unknown): InsideLink {
  const [from, slot, to, toSlot, , type] = asList(link) ?? [];
  return { from: asNumber(from) ?? -1, slot: asNumber(slot) ?? 0, to: asNumber(to) ?? -1, toSlot: asNumber(toSlot) ?? 0, type: asText(type) ?? '*' };
}

/** What a group calls the inputs of its nodes: a name that was there before has the node's before it. */
class Names {
  private readonly seen = new Map<string, number>();

  of(node: JsonObject, input: string, own: string | undefined): string {
    const prefix = `${asText(node.title) ?? asText(node.type) ?? ''} `;
    let name = own ?? input, key = name;
    if ((node.type === 'PrimitiveNode' && typeof node.title === 'string') || this.seen.has(name)) {
      key = name = `${prefix}${input}`;
      if (this.seen.has(name)) name = `${prefix}${this.seen.get(name)} ${input}`;
    }
    this.seen.set(key, (this.seen.get(key) ?? 1) + 1);
    return name;
  }
}
