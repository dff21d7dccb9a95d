// Fooocus: JSON or A1111's text, told apart by a scheme beside it (PNG `fooocus_scheme`, EXIF MakerNote).
import type { PictureJob } from '../../../../preload/contract/picture-report';
import type { PictureSource } from '../../../../preload/contract/vocabulary';
import { stem } from '../../models/which-model';
import { readParameters } from './a1111';
import { asInteger, asList, asNumber, asSeed, asSize, asText, asWords, compact, Fields } from './fields';
import { parseJsonObject, type JsonObject } from './json';
import type { Reader, Reading } from './reading';
import { asModelName, jobResources, namedModel, resource } from './resources';
import { asSchedule, takeSampler } from './sampling-fields';

const source: PictureSource = 'fooocus';

export const readFooocus: Reader = ({ texts }) => {
  const places = [['fooocus_scheme', 'parameters'], ['exif.MakerNote', 'exif.UserComment']] as const;
  for (const [schemeAt, textAt] of places) {
    const scheme = texts.get(schemeAt)?.trim(), text = texts.get(textAt);
    if (text === undefined || (scheme !== 'fooocus' && scheme !== 'a1111')) continue;
    const metadata = scheme === 'fooocus' ? parseJsonObject(text) : undefined;
    if (scheme === 'fooocus' && !metadata) continue;
    return { ...(metadata ? readJson(metadata) : readText(text)), used: [schemeAt, textAt] };
  }
  // Copies lose the mark before they lose the text.
  for (const key of ['parameters', 'exif.UserComment']) {
    const text = texts.get(key) ?? '', unmarked = parseJsonObject(text);
    if (unmarked?.metadata_scheme === 'fooocus') return { ...readJson(unmarked), used: [key] };
    if (!unmarked && /, Version: Fooocus /.test(text)) return { ...readText(text), used: [key] };
  }
  return null;
};

/** Numbers and lists may be text; `loras` are `[name, weight, hash]`. */
function readJson(metadata: JsonObject): Omit<Reading, 'used'> {
  const left = Fields.of(metadata);
  const sampler = takeSampler(left, 'sampler')?.sampler;
  const name = left.take(asModelName, 'base_model'), hash = left.take(asWords, 'base_model_hash');
  const refiner = left.take(asModelName, 'refiner_model'), switchAt = left.peek(asNumber, 'refiner_switch');
  const loras = (left.peek(asList, 'loras') ?? []).filter((lora) => Array.isArray(lora)).filter((lora) => asModelName(lora[0]) !== undefined);
  const job: PictureJob = {
    ...compact({
      prompt: left.take(asText, 'prompt') ?? '', negative: left.take(asText, 'negative_prompt') ?? '', steps: left.take(asInteger, 'steps'), sampler,
      schedule: left.take(asSchedule, 'scheduler'), cfg: left.take(asNumber, 'guidance_scale'),
      seed: left.take(asSeed, 'seed'), ...left.take(asSize, 'resolution'), clipSkip: left.take(asInteger, 'clip_skip'),
      model: name === undefined ? undefined : namedModel(name, hash), vae: left.take(asModelName, 'vae'),
      refiner: refiner === undefined ? undefined : { model: namedModel(refiner, left.take(asWords, 'refiner_model_hash')), switchAt: switchAt ?? 0.8 },
    }),
    loras: loras.map(([lora, weight]) => ({ name: stem(String(lora)), weight: asNumber(weight) ?? 1 })), extra: {},
  };
  job.extra = left.rest();
  const hashes = new Map(loras.map(([lora, , digits]) => [stem(String(lora)), asWords(digits) ?? null]));
  return { source, job, resources: jobResources(job, hashes) };
}

/** What the user typed is in `Raw prompt`; the prompt of the text has the styles in it. Weights of LoRAs have a field of their own. */
function readText(text: string): Omit<Reading, 'used'> {
  const { job, resources } = readParameters(text);
  const left = Fields.of(job.extra);
  const raw = left.take(asText, 'Raw prompt'), rawNegative = left.take(asText, 'Raw negative prompt');
  if (raw !== undefined) left.keep('Full prompt', job.prompt);
  if (rawNegative !== undefined) left.keep('Full negative prompt', job.negative);
  const weights = (left.take(asWords, 'Lora weights') ?? '').split(', ').flatMap((pair) => {
    const at = pair.lastIndexOf(':'), weight = asNumber(pair.slice(at + 1));
    return at > 0 && weight !== undefined ? [{ name: stem(pair.slice(0, at).trim()), weight }] : [];
  });
  const schedule = left.take(asSchedule, 'Scheduler') ?? job.schedule;
  const refiner = left.take(asModelName, 'Refiner'), hash = refiner === undefined ? undefined : left.take(asWords, 'Refiner hash');
  return {
    source,
    resources: [...resources, ...resource('checkpoint', refiner, hash)],
    job: {
      ...job, prompt: raw ?? job.prompt, negative: rawNegative ?? job.negative, loras: weights.length > 0 ? weights : job.loras, ...(schedule && { schedule }),
      ...(refiner !== undefined && { refiner: { model: namedModel(refiner, hash), switchAt: left.peek(asNumber, 'Refiner Switch') ?? 0.8 } }),
      extra: left.rest(),
    },
  };
}
