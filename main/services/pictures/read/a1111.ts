// AUTOMATIC1111 and Forge: the `parameters` text, of any age, and what sites and other programs write in its form.
import { JobFields } from '../../../../preload/contract/job';
import type { PictureJob, Resource } from '../../../../preload/contract/picture-report';
import type { PictureSource } from '../../../../preload/contract/vocabulary';
import { readControls } from '../control-text';
import { readDetails } from '../detail-text';
import { readInpaint, readSeamless } from '../editing-text';
import { emphasisLabels, parseParameters } from '../parameters';
import { stem } from '../../models/which-model';
import { parseCivitaiHashes, parseCivitaiResources, parseHashes, type CivitaiResource } from './a1111-hashes';
import { readHires } from './a1111-hires';
import { sourceOf } from './a1111-programs';
import { firstPassSize, optionsByVersion } from './a1111-rules';
import { asInteger, asNumber, asSeed, asSize, asText, asWords, compact, Fields, type Parse } from './fields';
import { parseJsonObject } from './json';
import { asLoras } from './json-loras';
import { hypernetworksOf, lorasOf } from './lora-tags';
import { automaticSchedule, ownSchedule } from './names';
import { placedTexts, type Reader } from './reading';
import { asModelName, asTitle, jobResources, namedModel, resource } from './resources';
import { withGraph } from './with-graph';
import { ResourceNames } from './resource-names';
import { asSchedule, takeSampler } from './sampling-fields';

/** A comment that a camera or a person left is no such text: it needs the negative prompt, or a field that says how a picture is made. */
const isParameters = (text: string): boolean => {
  const { fields } = parseParameters(text);
  return ['Steps', 'Sampler', 'Seed', 'CFG scale', 'Model hash'].some((key) => fields.has(key)) || /^Negative prompt:/m.test(text);
};

export const readA1111: Reader = (picture) => {
  for (const [key, text] of placedTexts(picture)) {
    if (parseJsonObject(text) || (key !== 'parameters' && !isParameters(text))) continue;
    return withGraph({ ...readParameters(text), used: [key] }, picture);
  }
  return null;
};

/** The job of a `parameters` text, by the reading rules of A1111's infotext_utils. Never throws. */
export function readParameters(text: string): { source: PictureSource; job: PictureJob; resources: Resource[] } {
  const { prompt: written, negative, fields } = parseParameters(text);
  const left = new Fields(fields);
  const prompt = written + hypernetTag(left);
  const civitai = parseCivitaiResources(fields.get('Civitai resources'));
  const size = left.take(asSize, 'Size');
  const first = size && left.take(asSize, 'First pass size');
  const clipSkip = isCivitaiFlux(fields, civitai) ? readFlux(left) : left.take(asLayers, 'Clip skip') ?? 1;
  const { sampler, schedule } = readSampling(left);
  const strength = left.take(asNumber, 'Denoising strength');
  const job: PictureJob = compact({
    prompt, negative,
    steps: left.take(asInteger, 'Steps'), sampler, schedule, cfg: left.take(asNumber, 'CFG scale'), imageCfg: left.take(asNumber, 'Image CFG scale'),
    seed: left.take(asSeed, 'Seed'), ...(first ? firstPassSize(first, size) : size), clipSkip,
    rng: left.take(asRng, 'RNG') ?? 'nv', compat: 'a1111' as const, cfgRescale: left.take(asNumber, 'CFG rescale'),
    variation: readVariation(left), ensd: left.take(asOffset, 'ENSD'), emphasis: left.take(asEmphasis, 'Emphasis'), edit: left.take(asEdit, 'Prompt to prompt'), template: readTemplate(left),
    model: readModel(left, civitai), vae: readVae(left),
    refiner: readRefiner(left), strength, hires: readHires(left, strength, first && size), inpaint: readInpaint(left), seamless: readSeamless(left), details: readDetails(left, /^atelier /.test(fields.get('Version') ?? '')), controls: readControls(left),
    loras: [], extra: {},
  });
  const tags = lorasOf(prompt), listed = asLoras(parseJsonObject(fields.get('SDCPP'))?.loras)?.loras;
  job.loras = tags.length > 0 ? tags : listed ? listed.map(({ name, weight }) => ({ name, weight })) : civitai.filter(({ kind }) => kind === 'lora').map(({ name, weight }) => ({ name, weight: weight ?? 1 }));
  const loraHashes = new Map([...parseHashes(fields.get('Lora hashes')), ...parseCivitaiHashes(fields.get('Hashes')).flatMap(({ kind, name, hash }): [string, string][] => (kind === 'lora' && hash ? [[name, hash]] : []))]);
  job.loras = job.loras.map((lora) => ({ ...lora, ...(loraHashes.has(lora.name) && { hash: loraHashes.get(lora.name)! }) }));
  for (const option of optionsByVersion(prompt, fields)) left.keep(option, 'True');
  job.extra = left.rest();
  return { source: sourceOf(fields), job, resources: resourcesOf(job, fields, civitai) };
}

/** What some versions had as a setting is a tag today. */
function hypernetTag(left: Fields): string {
  const name = left.take(asWords, 'Hypernet');
  return name === undefined ? '' : `<hypernet:${name}:${left.take(asText, 'Hypernet strength') ?? '1.0'}>`;
}

/** A sampler without a schedule is older than 1.9, or from a program that has none. What is not ours stays in the text's words. */
function readSampling(left: Fields): Pick<PictureJob, 'sampler' | 'schedule'> {
  const found = takeSampler(left, 'Sampler'), schedule = left.take(asSchedule, 'Schedule type', 'Scheduler', 'Sampler sigma');
  if (schedule || !found) return { sampler: found?.sampler, schedule };
  const type = left.peek(asText, 'Schedule type');
  if (type === undefined) return { sampler: found.sampler, schedule: found.schedule ?? ownSchedule(found.sampler) };
  return { sampler: found.sampler, schedule: type === 'Automatic' ? automaticSchedule(found.sampler) : undefined };
}

