// From a ComfyUI graph to a job: the sampler that began the picture, what leads to it, and what was made of its latents.
import type { PictureJob, Resource } from '../../../../preload/contract/picture-report';
import type { ComfyGraph, ComfyNode, Source } from './comfy-graph';
import { readCheckpoint, readClipSkip, readModelPath } from './comfy-model';
import { chainOfPasses, nodesBetween } from './comfy-passes';
import { isPlain, promptOf } from './comfy-text';
import { asInteger, asNumber, asSeed, asText, asWords, compact, type Parse } from './fields';
import { readSampler, readSchedule, type SamplerReading } from './names';
import { asModelName, jobResources, resource } from './resources';
import { asSampler, asSchedule } from './sampling-fields';

/** Never throws. Without a sampler the job is empty, and all is in `extra`. */
export function jobOfGraph(graph: ComfyGraph): { job: PictureJob; resources: Resource[] } {
  const passes = chainOfPasses(graph), base = passes[0], last = passes.at(-1);
  const job: PictureJob = base ? { ...readBase(graph, base), ...(last && last !== base && readLater(graph, last, base)) } : { prompt: '', negative: '', loras: [], extra: {} };
  const script = base && graph.link(base, 'script')?.node;
  if (script && /high-?res/i.test(script.type)) job.hires = readScript(graph, script);
  const vae = vaeOf(graph);
  if (vae !== undefined) job.vae = vae;
  const nodes = graph.rest();
  if (Object.keys(nodes).length > 0) job.extra = { nodes };
  const embeddings = [...`${job.prompt}\n${job.negative}`.matchAll(/\bembedding:([\w./\\-]{1,200})/g)].flatMap(([, name]) => resource('embedding', name!.replace(/[.]+$/, '')));
  return { job, resources: [...jobResources(job), ...embeddings] };
}

/** A sampler's own inputs, and those of the guider, the noise, the sampler and the sigmas that SamplerCustom has as nodes. */
interface Parts { readonly node: ComfyNode; readonly guider: ComfyNode; readonly sigmas: ComfyNode | undefined }

function partsOf(graph: ComfyGraph, node: ComfyNode): Parts {
  let sigmas = graph.link(node, 'sigmas')?.node;
  for (let hops = 0; hops < 20 && sigmas && !sigmas.inputs.has('steps'); hops++) sigmas = graph.link(sigmas, 'sigmas', 'sigmas_1')?.node;
  return { node, guider: graph.link(node, 'guider')?.node ?? node, sigmas };
}

/** What is only near to one of ours stays in the graph's words as well. */
function takeSampler(graph: ComfyGraph, node: ComfyNode): SamplerReading | undefined {
  return graph.take(node, (value) => { const found = asSampler(value); return found?.exact ? found : undefined; }, 'sampler_name') ?? graph.peek(node, asSampler, 'sampler_name');
}

function readSampling(graph: ComfyGraph, { node, guider, sigmas }: Parts): Pick<PictureJob, 'steps' | 'sampler' | 'schedule' | 'cfg' | 'strength'> {
  const chooser = graph.link(node, 'sampler')?.node;
  const found = takeSampler(graph, node) ?? (chooser && (takeSampler(graph, chooser) ?? readSampler(chooser.type.replace(/^Sampler_?/, '')) ?? undefined));
  const denoise = graph.take(sigmas ?? node, asNumber, 'denoise');
  return compact({
    steps: graph.take(sigmas ?? node, asInteger, 'steps'), sampler: found?.sampler,
    schedule: graph.take(sigmas ?? node, asSchedule, 'scheduler') ?? (sigmas && (readSchedule(sigmas.type.replace(/(?:Sampling)?Scheduler$/, '')) ?? undefined)),
    cfg: graph.take(guider, asNumber, 'cfg', 'cfg_conds') ?? (/BasicGuider/.test(guider.type) ? 1 : undefined),
    strength: denoise === undefined || denoise >= 1 ? undefined : denoise,
  });
}

const modelSource = (graph: ComfyGraph, { node, guider, sigmas }: Parts): Source | undefined => graph.link(guider, 'model') ?? graph.link(node, 'model') ?? (sigmas && graph.link(sigmas, 'model'));

function readBase(graph: ComfyGraph, node: ComfyNode): PictureJob {
  const parts = partsOf(graph, node), { guider } = parts;
  const noise = graph.link(node, 'noise')?.node, positive = graph.link(guider, 'positive', 'conditioning', 'cond1'), negative = graph.link(guider, 'negative');
  const latent = graph.link(node, 'latent_image', 'latent', 'optional_latent', 'samples');
  const { model, loras, prediction, cfgRescale } = readModelPath(graph, modelSource(graph, parts));
  const onTheWay = [new Set<string>(), new Set<string>()] as const;
  const prompts = { prompt: promptOf(graph, positive, 'positive', onTheWay[0]), negative: promptOf(graph, negative, 'negative', onTheWay[1]) };
  return {
    ...compact({
      ...prompts, emphasis: onTheWay.every((nodes) => isPlain(graph, nodes)) ? 'comfy' as const : undefined, ...readSampling(graph, parts),
      seed: graph.take(node, asSeed, 'seed', 'noise_seed') ?? (noise && graph.take(noise, asSeed, 'noise_seed', 'seed')), ...sizeOf(graph, latent),
      clipSkip: readClipSkip(graph, positive), rng: 'cpu_nv' as const, compat: 'comfy' as const, cfgRescale, prediction, model,
    }),
    loras, extra: {},
  };
}

