// From a sampler back to the checkpoint: the LoRAs on the way, what patches the model, and clip skip on the text encoder's way.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import type { ComfyGraph, ComfyNode, Source } from './comfy-graph';
import { asInteger, asNumber, asObject, asText, type Parse } from './fields';
import { isObject } from './json';
import { lorasOf as tagsOf } from './lora-tags';
import { asModelName, stem } from './resources';

export interface ModelPath {
  readonly model?: PictureJob['model'];
  readonly loras: PictureJob['loras'];
  readonly prediction?: 'eps' | 'v';
  readonly cfgRescale?: number;
}

const MAX_NODES = 200;

/** The nodes from `source` to the loader, by their main link, not beyond those that were `seen`. */
function path(graph: ComfyGraph, source: Source | undefined, main: RegExp, seen = new Set<ComfyNode>()): ComfyNode[] {
  const found: ComfyNode[] = [];
  for (let next = source; next && !seen.has(next.node) && seen.size < MAX_NODES;) {
    const { node } = next, links = graph.links(node);
    seen.add(node);
    found.push(node);
    next = (links.find(([name]) => main.test(name)) ?? (links.length === 1 && !/stack|script/i.test(links[0]![0]) ? links[0] : undefined))?.[1];
  }
  return found;
}

export function readModelPath(graph: ComfyGraph, source: Source | undefined): ModelPath {
  const seen = new Set<ComfyNode>(), nodes = path(graph, source, modelLink, seen);
  let model: PictureJob['model'], prediction: ModelPath['prediction'], cfgRescale: number | undefined;
  const loras: PictureJob['loras'] = [];
  for (const node of nodes) {
    model = loadedBy(graph, node);
    loras.unshift(...[...path(graph, graph.link(node, 'lora_stack'), /^lora_stack$/, seen).reverse(), node].flatMap((each) => lorasOf(graph, each)));
    if (/ModelSamplingDiscrete/.test(node.type)) prediction = graph.take(node, (value) => (value === 'v_prediction' ? 'v' : value === 'eps' ? 'eps' : undefined), 'sampling');
    if (/RescaleCFG/.test(node.type)) cfgRescale = graph.take(node, asNumber, 'multiplier');
    if (model) break;
  }
  return { model, loras, prediction, cfgRescale };
}

/** Only the checkpoint, of passes whose LoRAs have no place in our job. */
export function readCheckpoint(graph: ComfyGraph, source: Source | undefined): PictureJob['model'] {
  for (const node of path(graph, source, modelLink)) {
    const model = loadedBy(graph, node);
    if (model) return model;
  }
  return undefined;
}

const modelLink = /^(?:base_|optional_)?(?:model|unet)_?1?$/i;

/** Some loaders keep a picture beside the name: `{ content, image }`. */
const asFileName: Parse<string> = (value) => asModelName(asText(value) ?? asText(asObject(value)?.content));

function loadedBy(graph: ComfyGraph, node: ComfyNode): PictureJob['model'] {
  const name = graph.take(node, asFileName, 'ckpt_name', 'base_ckpt_name', 'unet_name', 'diffusion_model_name');
  return name === undefined ? undefined : { name: stem(name), hash: null };
}

/** 2 where the last layer is left out, as A1111 counts; ComfyUI writes −2. */
export function readClipSkip(graph: ComfyGraph, source: Source | undefined): number | undefined {
  for (const node of path(graph, source, /^clip/i)) {
    const layer = graph.take(node, (value) => { const number = asNumber(value); return number !== undefined && number < 0 ? -number : undefined; }, 'stop_at_clip_layer', 'clip_skip');
    if (layer !== undefined) return layer;
  }
  return undefined;
}

/** One loader, a stack of numbered ones, or rgthree's list of `{ on, lora, strength }`. Those that are switched off stay among what is left. */
function lorasOf(graph: ComfyGraph, node: ComfyNode): PictureJob['loras'] {
  const found: PictureJob['loras'] = [];
  const add = (name: string, weight = 1, textWeight = weight): void => { found.push({ name: stem(name), weight, ...(textWeight !== weight && { textWeight }) }); };
  const single = graph.take(node, asFileName, 'lora_name');
  if (single !== undefined) add(single, graph.take(node, asNumber, 'strength_model', 'lora_model_strength', 'strength', 'model_weight'), graph.take(node, asNumber, 'strength_clip', 'lora_clip_strength'));
  const numbers = [...node.inputs.keys()].flatMap((name) => /^lora(?:_name)?_(\d{1,3})$/.exec(name)?.[1] ?? []).slice(0, 50);
  const count = graph.take(node, asInteger, 'lora_count') ?? Infinity, isSimple = node.inputs.get('input_mode') === 'simple';
  for (const i of numbers) {
    const entry = graph.take(node, (value) => (isObject(value) && typeof value.lora === 'string' && value.on !== false ? value : undefined), `lora_${i}`);
    if (entry) add(asText(entry.lora)!, asNumber(entry.strength), asNumber(entry.strengthTwo));
    if (Number(i) > count || /^off$/i.test(String(node.inputs.get(`switch_${i}`)))) continue;
    const name = graph.take(node, asModelName, `lora_name_${i}`, `lora_${i}`);
    if (name !== undefined && isSimple) add(name, graph.take(node, asNumber, `lora_wt_${i}`));
    else if (name !== undefined) add(name, graph.take(node, asNumber, `model_weight_${i}`, `model_str_${i}`, `lora_wt_${i}`, `strength_${i}`, `strength_model_${i}`), graph.take(node, asNumber, `clip_weight_${i}`, `clip_str_${i}`));
  }
  // Nodes on the model's way that read texts load what tags in them call up.
  const tagged = graph.peek(node, asText, 'populated_text') ?? graph.peek(node, asText, 'text');
  return tagged === undefined ? found : [...found, ...tagsOf(tagged)];
}
