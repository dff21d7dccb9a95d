// SwarmUI: JSON with `sui_image_params`, in PNG's `parameters`, EXIF's comment (the oldest in its Model), or a file beside the picture.
import type { NamedModel, PictureJob } from '../../../../preload/contract/picture-report';
import { stem } from '../../models/which-model';
import { asInteger, asList, asNumber, asObject, asSeed, asText, asWords, compact, Fields, type Parse } from './fields';
import { isObject, parseJsonObject } from './json';
import { placedTexts, sized, type Reader, type Texts } from './reading';
import { asModelName, jobResources, namedModel } from './resources';
import { asSchedule, takeSampler } from './sampling-fields';

export const readSwarmUi: Reader = (picture) => {
  for (const [place, text] of placesOf(picture)) {
    const object = text.includes('sui_image_params') ? parseJsonObject(text) : undefined, params = asObject(object?.sui_image_params);
    if (!object || !params) continue;
    const job = readParams(Fields.of(params)), { sui_image_params: _, ...others } = object, hashes = hashesOf(object.sui_models);
    job.extra = { ...others, ...job.extra };
    if (job.model) job.model = { ...job.model, hash: hashes.get([job.model.folder, job.model.name].filter(Boolean).join('/')) ?? null };
    return { source: 'swarmui', job: sized(job, picture), resources: jobResources(job, new Map(job.loras.map(({ name }) => [name, hashes.get(withoutEnding(name)) ?? null]))), used: [place] };
  }
  return null;
};

const placesOf = (picture: Texts): [string, string][] => {
  const own = picture.texts.get('sui_image_params');
  return [...placedTexts(picture), ...(own === undefined ? [] : [['sui_image_params', own] satisfies [string, string]])];
};

/** Of the files' tensors, as AutoV3, by their names without the ending. */
const hashesOf = (models: unknown): Map<string, string> => new Map((asList(models) ?? []).filter(isObject).flatMap((model): [string, string][] => {
  const name = asWords(model.name), hash = /^(?:0x)?([0-9a-f]{8,64})$/i.exec(asText(model.hash) ?? '')?.[1];
  return name === undefined || hash === undefined ? [] : [withoutEnding(name), stem(name)].map((key) => [key, hash.toLowerCase()]);
}));
const withoutEnding = (name: string): string => name.replace(/\.(?:safetensors|sft|ckpt|gguf)$/i, '');

/** Names are paths below the models' folder, mostly without their ending. */
const fileOf = (name: string): NamedModel => namedModel(`${withoutEnding(name)}.safetensors`);

/** Weights may be text. */
const asWeights: Parse<number[]> = (value) => asList(value)?.map((weight) => asNumber(weight) ?? 1) ?? (asText(value) === undefined ? undefined : asText(value)!.split(',').map((weight) => asNumber(weight) ?? 1));
const asNames: Parse<string[]> = (value) => (asList(value) ?? asWords(value)?.split(','))?.flatMap((name) => asWords(name)?.trim() ?? []);

/** Two layers from the end are -2. */
const asLayers: Parse<number> = (value) => { const layers = asNumber(value); return layers !== undefined && Number.isInteger(layers) && layers < 0 ? -layers : undefined; };

