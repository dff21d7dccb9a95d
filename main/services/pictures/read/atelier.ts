// Our own pictures: the whole job, as it was.
import { JobSpec } from '../../../../preload/contract/job';
import type { ModelKind } from '../../../../preload/contract/model';
import type { Resource } from '../../../../preload/contract/picture-report';
import { parseJsonObject } from './json';
import { lorasOf } from './lora-tags';
import type { Reader } from './reading';
import { jobResources, resource } from './resources';

export const readAtelier: Reader = ({ texts }) => {
  const own = JobSpec.safeParse(parseJsonObject(texts.get('atelier'))).data;
  if (!own) return null;
  const { vae, ...rest } = own;
  const job = { loras: lorasOf(own.prompt), ...rest, ...(vae && { vae: vae.name, vaeHash: vae.hash }), extra: {} };
  const named = (kind: ModelKind, files: JobSpec['embeddings']): Resource[] => (files ?? []).flatMap(({ name, hash }) => resource(kind, name, hash));
  const resources = [
    ...jobResources({ ...job, vae: undefined }), ...named('vae', vae && [vae]), ...named('text-encoder', own.textEncoders), ...named('embedding', own.embeddings),
  ];
  return { source: 'atelier', job, resources, used: ['atelier', 'parameters'] };
};
