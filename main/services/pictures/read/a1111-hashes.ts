// The models that a `parameters` text names beside its checkpoint: hashes of adapters and embeddings, and Civitai's lists.
import type { ModelKind } from '../../../../preload/contract/model';
import type { Resource } from '../../../../preload/contract/picture-report';
import { asNumber, asText } from './fields';
import { isObject, parseJson, parseJsonObject } from './json';

/** `name: hash, name: hash`, as in `Lora hashes` and `TI hashes`. */
export function parseHashes(text: string | undefined): Map<string, string> {
  return new Map((text ?? '').split(',').flatMap((pair): [string, string][] => {
    const colon = pair.lastIndexOf(':'), name = pair.slice(0, Math.max(0, colon)).trim(), hash = pair.slice(colon + 1).trim();
    return name !== '' && /^[0-9a-f]{6,64}$/i.test(hash) ? [[name, hash.toLowerCase()]] : [];
  }));
}

/** `Hashes` of Civitai's helper: a JSON object with the keys model, vae, lora:NAME, embed:NAME. */
export function parseCivitaiHashes(text: string | undefined): Resource[] {
  return Object.entries(parseJsonObject(text) ?? {}).flatMap(([key, hash]): Resource[] => {
    const [, type, name] = /^([^:]+)(?::(.*))?$/s.exec(key) ?? [];
    const kind = civitaiKinds[type?.toLowerCase() ?? ''];
    return kind && typeof hash === 'string' && hash !== '' ? [{ kind, name: name ?? '', hash: hash.toLowerCase() }] : [];
  });
}

export interface CivitaiResource { readonly kind: ModelKind; readonly name: string; readonly weight: number | undefined }

/** `Civitai resources`: a JSON list of {type, weight, modelName, modelVersionName, modelVersionId, air}. */
export function parseCivitaiResources(text: string | undefined): CivitaiResource[] {
  const list = text === undefined ? undefined : parseJson(text);
  return (Array.isArray(list) ? list : []).filter(isObject).flatMap((item) => {
    const kind = civitaiKinds[asText(item.type)?.toLowerCase() ?? ''], name = asText(item.modelName) ?? asText(item.air) ?? (asNumber(item.modelVersionId) === undefined ? undefined : `civitai ${asNumber(item.modelVersionId)}`);
    return kind && name ? [{ kind, name, weight: asNumber(item.weight) }] : [];
  });
}

/** Civitai's types of models, in small letters. */
export const civitaiKinds: Readonly<Record<string, ModelKind | undefined>> = Object.assign(Object.create(null) as object, {
  model: 'checkpoint', checkpoint: 'checkpoint', vae: 'vae', lora: 'lora', lycoris: 'lora', locon: 'lora', dora: 'lora', embed: 'embedding', embedding: 'embedding',
  textualinversion: 'embedding', hypernet: 'hypernetwork', hypernetwork: 'hypernetwork',
} as const);