/** Of the empty latent that it began with; a picture that was encoded has its own. */
function sizeOf(graph: ComfyGraph, latent: Source | undefined): { width?: number; height?: number } {
  for (let at = latent, hops = 0; at && hops < 20; hops++) {
    const width = graph.take(at.node, asInteger, 'width', 'empty_latent_width'), height = graph.take(at.node, asInteger, 'height', 'empty_latent_height');
    if (width !== undefined && height !== undefined) return { width, height };
    const links = graph.links(at.node);
    at = graph.link(at.node, 'samples', 'latent', 'latent_image') ?? (links.length === 1 ? links[0]![1] : undefined);
  }
  return {};
}

/** The last pass: by another model from some step on, SDXL's refiner; over something bigger, a second pass. */
function readLater(graph: ComfyGraph, node: ComfyNode, base: ComfyNode): Partial<PictureJob> {
  const parts = partsOf(graph, node);
  const start = graph.take(node, asInteger, 'start_at_step') ?? 0, steps = asInteger(node.inputs.get('steps')) ?? 0;
  const loaded = readCheckpoint(graph, modelSource(graph, parts)), isSame = loaded?.name === readCheckpoint(graph, modelSource(graph, partsOf(graph, base)))?.name;
  const model = isSame ? undefined : loaded;
  if (model && start > 0 && steps > 0) return { refiner: { model, switchAt: Math.min(1, start / steps) } };
  const between = nodesBetween(graph, node).filter(({ type }) => /scale|resize/i.test(type));
  if (between.length === 0 && graph.link(node, 'latent_image')?.node === base) return {};      // it only goes on with the same latents
  return {
    hires: compact({
      ...readSampling(graph, parts), scale: scaleOf(graph, between),
      width: takeFirst(graph, between, asPositive, 'width'), height: takeFirst(graph, between, asPositive, 'height'),
      upscaler: upscalerOf(graph, between) ?? takeFirst(graph, between, asWords, 'upscale_method'), model,
    }),
  };
}

/** Efficiency's second pass, a node beside the sampler. */
function readScript(graph: ComfyGraph, script: ComfyNode): PictureJob['hires'] {
  const isPixel = script.inputs.get('upscale_type') === 'pixel';
  return compact({
    scale: graph.take(script, asNumber, 'upscale_by'), steps: graph.take(script, asInteger, 'hires_steps'), strength: graph.take(script, asNumber, 'denoise'),
    upscaler: graph.take(script, asWords, isPixel ? 'pixel_upscaler' : 'latent_upscaler'),
  });
}

const factorInName = /(?:^|[^0-9])([1-8])x|x([1-8])(?![0-9])/i;

/** All that enlarges on the way: by a number, and by a model, whose file's name tells how much ('4x-sharp', 'plus_x2'). A size that is set wins. */
function scaleOf(graph: ComfyGraph, nodes: readonly ComfyNode[]): number | undefined {
  const models = nodes.flatMap((node) => graph.link(node, 'upscale_model')?.node ?? []).map((loader) => graph.peek(loader, asText, 'model_name') ?? '');
  const factors = models.map((name) => Number(factorInName.exec(name)?.slice(1).find(Boolean) ?? NaN));
  if (factors.some(Number.isNaN) || nodes.some(({ inputs }) => inputs.has('width') && inputs.has('upscale_method'))) return undefined;
  const byNumber = takeFirst(graph, nodes, asNumber, 'scale_by', 'upscale_by', 'rescale_factor');
  return byNumber === undefined && factors.length === 0 ? undefined : factors.reduce((product, factor) => product * factor, byNumber ?? 1);
}

const asPositive: Parse<number> = (value) => asInteger(value) || undefined;

function takeFirst<T>(graph: ComfyGraph, nodes: readonly ComfyNode[], parse: Parse<T>, ...names: string[]): T | undefined {
  for (const node of nodes) {
    const value = graph.take(node, parse, ...names);
    if (value !== undefined) return value;
  }
  return undefined;
}

const upscalerOf = (graph: ComfyGraph, nodes: readonly ComfyNode[]): string | undefined =>
  takeFirst(graph, nodes.flatMap((node) => graph.link(node, 'upscale_model')?.node ?? []), asWords, 'model_name');

/** Of a loader of its own, or of one that loads everything; a plain checkpoint's has no name. */
function vaeOf(graph: ComfyGraph): string | undefined {
  for (const node of graph.nodes.values()) {
    const decodes = /VAEDecode|Sampler/i.test(node.type) ? vaeLoader(graph, node) : undefined, loader = decodes ?? (node.inputs.has('ckpt_name') ? node : undefined);
    const name = loader && graph.take(loader, asModelName, 'vae_name');
    if (name !== undefined) return name;
  }
  return undefined;
}

/** Through reroutes. */
function vaeLoader(graph: ComfyGraph, node: ComfyNode): ComfyNode | undefined {
  let loader = graph.link(node, 'vae', 'optional_vae')?.node;
  for (let hops = 0; loader && hops < 20 && !loader.inputs.has('vae_name') && graph.links(loader).length === 1; hops++) loader = graph.links(loader)[0]![1].node;
  return loader;
}
