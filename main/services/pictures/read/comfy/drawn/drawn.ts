// A drawn graph brought into the form of one that was run: nodes that are only for the eye are gone, and every input has its value, or a link to the node that makes it.
import { asList, asText } from '../../fields';
import type { JsonObject } from '../../json';
import { choiceKey, ComfyGraph, type ComfyNode } from '../graph';
import { BYPASSED, drawingOf, INPUT_NODE, OFF, OUTPUT_NODE, type Drawing, type DrawnLink, type DrawnNode } from './drawing';
import { everywhereLinks, isEverywhere } from './everywhere';
import { hasChoice, unescaped, widgetValues } from './widgets';

const notes = /^(?:Note|MarkdownNote|Label \(rgthree\)|Fast .*|Bookmark .*|.*\bReroute \(rgthree\)|Reroute|SetNode|GetNode|easy [sg]etNode)$/;
const setter = /^(?:SetNode|easy setNode)$/, getter = /^(?:GetNode|easy getNode)$/, reroute = /^(?:Reroute|Reroute \(rgthree\))$/;

/** null when it is none. */
export function graphOfWorkflow(workflow: JsonObject): ComfyGraph | null {
  if (!Array.isArray(workflow.nodes)) return null;
  const drawing = drawingOf(workflow), sources = new Sources(drawing, everywhereLinks(workflow, drawing));
  const nodes = [...drawing.nodes.values()]
    .filter((node) => node.mode !== OFF && node.mode !== BYPASSED && !node.isSubgraph && !notes.test(node.type) && !isEverywhere(node.type))
    .map((node) => ({ node, drawn: new Map([...widgetValues(node), ...sources.inputs(node)]) }));
  const choices = nodes.flatMap(({ node, drawn }) => [...drawn].flatMap(([name, value]) => (hasChoice(value) ? [choiceKey(node.id, name)] : [])));
  const asRun = nodes.map(
    ({ node, drawn }): ComfyNode => ({ id: node.id, type: node.type, inputs: new Map([...drawn].map(([name, value]) => [name, unescaped(node, value)])) }),
  );
  return asRun.length > 0 ? new ComfyGraph(asRun, new Set(choices)) : null;
}

/** More hops than this are a loop. */
const MOST_HOPS = 100;

class Sources {
  private readonly drawing: Drawing;
  private readonly everywhere: ReadonlyMap<string, DrawnLink>;
  private readonly setters: ReadonlyMap<string, DrawnNode>;

  constructor(drawing: Drawing, everywhere: ReadonlyMap<string, DrawnLink>) {
    this.drawing = drawing;
    this.everywhere = everywhere;
    this.setters = new Map(
      [...drawing.nodes.values()].filter(({ type }) => setter.test(type)).reverse().map((node) => [`${node.prefix}\n${nameOf(node)}`, node]),
    );
  }

  /** Links as the other form has them: node and slot. */
  inputs(node: DrawnNode): [string, unknown][] {
    return node.inputs.flatMap((input, i): [string, unknown][] => {
      const found = this.real(this.into(node, i));
      return found === undefined ? [] : [[input.name, 'value' in found ? found.value : [found.from, found.slot]]];
    });
  }

  private into(node: DrawnNode | undefined, index: number): DrawnLink | undefined {
    const input = node?.inputs[index];
    if (!input) return undefined;
    return input.link === null ? this.everywhere.get(`${node.id}\n${input.name}`) : this.drawing.links.get(input.link);
  }

  /** To the node that makes the value: through reroutes, names, bypassed nodes and the walls of subgraphs. */
  private real(start: DrawnLink | undefined): DrawnLink | { readonly value: unknown } | undefined {
    const { nodes, outputs } = this.drawing;
    let link = start;
    for (let hops = 0; link && hops < MOST_HOPS; hops++) {
      const { from, slot }: DrawnLink = link, source = nodes.get(from);
      if (from.endsWith(`:${INPUT_NODE}`)) {
        const owner = nodes.get(from.slice(0, -INPUT_NODE.length - 1)), own = owner && ownValue(owner, slot);
        link = this.into(owner, slot);
        if (!link) return own;
      } else if (!source || source.mode === OFF) return undefined;
      else if (getter.test(source.type)) link = this.into(this.setterFor(source), 0);
      else if (reroute.test(source.type) || setter.test(source.type)) link = this.into(source, 0);
      else if (source.mode === BYPASSED) link = this.into(source, passedOn(source, slot, start!.type === '*' ? link.type : start!.type));
      else if (source.isSubgraph) link = outputs.get(`${from}:${OUTPUT_NODE} ${slot}`); else return link;
    }
    return undefined;
  }

  /** In the same graph, or in one around it. */
  private setterFor({ prefix, ...node }: DrawnNode): DrawnNode | undefined {
    for (let around = prefix; ; around = around.replace(/[^:]*:$/, '')) {
      const found = this.setters.get(`${around}\n${nameOf(node)}`);
      if (found || around === '') return found;
    }
  }
}

/** What is written on a subgraph's own node; where its file does not say, the node inside has it. */
function ownValue({ inputs, values }: DrawnNode, slot: number): { readonly value: unknown } | undefined {
  const widgets = inputs.filter(({ widget }) => widget !== null), all = asList(values), at = inputs[slot] ? widgets.indexOf(inputs[slot]) : -1;
  return at >= 0 && all?.length === widgets.length && !Array.isArray(all[at]) ? { value: all[at] } : undefined;
}

const nameOf = ({ values, properties }: Pick<DrawnNode, 'values' | 'properties'>): string =>
  asText(asList(values)?.[0]) ?? asText(properties.previousName) ?? '';

/** Which input a bypassed node gives out: the one at the output's place where its type fits, else the first that fits. */
function passedOn({ inputs }: DrawnNode, slot: number, type: string): number {
  return inputs[slot]?.type === type ? slot : inputs.findIndex((input) => input.type === type);
}
