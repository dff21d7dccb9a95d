// From a ComfyUI graph to a job: the sampler that began the picture, what led to it, and what was made of its latents.
import type { PictureJob, Resource } from '../../../../../preload/contract/picture-report';
import { asInteger, asNumber, asSeed, asWords, compact, type Parse } from '../fields';
import { asModelName, jobResources, resource } from '../resources';
import { asSampler, asSchedule } from '../sampling-fields';
import type { SamplerReading } from '../names';
import { evaluate, type Evaluated } from './evaluate';
import type { ComfyGraph, ComfyNode } from './graph';
import { readClipSkip, readModel, readModelPath } from './model-path';
import { partsOf, passesOf, savedFrom, type Parts } from './passes';
import { Taken } from './taken';
import { as, type Picture, type Size, type Value } from './values';

export interface GraphReading { readonly job: PictureJob; readonly resources: Resource[] }

/** `width` and `height` are the picture's own. Never throws. Without a sampler the job is empty, and all is in `extra`. */
export function jobOfGraph(graph: ComfyGraph, width: number, height: number): GraphReading {
  const evaluated = evaluate(graph), taken = new Taken(graph), { passes, steps, outputs } = passesOf(evaluated, width, height), base = passes[0];
  const last = passes.at(-1);
  const job: PictureJob = base
    ? { ...readBase(taken, base), ...(last && last !== base ? readLater(taken, last, base) : readScript(taken, base)) }
    : { prompt: '', negative: '', loras: [], extra: {} };
  if (!base) {
    const from = savedFrom(evaluated);
    if (from?.kind === 'unknown') taken.miss('image', from.node);
  }
  if (base && job.width === undefined && width > 0 && height > 0 && isAsLargeAs(steps, base)) Object.assign(job, { width, height });
  for (const output of outputs) taken.miss('picture', output);
  const vae = vaeOf(taken, evaluated, steps);
  if (vae !== undefined) job.vae = vae;
  const left = taken.rest(), notKnown = taken.notKnown();
  if (notKnown.length > 0) job.notKnown = notKnown;
  if (Object.keys(left).length > 0) job.extra = { nodes: left };
  const embeddings = [...`${job.prompt}\n${job.negative}`.matchAll(/\bembedding:([\w./\\-]{1,200})/g)].flatMap(([, name]) =>
    resource('embedding', name!.replace(/[.]+$/, '')),
  );
  return { job, resources: [...jobResources(job), ...embeddings] };
}

/** Nothing behind the first pass has made it larger or smaller, or may have. */
const isAsLargeAs = (steps: readonly Picture[], base: Picture): boolean => steps.every((step) => step === base || step.keepsSize);

/** What is only near to one of ours stays in the graph's words as well. */
const takeSampler = (taken: Taken, value: Value | undefined): SamplerReading | undefined => taken.take('sampler', value, asSampler, ({ exact }) => exact);

function readSampling(taken: Taken, parts: Parts): Pick<PictureJob, 'steps' | 'sampler' | 'schedule' | 'cfg' | 'strength'> {
  const denoise = taken.take('strength', parts.denoise, asNumber);
  return compact({
    steps: taken.take('steps', parts.steps, asInteger),
    sampler: takeSampler(taken, parts.sampler)?.sampler,
    schedule: taken.take('schedule', parts.scheduler, asSchedule),
    cfg: taken.take('cfg', parts.cfg, asNumber),
    strength: denoise === undefined || denoise >= 1 ? undefined : denoise,
  });
}

const asAnyText: Parse<string> = (value) => (value === undefined ? undefined : String(value));

function readPrompt(taken: Taken, field: 'prompt' | 'negative', value: Value | undefined): string {
  if (value?.kind === 'unknown') taken.miss(field, value.node);
  const conditioning = as('conditioning', value);
  for (const node of conditioning?.doubts ?? []) taken.miss(field, node);
  if (conditioning?.text.kind === 'plain') taken.missChoices(field, conditioning.text);
  return taken.take(field, conditioning?.text, asAnyText) ?? '';
}

function readBase(taken: Taken, { pass, before }: Picture): PictureJob {
  const parts = partsOf(pass!), { model, loras, prediction, cfgRescale } = readModelPath(taken, parts.model);
  const prompts = { prompt: readPrompt(taken, 'prompt', parts.positive), negative: readPrompt(taken, 'negative', parts.negative) };
  if (!pass!.isSure) taken.miss('sampling', pass!.node);
  const refiner = pass!.refiner && readModel(taken, pass!.refiner.model, 'refiner');
  const at = refiner && taken.take('refiner', pass!.refiner!.at, asInteger);
  const isComfy = [parts.positive, parts.negative].every((value) => as('conditioning', value)?.isComfy !== false);
  const sampling = readSampling(taken, parts);
  return {
    ...compact({
      ...prompts,
      emphasis: isComfy ? ('comfy' as const) : undefined,
      ...sampling,
      seed: taken.take('seed', parts.seed, asSeed),
      ...readSize(taken, before),
      clipSkip: readClipSkip(taken, parts.positive),
      rng: 'cpu_nv' as const,
      compat: 'comfy' as const,
      cfgRescale,
      prediction,
      model,
      refiner: refiner && at !== undefined && sampling.steps ? { model: refiner, switchAt: Math.min(1, at / sampling.steps) } : undefined,
    }),
    loras,
    extra: {},
  };
}

