// Which models a picture needs, and which of them are not here.
import type { NamedModel, PictureJob, Resource } from '../../../../preload/contract/picture-report';
import type { ModelKind } from '../../../../preload/contract/model';
import { isHere, nameKey, stem, type LocalModel } from '../../models/which-model';
import { asText, asWords, type Parse } from './fields';

/** Resources that no local model is. Each once. */
export function missingResources(resources: readonly Resource[], locals: readonly LocalModel[]): Resource[] {
  const known = new Set<string>();
  return resources.filter((resource) => {
    const key = `${resource.kind}\n${nameKey(resource.name)}\n${resource.hash ?? ''}`;
    if (known.has(key)) return false;
    known.add(key);
    return !locals.some((local) => isHere(resource, local));
  });
}

/** What people write where they have none. */
const isNone = (name: string): boolean => /^(?:none|unknown|undefined|null|automatic|default(?: \(model\))?|baked[ -]?(?:in|vae)|built[ -]?in|)$/i.test(name.trim());

/** A name that is not "None" and the like. */
export const asModelName: Parse<string> = (value) => (isNone(asText(value) ?? '') ? undefined : asText(value));

/** 'name [hash]', as A1111 lists checkpoints. */
export const asTitle: Parse<NamedModel> = (value) => {
  const title = asWords(value)?.trim() ?? '', [tail = '', hash] = /\[([0-9a-f]{6,64})\]$/i.exec(title) ?? [], name = title.slice(0, title.length - tail.length).trimEnd();
  return name ? namedModel(name, hash?.toLowerCase()) : undefined;
};

/** A model as a text names it, by its file's name or path. */
export function namedModel(path: string, hash: string | null = null): NamedModel {
  const name = stem(path), [, folder] = name === path ? [] : /^(?:.*:)?[\\/]*(.+)[\\/]/s.exec(path) ?? [];
  return { name, hash, ...(folder && { folder: folder.replaceAll('\\', '/') }) };
}

export const resource = (kind: ModelKind, name: string | undefined, hash: string | null = null): Resource[] =>
  (name === undefined || (isNone(name) && hash === null) ? [] : [{ kind, name, hash }]);

/** Model, VAE, refiner, second pass and adapters; for these, hashes by name where the text has some. */
export function jobResources(job: Pick<PictureJob, 'model' | 'refiner' | 'hires' | 'vae' | 'loras' | 'controls'>, loraHashes?: ReadonlyMap<string, string | null>): Resource[] {
  return [
    ...[job.model, job.refiner?.model, job.hires?.model].flatMap((model) => (model ? resource('checkpoint', model.name, model.hash) : [])),
    ...resource('vae', job.vae),
    ...(job.controls ?? []).flatMap(({ model }) => resource('controlnet', model.name, model.hash)),
    ...job.loras.flatMap(({ name }) => resource('lora', name, loraHashes?.get(name) ?? null)),
  ];
}
