// Easy Diffusion: one PNG text a key, with Python's str() as value, or JSON in EXIF. Keys may be titles: "Negative Prompt".
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { stem } from '../../models/which-model';
import { asInteger, asList, asNumber, asSeed, asText, compact, Fields, type Parse } from './fields';
import { parseJsonObject, type JsonObject } from './json';
import { parsePython } from './python';
import type { Reader } from './reading';
import { asModelName, jobResources, namedModel, resource } from './resources';
import { asSchedule, takeSampler } from './sampling-fields';

/** Titles that are more than their key with capitals and spaces. */
const titles: Readonly<Record<string, string>> = {
  stable_diffusion_model: 'use_stable_diffusion_model', vae_model: 'use_vae_model', lora_model: 'use_lora_model', lora_strength: 'lora_alpha', sampler: 'sampler_name',
  scheduler: 'scheduler_name', steps: 'num_inference_steps', hypernetwork_model: 'use_hypernetwork_model', embedding_models: 'use_embeddings_model',
};
const keys = ['prompt', 'negative_prompt', 'seed', 'use_stable_diffusion_model', 'clip_skip', 'use_vae_model', 'sampler_name', 'scheduler_name', 'width', 'height', 'num_inference_steps',
  'guidance_scale', 'prompt_strength', 'use_lora_model', 'lora_alpha', 'use_hypernetwork_model', 'use_embeddings_model'];

const keyOf = (name: string): string => {
  const key = name.trim().toLowerCase().replace(/\s+/g, '_');
  return Object.hasOwn(titles, key) ? titles[key]! : key;
};

export const readEasyDiffusion: Reader = ({ texts }) => {
  const json = parseJsonObject(texts.get('exif.UserComment'));
  const found = json ? Object.entries(json) : [...texts].map(([name, text]): [string, unknown] => [name, valueOf(keyOf(name), name, text)]);
  const known = new Map(found.map(([name, value]) => [keyOf(name), { name, value }] as const).filter(([key]) => keys.includes(key)));
  if (!known.has('prompt') || !known.has('num_inference_steps') || !known.has('seed') || isOfOthers(known, json)) return null;
  const left = new Fields([...known].map(([key, { value }]) => [key, value]));
  const embeddings = left.peek(asModels, 'use_embeddings_model') ?? [], hypernetwork = left.peek(asModelName, 'use_hypernetwork_model');
  const job = readSettings(left);
  const used = [...known.values()].map(({ name }) => name);
  job.extra = { ...(json && Object.fromEntries(found.filter(([name]) => !used.includes(name)))), ...left.rest() };
  const resources = [...jobResources(job), ...embeddings.flatMap((name) => resource('embedding', name)), ...resource('hypernetwork', hypernetwork)];
  return { source: 'easydiffusion', job, resources, used: json ? ['exif.UserComment'] : used };
};

/** Scripts have some of these words too. */
const isOfOthers = (known: ReadonlyMap<string, { readonly name: string }>, json: JsonObject | undefined): boolean => (json ? !Object.keys(json).some((name) => /^use_(?:\w+_model|upscale|face_correction)$/.test(name)) : known.get('num_inference_steps')?.name === 'steps');

/** Prompts are text whatever they look like. Under titles, lists are words with commas between them. */
function valueOf(key: string, name: string, text: string): unknown {
  if (key.endsWith('prompt') && text !== 'None') return text;
  return listKeys.includes(key) && name !== key && !/^\s*\[/.test(text) ? text.split(', ').map(parsePython) : parsePython(text);
}
const listKeys = ['use_lora_model', 'lora_alpha', 'use_embeddings_model'];

/** One or several: "None", a name, or a list of names, some of them None; undefined where all are. */
const asPlaces: Parse<(string | undefined)[]> = (value) => {
  const names = (asList(value) ?? [value]).map(asModelName);
  return names.some((name) => name !== undefined) ? names : undefined;
};
const asModels: Parse<string[]> = (value) => asPlaces(value)?.filter((name) => name !== undefined);

const asWeights: Parse<(number | undefined)[]> = (value) => {
  const weights = (asList(value) ?? [value]).map(asNumber);
  return weights.some((weight) => weight !== undefined) ? weights : undefined;
};

/** A switch: on means the last layer but one, which others call 2. */
const asClipSkip: Parse<number> = (value) => (value === true ? 2 : value === false ? 1 : undefined);

function readSettings(left: Fields): PictureJob {
  const name = left.take(asModelName, 'use_stable_diffusion_model');
  const found = takeSampler(left, 'sampler_name');
  const loras = left.take(asPlaces, 'use_lora_model') ?? [], weights = loras.length > 0 ? left.take(asWeights, 'lora_alpha') ?? [] : [];
  return {
    ...compact({
      prompt: left.take(asText, 'prompt') ?? '', negative: left.take(asText, 'negative_prompt') ?? '', steps: left.take(asInteger, 'num_inference_steps'),
      sampler: found?.sampler, schedule: left.take(asSchedule, 'scheduler_name') ?? found?.schedule,
      cfg: left.take(asNumber, 'guidance_scale'), seed: left.take(asSeed, 'seed'), width: left.take(asInteger, 'width'), height: left.take(asInteger, 'height'),
      clipSkip: left.take(asClipSkip, 'clip_skip'), strength: left.take(asNumber, 'prompt_strength'),
      model: name === undefined ? undefined : namedModel(name), vae: left.take(asModelName, 'use_vae_model'),
    }),
    loras: loras.flatMap((lora, i) => (lora === undefined ? [] : [{ name: stem(lora), weight: weights[i] ?? 1 }])), extra: {},
  };
}