function readParams(left: Fields): PictureJob {
  const sampling = takeSampler(left, 'sampler'), names = left.take(asNames, 'loras') ?? [], weights = left.take(asWeights, 'loraweights') ?? [], textWeights = left.take(asWeights, 'loratencweights') ?? [];
  const prompt = splitPrompt(left.peek(asText, 'prompt') ?? ''), negative = splitPrompt(left.peek(asText, 'negativeprompt') ?? '');
  const name = left.take(asModelName, 'model'), variation = left.peek(asNumber, 'variationseedstrength'), creativity = left.take(asNumber, 'initimagecreativity');
  if (prompt.isWhole) left.take(asText, 'prompt');
  if (negative.isWhole) left.take(asText, 'negativeprompt');
  const isPlain = !/[[\]<]/.test(prompt.first + negative.first);      // they mean something to SwarmUI, and nothing to ComfyUI
  return {
    ...compact({
      prompt: prompt.first, negative: negative.first, emphasis: isPlain ? 'comfy' as const : undefined,
      steps: left.take(asInteger, 'steps'), sampler: sampling?.sampler, schedule: left.take(asSchedule, 'scheduler') ?? sampling?.schedule, cfg: left.take(asNumber, 'cfgscale'), seed: left.take(asSeed, 'seed'),
      width: left.take(asInteger, 'width'), height: left.take(asInteger, 'height'), clipSkip: left.take(asLayers, 'clipstopatlayer'), rng: 'cpu_nv' as const, compat: 'comfy' as const,
      model: name === undefined ? undefined : fileOf(name), vae: left.take(asModelName, 'vae'), strength: creativity !== undefined && creativity < 1 ? creativity : undefined,
      variation: variation === undefined || variation === 0 ? undefined : readVariation(left), ...readRefiner(left, prompt.refiner),
    }),
    loras: names.map((lora, i) => ({ name: stem(lora), weight: weights[i] ?? 1, ...(textWeights[i] !== undefined && textWeights[i] !== (weights[i] ?? 1) && { textWeight: textWeights[i] }) })), extra: left.rest(),
  };
}

function readVariation(left: Fields): PictureJob['variation'] {
  const seed = left.take(asSeed, 'variationseed');
  return seed === undefined ? undefined : { seed, strength: left.take(asNumber, 'variationseedstrength')! };
}

/** Another model for the last part of the steps is a refiner; the same, or all over something bigger, is a second pass. */
function readRefiner(left: Fields, prompt: string | undefined): Pick<PictureJob, 'refiner' | 'hires'> {
  const share = left.peek(asNumber, 'refinercontrolpercentage'), scale = left.peek(asNumber, 'refinerupscale') ?? 1, method = left.peek(asText, 'refinermethod') ?? 'PostApply';
  const name = left.peek(asModelName, 'refinermodel'), model = name === undefined || /^\(use base\)$/i.test(name) ? undefined : fileOf(name);
  if (share === undefined || (share === 0 && scale === 1)) return {};
  for (const key of ['refinercontrolpercentage', 'refinermodel']) left.take((value) => value, key);
  if (/^StepSwap/i.test(method) && scale === 1 && model) return { refiner: { model, switchAt: Math.round((1 - share) * 1e6) / 1e6 } };
  return {
    hires: compact({
      scale: left.take(asNumber, 'refinerupscale') ?? 1, strength: share, upscaler: left.take(asWords, 'refinerupscalemethod')?.replace(/^(?:model|pixel|latent|latentmodel)-/, ''), steps: left.take(asInteger, 'refinersteps'),
      cfg: left.take(asNumber, 'refinercfgscale'), model, prompt,
    }),
  };
}

/** Where a part begins that is for another stage or a place in the picture. */
const part = /<(base|refiner|video|videoswap|pixeldecoder|segment|object|region|extend|clear)(?::[^<>]{0,300})?>/gi;

/** `first`: what the whole picture is asked for, in the first pass; `refiner`: in the second, where it differs. */
function splitPrompt(text: string): { first: string; refiner: string | undefined; isWhole: boolean } {
  const tags = [...text.matchAll(part)], textOf = (i: number): string => text.slice(tags[i]!.index + tags[i]![0].length, tags[i + 1]?.index ?? text.length).trim();
  const whole = text.slice(0, tags[0]?.index ?? text.length), of = (stage: string): string[] => tags.flatMap(([, name], i) => (name!.toLowerCase() === stage ? [textOf(i)] : []));
  const joined = (parts: readonly string[]): string => (parts.length === 0 && tags.length === 0 ? whole : [whole.trim(), ...parts].filter((each) => each !== '').join(' ')), refiner = of('refiner');
  return { first: joined(of('base')), refiner: refiner.length > 0 ? joined(refiner) : undefined, isWhole: tags.length === 0 };
}
