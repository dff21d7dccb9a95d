// What is taken of a node that is not in the table. What it makes is not known; but files under the names that all packs have for them are its own words,
// and a single model, text encoder, VAE or picture that goes through it is most likely the one that comes out, with something done to it.
import type { ComfyNode } from './graph';
import { as, type Fields, type Lora, type Picture, type Unknown, type Value } from './values';

const modelFiles = ['ckpt_name', 'unet_name', 'diffusion_model_name'];

export function unknownOf(node: ComfyNode, inputs: Fields, fields: Fields): Unknown {
  const passed = new Map<Value['kind'], Value>(), values = [...inputs.values()];
  const model = modelOf(node, values, fields);
  if (model) passed.set('model', model);
  for (const kind of ['clip', 'vae'] as const) {
    const only = single(values.flatMap((value) => as(kind, value) ?? []));
    if (only) passed.set(kind, only);
  }
  const picture = pictureOf(node, values, fields);
  if (picture) passed.set('picture', picture);
  return { kind: 'unknown', node, passed };
}

function modelOf(node: ComfyNode, values: readonly Value[], fields: Fields): Value | undefined {
  const file = modelFiles.map((name) => fields.get(name)).find((value) => value?.kind === 'plain');
  if (file) return { kind: 'model', file, doubt: node };
  const before = single(values.flatMap((value) => as('model', value) ?? [])), name = fields.get('lora_name');
  if (!before) return undefined;
  const lora: Lora | undefined =
    name?.kind === 'plain' ? { name, weight: fields.get('strength_model') ?? fields.get('strength'), textWeight: fields.get('strength_clip') } : undefined;
  return { kind: 'model', before, loras: lora && [lora], doubt: node };
}

/** One that a sampler has worked on comes before one that was loaded. Several are one where the same pass made them. */
function pictureOf(node: ComfyNode, values: readonly Value[], fields: Fields): Picture | undefined {
  const all = [...new Set(values.flatMap((value) => as('picture', value) ?? []))].slice(0, MOST_PICTURES), passes = all.map(lastPass);
  const made = single(passes.filter((pass) => pass !== undefined));
  const before = made ? all[passes.indexOf(made)] : passes.every((pass) => pass === undefined) ? single(all) : undefined;
  if (!before) return undefined;
  const samples = as('model', fields.get('model')) && fields.has('positive') && fields.has('steps') && fields.has('seed');
  return { kind: 'picture', before, doubt: node, keepsSize: false, isLatent: before.isLatent, ...(samples && { pass: { node, fields, isSure: false } }) };
}

const MOST_PICTURES = 20;
/** Nodes between two passes are few; a chain of thousands is nobody's picture. */
const MOST_STEPS = 200;

function lastPass(picture: Picture): Picture['pass'] {
  let at: Picture | undefined = picture;
  for (let i = 0; at && !at.pass && i < MOST_STEPS; i++) at = at.before;
  return at?.pass;
}

const single = <T>(values: readonly T[]): T | undefined => (new Set(values).size === 1 ? values[0] : undefined);
