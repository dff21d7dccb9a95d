// Which models a picture needs, and which of them are not here. Hashes decide; names where a hash is missing on either side.
import type { PictureJob, Resource } from '../../../../preload/contract/picture-report';
import type { ModelKind } from '../../../../preload/contract/model';
import type { ModelHashes } from '../../models/file-hashes';
import { asText, asWords, type Parse } from './fields';

/** A model file on this machine. */
export interface LocalModel {
  /** File name, with or without folder and extension. */
  readonly name: string;
  /** null while they are not known. */
  readonly hashes: ModelHashes | null;
}

/** Resources that no local model is. Each once. */
export function missingResources(resources: readonly Resource[], locals: readonly LocalModel[]): Resource[] {
  const known = new Set<string>();
  return resources.filter((resource) => {
    const key = `${resource.kind}\n${nameKey(resource.name)}\n${resource.hash ?? ''}`;
    if (known.has(key)) return false;
    known.add(key);
    return !locals.some((local) => isSame(resource, local));
  });
}

/**
 * Texts hold AutoV1 (8 digits), AutoV2 (10), the first 10 or 12 digits of AutoV3 or SHA-256, or a whole SHA-256. Other hashes (InvokeAI's
 * `blake3:…`) cannot be compared, so there the name counts.
 */
export function isSame({ name, hash }: Resource, local: LocalModel): boolean {
  const wanted = hash?.toLowerCase().replace(/^(?:0x|sha256:)/, '') ?? '';
  const isComparable = /^[0-9a-f]{8,64}$/.test(wanted) && local.hashes !== null;
  if (!isComparable) return name !== '' && nameKey(name) === nameKey(local.name);
  const { sha256, autov1, autov3 } = local.hashes!;
  return sha256.startsWith(wanted) || (wanted.length === 8 ? autov1 === wanted : wanted.slice(0, 12) === autov3.slice(0, wanted.length));
}

const modelFile = /^(?:.*[\\/])?([^\\/]*)\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)$/is;

/** A model file's name as our jobs have it, without folder and extension. Other names stay as they are. */
export const stem = (name: string): string => modelFile.exec(name)?.[1] ?? name;

/** Names are the same however they are written. */
const nameKey = (name: string): string => stem(name).replace(/^.*[\\/]/s, '').toLowerCase();

/** What people write where they have none. */
const isNone = (name: string): boolean => /^(?:none|automatic|default(?: \(model\))?|baked[ -]?(?:in|vae)|built[ -]?in|)$/i.test(name.trim());

/** A name that is not "None" and the like. */
export const asModelName: Parse<string> = (value) => (isNone(asText(value) ?? '') ? undefined : asText(value));

/** 'name [hash]', as A1111 lists checkpoints. */
export const asTitle: Parse<{ name: string; hash: string | null }> = (value) => {
  const title = asWords(value)?.trim() ?? '', [tail = '', hash] = /\[([0-9a-f]{6,64})\]$/i.exec(title) ?? [], name = title.slice(0, title.length - tail.length).trimEnd();
  return name ? { name: stem(name), hash: hash?.toLowerCase() ?? null } : undefined;
};

export const resource = (kind: ModelKind, name: string | undefined, hash: string | null = null): Resource[] =>
  (name === undefined || (isNone(name) && hash === null) ? [] : [{ kind, name, hash }]);

/** Model, VAE, refiner, second pass and adapters; for these, hashes by name where the text has some. */
export function jobResources(job: Pick<PictureJob, 'model' | 'refiner' | 'hires' | 'vae' | 'loras'>, loraHashes?: ReadonlyMap<string, string | null>): Resource[] {
  return [
    ...[job.model, job.refiner?.model, job.hires?.model].flatMap((model) => (model ? resource('checkpoint', model.name, model.hash) : [])),
    ...resource('vae', job.vae),
    ...job.loras.flatMap(({ name }) => resource('lora', name, loraHashes?.get(name) ?? null)),
  ];
}
