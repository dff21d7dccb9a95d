// ComfyUI's other form, the graph as it is drawn: values are widgets by position, links have numbers, and some nodes are only for the eye.
import { ComfyGraph, type ComfyNode } from './comfy-graph';
import { asList, asNumber, asObject, asText } from './fields';
import type { JsonObject } from './json';

/** The widgets of ComfyUI's own nodes, in their order. A seed is followed by what the window does with it after a run. */
const widgets: Readonly<Record<string, string>> = {
  KSampler: 'seed control_after_generate steps cfg sampler_name scheduler denoise',
  KSamplerAdvanced: 'add_noise noise_seed control_after_generate steps cfg sampler_name scheduler start_at_step end_at_step return_with_leftover_noise',
  SamplerCustom: 'add_noise noise_seed control_after_generate cfg', RandomNoise: 'noise_seed control_after_generate', KSamplerSelect: 'sampler_name',
  BasicScheduler: 'scheduler steps denoise', KarrasScheduler: 'steps sigma_max sigma_min rho', ExponentialScheduler: 'steps sigma_max sigma_min',
  CFGGuider: 'cfg', CheckpointLoaderSimple: 'ckpt_name', UNETLoader: 'unet_name weight_dtype', VAELoader: 'vae_name', CLIPTextEncode: 'text',
  CLIPTextEncodeSDXL: 'width height crop_w crop_h target_width target_height text_g text_l', CLIPTextEncodeSDXLRefiner: 'ascore width height text',
  CLIPSetLastLayer: 'stop_at_clip_layer', LoraLoader: 'lora_name strength_model strength_clip', LoraLoaderModelOnly: 'lora_name strength_model',
  EmptyLatentImage: 'width height batch_size', EmptySD3LatentImage: 'width height batch_size', LatentUpscale: 'upscale_method width height crop',
  LatentUpscaleBy: 'upscale_method scale_by', ImageScale: 'upscale_method width height crop', ImageScaleBy: 'upscale_method scale_by', UpscaleModelLoader: 'model_name',
  ModelSamplingDiscrete: 'sampling zsnr', RescaleCFG: 'multiplier', FluxGuidance: 'guidance', ControlNetLoader: 'control_net_name', LoadImage: 'image upload',
  ControlNetApply: 'strength', ControlNetApplyAdvanced: 'strength start_percent end_percent', SaveImage: 'filename_prefix', PrimitiveNode: 'value control_after_generate',
};
/** Nodes that were switched off (2) are not there; those that are bypassed (4) pass on what comes in. */
const OFF = 2, BYPASSED = 4;
/** More than anybody draws. */
const MAX_NODES = 5000;

/** The ends of a subgraph inside: what comes in seems to come from this node, what goes out goes to that one. */
const INPUT_NODE = '-10', OUTPUT_NODE = '-20';
const MAX_DEPTH = 10;

/** From which node and output; `type` is that of the value. */
interface DrawnLink { readonly from: string; readonly slot: number; readonly type: unknown }
interface Drawing {
  readonly nodes: Map<string, JsonObject>;
  readonly links: Map<string, DrawnLink>;
  /** What a subgraph gives out, by '12:-20 0': its node, its end, the slot. */
  readonly outputs: Map<string, DrawnLink>;
}

/** `{ nodes, links }`, of either way to write the links, with subgraphs in their place; null when it is none. */
export function graphOfWorkflow(workflow: JsonObject): ComfyGraph | null {
  const drawing: Drawing = { nodes: new Map(), links: new Map(), outputs: new Map() };
  const subgraphs = new Map((asList(asObject(workflow.definitions)?.subgraphs) ?? []).map(asObject).flatMap((each) => (each ? [[String(each.id), each]] : [])));
  draw(workflow, '', subgraphs, drawing, MAX_DEPTH);
  const real = [...drawing.nodes].filter(([, node]) => node.mode !== OFF && !isPassing(node) && !subgraphs.has(String(node.type)) && node.type !== 'Note' && node.type !== 'MarkdownNote');
  const nodes = real.map(([id, node]): ComfyNode => ({ id, type: asText(node.type)!, inputs: new Map([...widgetValues(node), ...inputLinks(id, node, drawing)]) }));
  return nodes.length > 0 ? new ComfyGraph(nodes) : null;
}