const asSide: Parse<number> = (value) => asInteger(value) || undefined;

function readSize(taken: Taken, picture: Picture | undefined): { width?: number | undefined; height?: number | undefined } {
  const width = taken.take('width', picture?.size?.width, asSide), height = taken.take('height', picture?.size?.height, asSide);
  return width !== undefined && height !== undefined ? { width, height } : {};
}

/** The last pass: by another model from some step on, SDXL's refiner; over something bigger, a second pass. */
function readLater(taken: Taken, last: Picture, base: Picture): Partial<PictureJob> {
  const parts = partsOf(last.pass!), first = partsOf(base.pass!), start = taken.take('start', parts.start, asInteger) ?? 0;
  const steps = taken.take('steps', parts.steps, asInteger) ?? 0;
  const loaded = readModel(taken, parts.model, 'hires.model'), isSame = loaded === undefined || loaded.name === readModel(taken, first.model)?.name;
  const model = isSame ? undefined : loaded;
  if (model && start > 0 && steps > 0) return { refiner: { model, switchAt: Math.min(1, start / steps) } };
  const between = stepsBetween(last, base);
  if (between.length === 0) return {}; // it only goes on with the same latents
  return { hires: compact({ ...readSampling(taken, parts), ...readResize(taken, between), model }) };
}

/** What the last pass came through, nearest first. */
function stepsBetween(last: Picture, base: Picture): Picture[] {
  const found: Picture[] = [];
  for (let at = last.before; at && at !== base; at = at.before) found.push(at);
  return found;
}

/** All that enlarges on the way; a size that is set wins over factors. */
function readResize(taken: Taken, steps: readonly Picture[]): NonNullable<PictureJob['hires']> {
  for (const { doubt } of steps) if (doubt) taken.miss('hires.scale', doubt);
  const resizes = steps.flatMap(({ resize }) => resize ?? []), set = resizes.find(({ to }) => to)?.to, size = set && sidesOf(taken, set);
  const factors = set ? [] : resizes.map(({ by }) => taken.take('hires.scale', by, asNumber));
  const isKnown = factors.length > 0 && factors.every((factor) => factor !== undefined);
  const first = (key: 'upscaler' | 'method'): string | undefined =>
    resizes.map((resize) => taken.take('hires.upscaler', resize[key], asWords)).find((name) => name !== undefined);
  return compact({
    scale: isKnown ? factors.reduce((product, factor) => product * factor, 1) : undefined,
    ...size,
    upscaler: first('upscaler') ?? first('method'),
  });
}

function sidesOf(taken: Taken, { width, height }: Size): { width?: number; height?: number } {
  return compact({ width: taken.take('hires.width', width, asSide), height: taken.take('hires.height', height, asSide) });
}

/** Efficiency's second pass, a node beside the sampler. */
function readScript(taken: Taken, { pass }: Picture): Partial<PictureJob> {
  const script = as('script', pass!.fields.get('script'));
  if (!script?.scale) return {};
  const model = script.model && readModel(taken, { kind: 'model', file: script.model }, 'hires.model');
  return {
    hires: compact({
      scale: taken.take('hires.scale', script.scale, asNumber),
      steps: taken.take('hires.steps', script.steps, asInteger),
      strength: taken.take('hires.strength', script.denoise, asNumber),
      upscaler: taken.take('hires.upscaler', script.upscaler, asWords),
      model,
    }),
  };
}

/** That which decoded the picture, or else any that a decoder or a sampler has; a checkpoint's own has no name. */
function vaeOf(taken: Taken, nodes: ReadonlyMap<ComfyNode, Evaluated>, steps: readonly Picture[]): string | undefined {
  const vaes = [
    ...steps.flatMap(({ vae, pass }) => [vae, pass?.fields.get('vae')]),
    ...[...nodes.values()].filter(({ call }) => /VAEDecode|Sampler/i.test(call.node.type)).map(({ call }) => call.fields.get('vae')),
  ];
  for (const vae of vaes) {
    const name = taken.take('vae', as('vae', vae)?.name, asModelName);
    if (name !== undefined) return name;
  }
  return undefined;
}
