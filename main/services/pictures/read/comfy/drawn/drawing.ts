// A graph as it is drawn: nodes with sockets, links with numbers, and values by position. Subgraphs and group nodes are put in their place here.
import { asList, asObject, asText } from '../../fields';
import type { JsonObject } from '../../json';
import { withoutGroups } from './group-nodes';
import { linksOf } from './written-links';

/** From which node and output; `type` is that of the value. */
export interface DrawnLink { readonly from: string; readonly slot: number; readonly type: string }

export interface DrawnInput {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly link: string | null;
  /** The widget that it stands for. */ readonly widget: string | null;
}

export interface DrawnNode {
  /** Inside a subgraph it begins with those of the nodes around it, as in the other form: '12:3'. */
  readonly id: string;
  readonly type: string;
  /** What is before the number: the graph that it stands in. */
  readonly prefix: string;
  readonly mode: unknown;
  readonly title: string;
  readonly inputs: readonly DrawnInput[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
  readonly values: unknown;
  readonly properties: JsonObject;
  readonly isSubgraph: boolean;
  readonly whole: JsonObject;
}

export interface Drawing {
  readonly nodes: Map<string, DrawnNode>;
  readonly links: Map<string, DrawnLink>;
  /** What a subgraph gives out, by '12:-20 0': its node, its end, the slot. */
  readonly outputs: Map<string, DrawnLink>;
  /** By the prefix of their graph. */
  readonly groups: Map<string, readonly JsonObject[]>;
}

/** Nodes that were switched off are not there; those that are bypassed pass on what comes in. */
export const OFF = 2, BYPASSED = 4;
/** The ends of a subgraph inside: what comes in seems to come from this node, what goes out goes to that one. */
export const INPUT_NODE = '-10', OUTPUT_NODE = '-20';
/** More than anybody draws. */
const MOST_NODES = 5000, MOST_LINKS = 20_000, MOST_GROUPS = 2000, MOST_DEPTH = 10;

/** `{ nodes, links }`, of either way to write the links. */
export function drawingOf(workflow: JsonObject): Drawing {
  const drawing: Drawing = { nodes: new Map(), links: new Map(), outputs: new Map(), groups: new Map() };
  const subgraphs = new Map((asList(asObject(workflow.definitions)?.subgraphs) ?? []).map(asObject).flatMap((each) => (each ? [[String(each.id), each]] : [])));
  draw(withoutGroups(workflow), '', subgraphs, drawing, MOST_DEPTH);
  return drawing;
}

function draw(graph: JsonObject, prefix: string, subgraphs: ReadonlyMap<string, JsonObject>, drawing: Drawing, depth: number): void {
  const { nodes, links, outputs, groups } = drawing;
  groups.set(prefix, (asList(graph.groups) ?? []).slice(0, MOST_GROUPS).map(asObject).filter((group) => group !== undefined));
  if (links.size >= MOST_LINKS) return;
  for (const { id, from, slot, to, toSlot, type } of linksOf(graph)) {
    const drawn: DrawnLink = { from: `${prefix}${from}`, slot, type };
    links.set(`${prefix}${id}`, drawn);
    if (to === OUTPUT_NODE) outputs.set(`${prefix}${OUTPUT_NODE} ${toSlot}`, drawn);
  }
  for (const node of (asList(graph.nodes) ?? []).map(asObject)) {
    if (typeof node?.type !== 'string' || nodes.size >= MOST_NODES) continue;
    const id = `${prefix}${String(node.id)}`, inner = subgraphs.get(node.type);
    nodes.set(id, nodeOf(node, id, node.type, prefix, inner !== undefined));
    if (inner && node.mode !== OFF && node.mode !== BYPASSED && depth > 0) draw(inner, `${id}:`, subgraphs, drawing, depth - 1);
  }
}

function nodeOf(node: JsonObject, id: string, type: string, prefix: string, isSubgraph: boolean): DrawnNode {
  const sockets = (list: unknown): JsonObject[] => (asList(list) ?? []).map(asObject).filter((socket) => socket !== undefined);
  return {
    id,
    type,
    prefix,
    mode: node.mode,
    title: asText(node.title) ?? type,
    values: node.widgets_values,
    properties: asObject(node.properties) ?? {},
    isSubgraph,
    whole: node,
    inputs: sockets(node.inputs).map((input) => ({
      name: asText(input.name) ?? '',
      label: asText(input.label) ?? asText(input.name) ?? '',
      type: asText(input.type) ?? '*',
      link: input.link === null || input.link === undefined ? null : `${prefix}${String(input.link)}`,
      widget: asText(asObject(input.widget)?.name) ?? null,
    })),
    outputs: sockets(node.outputs).map((output) => ({ name: asText(output.name) ?? '', type: asText(output.type) ?? '*' })),
  };
}