/** Counted from the end, which some write as a negative number. */
const asLayers: Parse<number> = (value) => { const layers = asNumber(value); return layers !== undefined && layers < -1 ? asInteger(-layers) : asInteger(value) || undefined; };

/** 'CPU' is torch's generator, the others are the graphics card's; stable-diffusion.cpp writes in small letters. */
const asRng: Parse<'cpu' | 'nv'> = (value) => {
  const name = (asText(value) ?? '').toLowerCase();
  return name === 'cpu' ? 'cpu' : name === 'gpu' || name === 'nv' || name === 'cuda' ? 'nv' : undefined;
};

/** May be negative. */
const asOffset: Parse<number> = (value) => { const offset = asNumber(value); return offset !== undefined && Number.isSafeInteger(offset) ? offset : undefined; };

const asEmphasis: Parse<NonNullable<PictureJob['emphasis']>> = (value) =>
  (Object.keys(emphasisLabels) as (keyof typeof emphasisLabels)[]).find((name) => emphasisLabels[name] === value);

/** Ours alone, as JSON. */
const asEdit: Parse<NonNullable<PictureJob['edit']>> = (value) => JobFields.shape.edit.safeParse(parseJsonObject(asText(value))).data;

function readVariation(left: Fields): PictureJob['variation'] {
  const key = ['Variation seed strength', 'Variation strength'].find((each) => left.peek(asNumber, each) !== undefined), seed = key === undefined ? undefined : left.take(asSeed, 'Variation seed');
  return seed === undefined ? undefined : { seed, strength: left.take(asNumber, key!)! };
}

/** The prompts before wildcards were filled in, as the dynamic prompts extension writes them. */
function readTemplate(left: Fields): PictureJob['template'] {
  const prompt = left.take(asText, 'Template'), negative = left.take(asText, 'Negative Template');
  return prompt === undefined && negative === undefined ? undefined : { prompt: prompt ?? '', negative: negative ?? '' };
}

const asHash: Parse<string> = (value) => (/^[0-9a-f]{6,64}$/i.test(asText(value) ?? '') ? asText(value)!.toLowerCase() : undefined);

function readModel(left: Fields, civitai: readonly CivitaiResource[]): PictureJob['model'] {
  const name = left.take(asModelName, 'Model', 'Unet') ?? civitai.find(({ kind }) => kind === 'checkpoint')?.name, hash = left.take(asHash, 'Model hash');
  return name === undefined && hash === undefined ? undefined : namedModel(name ?? '', hash);
}

/** Forge has numbered modules, autoencoders and text encoders, in place of the VAE. They stay, as only the name tells which is which. */
function readVae(left: Fields): string | undefined {
  const modules = left.keys().filter((key) => /^Module \d+$/.test(key)).map((key) => left.peek(asWords, key)!);
  return left.take(asModelName, 'VAE') ?? modules.find((name) => /vae|^ae$/i.test(stem(name)));
}

function readRefiner(left: Fields): PictureJob['refiner'] {
  const key = ['Refiner switch at', 'Refiner start'].find((each) => left.peek(asNumber, each) !== undefined), model = key === undefined ? undefined : left.take(asTitle, 'Refiner');
  return model === undefined ? undefined : { model, switchAt: left.take(asNumber, key!)! };
}

const isCivitaiFlux = (fields: ReadonlyMap<string, string>, civitai: readonly CivitaiResource[]): boolean =>
  fields.has('Civitai resources') && (fields.get('Sampler') === 'Undefined' || civitai.some(({ kind, name }) => kind === 'checkpoint' && /\bflux/i.test(name)));

/** As Forge corrects these: no clip skip, Euler on simple steps where none are named, and a scale that the model itself was taught. */
function readFlux(left: Fields): undefined {
  const scale = left.take(asText, 'CFG scale');
  if (scale !== undefined) left.keep('Distilled CFG Scale', scale);
  left.keep('CFG scale', '1');
  if (left.peek(asText, 'Sampler') !== 'Undefined') return;
  left.keep('Sampler', 'Euler');
  left.keep('Schedule type', 'Simple');
}

/** Every model that the text names, once, with the hash from whichever of its lists has one. */
function resourcesOf(job: PictureJob, fields: ReadonlyMap<string, string>, civitai: readonly CivitaiResource[]): Resource[] {
  const listed: Resource[] = [
    ...[...parseHashes(fields.get('Lora hashes'))].map(([name, hash]): Resource => ({ kind: 'lora', name, hash })),
    ...[...parseHashes(fields.get('TI hashes'))].map(([name, hash]): Resource => ({ kind: 'embedding', name, hash })),
    ...resource('vae', job.vae, fields.get('VAE hash')), ...parseCivitaiHashes(fields.get('Hashes')),
  ];
  const hashes = new ResourceNames();
  for (const each of listed) hashes.add(each);
  const hashOf = (each: Resource): Resource => ({ ...each, hash: each.hash ?? hashes.first(each)?.hash ?? null });
  const found = [
    ...jobResources(job).map(hashOf), ...listed,
    ...civitai.filter(({ kind }) => kind !== 'checkpoint' && kind !== 'lora').map(({ kind, name }): Resource => ({ kind, name, hash: null })),
    ...hypernetworksOf(job.prompt).flatMap((name) => resource('hypernetwork', name)),
  ];
  const before = new ResourceNames();
  return found.filter((each) => {
    const isNew = !before.names(each);
    before.add(each);
    return isNew;
  });
}