/** Names inside a subgraph begin with those of the nodes around them, as in the other form: '12:3'. */
function draw(graph: JsonObject, prefix: string, subgraphs: ReadonlyMap<string, JsonObject>, drawing: Drawing, depth: number): void {
  const { nodes, links, outputs } = drawing;
  for (const link of asList(graph.links) ?? []) {
    const { id, origin_id: from, origin_slot: slot, target_id: to, target_slot: toSlot, type } = asObject(link) ?? fromList(asList(link) ?? []);
    const drawn: DrawnLink = { from: `${prefix}${String(from)}`, slot: asNumber(slot) ?? 0, type };
    links.set(`${prefix}${String(id)}`, drawn);
    if (String(to) === OUTPUT_NODE) outputs.set(`${prefix}${OUTPUT_NODE} ${String(toSlot)}`, drawn);
  }
  for (const node of (asList(graph.nodes) ?? []).map(asObject)) {
    if (typeof node?.type !== 'string') continue;
    const id = `${prefix}${String(node.id)}`, inner = subgraphs.get(node.type);
    nodes.set(id, node);
    if (inner && node.mode !== OFF && node.mode !== BYPASSED && depth > 0 && nodes.size < MAX_NODES) draw(inner, `${id}:`, subgraphs, drawing, depth - 1);
  }
}

const fromList = ([id, origin_id, origin_slot, target_id, target_slot, type]: readonly unknown[]): JsonObject => ({ id, origin_id, origin_slot, target_id, target_slot, type });

const isPassing = (node: JsonObject): boolean => node.mode === BYPASSED || node.type === 'Reroute';
const inputsOf = (node: JsonObject): JsonObject[] => (asList(node.inputs) ?? []).map(asObject).filter((input) => input !== undefined);

/** By name where the file has names (an object, or inputs that say which widget they are), else by the table; others are numbered. */
function widgetValues(node: JsonObject): [string, unknown][] {
  const values = node.widgets_values;
  if (!Array.isArray(values)) return Object.entries(asObject(values) ?? {}).filter(([, value]) => !Array.isArray(value));
  const type = asText(node.type)!, named = inputsOf(node).map((input) => asText(asObject(input.widget)?.name)).filter((name) => name !== undefined);
  const known = Object.hasOwn(widgets, type) ? widgets[type]!.split(' ') : named.flatMap((name) => (/^(?:noise_)?seed$/.test(name) && values.length > named.length ? [name, 'control_after_generate'] : [name]));
  return values.map((value, i): [string, unknown] => [known[i] ?? `widget_${i}`, value]).filter(([, value]) => !Array.isArray(value));
}

/** A link as the other form has it: node and slot. Through reroutes, bypassed nodes (by the link's type) and the walls of subgraphs. */
function inputLinks(id: string, node: JsonObject, { nodes, links, outputs }: Drawing): [string, unknown][] {
  const linkOf = (owner: string, input: JsonObject | undefined): DrawnLink | undefined =>
    (input === undefined || input.link === null ? undefined : links.get(`${owner.slice(0, owner.lastIndexOf(':') + 1)}${String(input.link)}`));
  return inputsOf(node).flatMap((input): [string, unknown][] => {
    let link = linkOf(id, input);
    for (let hops = 0; link && hops < 50; hops++) {
      const { from, slot, type } = link, source = nodes.get(from);
      if (from.endsWith(`:${INPUT_NODE}`)) {
        const owner = from.slice(0, -INPUT_NODE.length - 1);
        link = linkOf(owner, inputsOf(nodes.get(owner) ?? {})[slot]);
      } else if (!source || source.mode === OFF) {
        return [];
      } else if (isPassing(source)) {
        link = linkOf(from, inputsOf(source).find((each) => source.type === 'Reroute' || each.type === type));
      } else {
        const inner = outputs.get(`${from}:${OUTPUT_NODE} ${slot}`);
        if (!inner) return [[asText(input.name) ?? '', [from, slot]]];
        link = inner;
      }
    }
    return [];
  });
}
