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

interface DrawnLink { readonly from: string; readonly slot: number; readonly type: unknown }

/** `{ nodes, links }`, of either way to write the links; null when it is none. */
export function graphOfWorkflow(workflow: JsonObject): ComfyGraph | null {
  const drawn = new Map((asList(workflow.nodes) ?? []).map(asObject).filter((node) => node !== undefined).filter((node) => typeof node.type === 'string').map((node) => [String(node.id), node]));
  const links = new Map((asList(workflow.links) ?? []).flatMap((link): [number, DrawnLink][] => {
    const [id, from, slot, type] = Array.isArray(link) ? [link[0], link[1], link[2], link[5]] : [asObject(link)?.id, asObject(link)?.origin_id, asObject(link)?.origin_slot, asObject(link)?.type];
    return typeof id === 'number' ? [[id, { from: String(from), slot: asNumber(slot) ?? 0, type }]] : [];
  }));
  const real = [...drawn].filter(([, node]) => node.mode !== OFF && !isPassing(node) && node.type !== 'Note' && node.type !== 'MarkdownNote');
  const nodes = real.map(([id, node]): ComfyNode => ({ id, type: asText(node.type)!, inputs: new Map([...widgetValues(node), ...inputLinks(node, drawn, links)]) }));
  return nodes.length > 0 ? new ComfyGraph(nodes) : null;
}

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

/** A link as the other form has it: node and slot. Through reroutes and bypassed nodes, by the link's type. */
function inputLinks(node: JsonObject, drawn: ReadonlyMap<string, JsonObject>, links: ReadonlyMap<number, DrawnLink>): [string, unknown][] {
  return inputsOf(node).flatMap((input): [string, unknown][] => {
    let link = links.get(asNumber(input.link) ?? NaN);
    for (let hops = 0; link && hops < 50; hops++) {
      const from = drawn.get(link.from);
      if (!from || from.mode === OFF) return [];
      if (!isPassing(from)) return [[asText(input.name) ?? '', [link.from, link.slot]]];
      const type: unknown = link.type, passed = inputsOf(from);
      link = links.get(asNumber((passed.find((each) => from.type === 'Reroute' || each.type === type) ?? {}).link) ?? NaN);
    }
    return [];
  });
}
