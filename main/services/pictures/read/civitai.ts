// Civitai's own generator: what it was asked for is JSON in `extraMetadata`, beside the ComfyUI graph or in it. The graph of an upscaler has no job at all.
import type { PictureJob, Resource } from '../../../../preload/contract/picture-report';
import { civitaiKinds } from './a1111-hashes';
import { readComfyUi } from './comfy/comfyui';
import { asInteger, asList, asNumber, asObject, asText, compact } from './fields';
import { isObject, parseJsonObject, type JsonObject } from './json';
import { readJsonJob } from './json-job';
import { placedTexts, type Reader, type Texts } from './reading';

export const readCivitai: Reader = (picture) => {
  for (const [place, text] of placesOf(picture)) {
    const object = text.includes('extraMetadata') ? parseJsonObject(text) : place === 'extraMetadata' ? { extraMetadata: text } : undefined;
    const asked = asObject(object?.extraMetadata) ?? parseJsonObject(asText(object?.extraMetadata));
    if (!object || !asked) continue;
    const graph = readComfyUi(picture), { baseModel, resources, ...settings } = asked, { job: said } = readJsonJob(settings);
    const models = resourcesOf(resources, text), model = models.find(({ kind }) => kind === 'checkpoint');
    const job: PictureJob = {
      ...compact({ ...graph?.job, ...said }), ...compact({ model: model && { name: model.name, hash: null }, hires: said.hires ?? graph?.job.hires ?? hiresOf(asked) }),
      loras: models.filter(({ kind }) => kind === 'lora').map(({ name, weight }) => ({ name, weight })), extra: compact({ ...said.extra, baseModel, resources, ...(graph && { [place]: text }) }),
    };
    return { source: 'civitai', job, resources: models.map(({ kind, name }): Resource => ({ kind, name, hash: null })), used: [place] };
  }
  return null;
};

const placesOf = ({ texts }: Texts): [string, string][] => [...placedTexts({ texts, width: 0, height: 0 }), ...['prompt', 'extraMetadata'].flatMap((key): [string, string][] => (texts.has(key) ? [[key, texts.get(key)!]] : []))];

/** An upscaler's result. */
function hiresOf(asked: JsonObject): PictureJob['hires'] {
  const upscale = (asList(asked.transformations) ?? []).filter(isObject).find(({ type }) => type === 'upscale'), width = asInteger(upscale?.upscaleWidth), height = asInteger(upscale?.upscaleHeight);
  return width && height ? { width, height } : undefined;
}

/**
 * Versions by their number on Civitai. The graph around them has addresses, `urn:air:sdxl:checkpoint:civitai:model@version`, which tell what each is; else the first
 * is the checkpoint and the rest are LoRAs.
 */
function resourcesOf(resources: unknown, text: string): { kind: Resource['kind']; name: string; weight: number }[] {
  const types = new Map([...text.matchAll(/urn:air:[\w-]{1,40}:([a-z]{1,30}):civitai:\d{1,12}@(\d{1,12})/g)].map(([, type, version]) => [Number(version), civitaiKinds[type!]]));
  return (asList(resources) ?? []).filter(isObject).flatMap((item, i) => {
    const version = asInteger(item.modelVersionId) ?? asInteger(item.id), kind = civitaiKinds[asText(item.type)?.toLowerCase() ?? ''] ?? types.get(version ?? -1) ?? (i === 0 ? 'checkpoint' : 'lora');
    return version === undefined ? [] : [{ kind, name: asText(item.modelName) ?? `civitai ${version}`, weight: asNumber(item.strength) ?? asNumber(item.weight) ?? 1 }];
  });
}
