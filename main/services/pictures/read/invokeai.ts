// InvokeAI, of three ages: `invokeai_metadata` (and the betas' `invokeai`), `sd-metadata`, and the command line in `Dream`.
import type { NamedModel, PictureJob } from '../../../../preload/contract/picture-report';
import type { PictureSource } from '../../../../preload/contract/vocabulary';
import { readDream, splitNegative } from './dream';
import { asInteger, asList, asNumber, asObject, asSeed, asText, asWords, compact, Fields, type Parse } from './fields';
import { parseJsonObject, type JsonObject } from './json';
import type { Reader, Reading } from './reading';
import { jobResources, namedModel } from './resources';
import { takeSampler } from './sampling-fields';

const source: PictureSource = 'invokeai';

export const readInvokeAi: Reader = ({ texts }) => {
  for (const key of ['invokeai_metadata', 'invokeai', 'sd-metadata']) {
    const metadata = parseJsonObject(texts.get(key));
    if (metadata) return key === 'sd-metadata' ? withResources(readOld(metadata), [key, 'Dream']) : withResources(readMetadata(metadata), [key]);
  }
  const graph = metadataOfGraph(parseJsonObject(texts.get('invokeai_graph')));
  if (graph) return withResources(readMetadata(graph), []);
  const key = texts.has('Dream') ? 'Dream' : 'dream', job = readDream(texts.get(key) ?? '');
  return job && withResources(job, [key]);
};

/** Of a picture that has only its graph: the node that would have written the metadata, with what comes to it along the edges. */
function metadataOfGraph(graph: JsonObject | undefined): JsonObject | null {
  const nodes = asObject(graph?.nodes) ?? {};
  const [id, core] = Object.entries(nodes).find(([, node]) => asObject(node)?.type === 'core_metadata') ?? [];
  if (id === undefined) return null;
  const arriving = (asList(graph?.edges) ?? []).flatMap((edge): [string, unknown][] => {
    const from = asObject(asObject(edge)?.source), to = asObject(asObject(edge)?.destination), field = asText(to?.field), source = asObject(nodes[asText(from?.node_id) ?? '']);
    const value = source?.[asText(from?.field) ?? ''];
    return to?.node_id === id && field !== undefined && value !== undefined ? [[field, value]] : [];
  });
  const { id: _id, type: _type, is_intermediate: _intermediate, use_cache: _cache, ...fields } = asObject(core)!;
  return { ...fields, ...Object.fromEntries(arriving) };
}

function withResources(job: PictureJob, used: string[]): Reading {
  const loras = asList(job.extra.loras)?.flatMap((value) => asModel(asObject(value)?.model) ?? []) ?? [];
  return { source, job, resources: jobResources(job, new Map(loras.map(({ name, hash }) => [name, hash]))), used };
}

/** v4 has `{ key, hash, name, base, type }`, v3 `{ model_name, base_model, model_type }`; a lora of v3 is one level deeper. */
const asModel: Parse<NamedModel> = (value) => {
  const model = asObject(value), name = asText(value) ?? asText(model?.name) ?? asText(model?.model_name);
  return name ? namedModel(name, asText(model?.hash)) : undefined;
};

function readMetadata(metadata: JsonObject): PictureJob {
  const left = Fields.of(metadata);
  const sampling = readScheduler(left, 'scheduler');
  const rng = left.take((value) => (value === 'cpu' ? 'cpu' as const : value === 'cuda' ? 'nv' as const : undefined), 'rand_device');
  const refiner = left.peek(asModel, 'refiner_model'), switchAt = left.peek(asNumber, 'refiner_start');
  if (refiner && switchAt !== undefined) left.take(asNumber, 'refiner_start');
  return {
    ...compact({
      prompt: left.take(asText, 'positive_prompt') ?? '', negative: left.take(asText, 'negative_prompt') ?? '',
      steps: left.take(asInteger, 'steps'), ...sampling, cfg: left.take(asNumber, 'cfg_scale'), seed: left.take(asSeed, 'seed'),
      width: left.take(asInteger, 'width'), height: left.take(asInteger, 'height'), clipSkip: clipSkipOf(left),
      rng, compat: rng && 'a1111',
      strength: left.take(asNumber, 'strength', 'denoising_strength'), cfgRescale: left.take(asNumber, 'cfg_rescale_multiplier'),
      model: left.take(asModel, 'model'), vae: left.take(asModel, 'vae')?.name, refiner: refiner && switchAt !== undefined ? { model: refiner, switchAt } : undefined,
      hires: left.peek((value) => value === true || undefined, 'hrf_enabled')
        && compact({ strength: left.take(asNumber, 'hrf_strength'), upscaler: left.take(asWords, 'hrf_method') }),
    }),
    loras: left.peek(asList, 'loras')?.flatMap(asLora) ?? [], extra: left.rest(),
  };
}

function asLora(value: unknown): PictureJob['loras'] {
  const entry = asObject(value), model = asModel(entry?.model) ?? asModel(entry?.lora);
  return model ? [{ name: model.name, weight: asNumber(entry?.weight) ?? 1 }] : [];
}

/** It counts the layers that are left out; ours, as A1111's, the layer that is taken from the end. */
function clipSkipOf(left: Fields): number | undefined {
  const removed = left.take(asInteger, 'clip_skip');
  return removed === undefined ? undefined : removed + 1;
}

/** 'dpmpp_2m_k' has Karras' schedule; no ending means the model's own. */
function readScheduler(left: Fields, key: string): Pick<PictureJob, 'sampler' | 'schedule'> {
  const found = takeSampler(left, key);
  return found ? { sampler: found.sampler, schedule: found.schedule ?? 'normal' } : {};
}

/** 2.x: what it made stands in `image`. */
function readOld(metadata: JsonObject): PictureJob {
  const outer = Fields.of(metadata), left = Fields.of(outer.take(asObject, 'image') ?? {});
  const { prompt, negative } = splitNegative(left.take(asBlend, 'prompt') ?? '');
  const name = outer.take(asWords, 'model_weights', 'model_id'), hash = outer.take(asWords, 'model_hash');
  const job: PictureJob = {
    ...compact({
      prompt, negative, steps: left.take(asInteger, 'steps'), ...readScheduler(left, 'sampler'), cfg: left.take(asNumber, 'cfg_scale'), seed: left.take(asSeed, 'seed'),
      width: left.take(asInteger, 'width'), height: left.take(asInteger, 'height'), strength: left.take(asNumber, 'strength'),
      model: name === undefined && hash === undefined ? undefined : namedModel(name ?? '', hash),
    }),
    loras: [], extra: {},
  };
  job.extra = { ...outer.rest(), ...left.rest() };
  return job;
}

/** Text, or a list of `{ prompt, weight }` that was blended. */
const asBlend: Parse<string> = (value) => asText(value) ?? asList(value)?.map((part) => {
  const { prompt, weight = 1 } = asObject(part) ?? {};
  return `${asText(prompt) ?? ''}${weight === 1 ? '' : ` :${String(asNumber(weight) ?? 1)}`}`;
}).join(' AND ');
