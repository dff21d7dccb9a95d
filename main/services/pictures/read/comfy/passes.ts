// Which of a graph's samplers made the picture, in which order: each one's latents come from the one before.
import type { Call } from './call';
import type { Evaluated } from './evaluate';
import type { ComfyNode } from './graph';
import { as, type Pass, type Picture, type Value } from './values';

export interface Passes {
  /** From the first to the last. */
  readonly passes: readonly Picture[];
  /** The saved picture, and back from it to the first pass. */
  readonly steps: readonly Picture[];
  /** Which nodes put out pictures of other samplers that fit as well, behind the one that is taken; none where there are no others. */
  readonly outputs: readonly ComfyNode[];
}

/** More than anybody draws. */
const MOST_OUTPUTS = 40, MOST_STEPS = 5000, MOST_PASSES = 8;
const saves = /save|output/i, shows = /preview|display|view|compare/i;

/** Of the samplers that lead to a saved picture of this size, or to any, those of the longest chain; of a picture that is only shown, or only made, where none is saved. */
export function passesOf(nodes: ReadonlyMap<ComfyNode, Evaluated>, width: number, height: number): Passes {
  const all = [...nodes.values()], by = (type: RegExp): Evaluated[] => all.filter(({ call }) => type.test(call.node.type)).slice(-MOST_OUTPUTS);
  for (const pictures of [() => by(saves).flatMap(taken), () => by(shows).flatMap(taken), () => all.flatMap(made).slice(-MOST_OUTPUTS)]) {
    const found = pictures().map(chainOf).filter(({ passes }) => passes.length > 0), fits = found.filter(({ steps }) => isOf(steps[0]!, width, height));
    const fitting = fits.length > 0 ? fits : found, best = longest(fitting);
    if (best) return { ...best, outputs: outputsOf(fitting, best) };
  }
  return { passes: [], steps: [], outputs: [] };
}

interface Chain extends Omit<Passes, 'outputs'> { readonly output: ComfyNode }

/** A picture that is saved on the way to the one that is taken is none of another sampler. */
function outputsOf(chains: readonly Chain[], best: Chain): ComfyNode[] {
  const own = new Set(best.passes.map(({ pass }) => pass?.node)), others = chains.filter(({ passes }) => passes.some(({ pass }) => !own.has(pass?.node)));
  return others.length > 0 ? [...new Set([best, ...others].map(({ output }) => output))] : [];
}

/** Where nothing is saved that is known to be made: what it comes from. */
export const savedFrom = (nodes: ReadonlyMap<ComfyNode, Evaluated>): Value | undefined =>
  [...nodes.values()].filter(({ call }) => saves.test(call.node.type)).flatMap(({ call }) => [...call.inputs.values()])
    .find(({ kind }) => kind === 'unknown');

interface Output { readonly node: ComfyNode; readonly picture: Picture }

const picturesIn = ({ node }: Call, value: Value | undefined): Output[] =>
  [as('picture', value) ?? (value?.kind === 'bundle' ? as('picture', value.fields.get('image')) : undefined)].flatMap((picture) => (picture ? [{ node, picture }] : []));
const taken = ({ call }: Evaluated): Output[] => [...call.inputs.values()].flatMap((value) => picturesIn(call, value));
/** No sampler has more outputs. */
const MOST_SLOTS = 14;
const made = ({ call, outputs }: Evaluated): Output[] => Array.from({ length: MOST_SLOTS }, (_, slot) => picturesIn(call, outputs(slot))).flat();

function chainOf({ node, picture: saved }: Output): Chain {
  const steps: Picture[] = [], passes: Picture[] = [];
  for (let at: Picture | undefined = saved; at && steps.length < MOST_STEPS && passes.length < MOST_PASSES; at = at.before) {
    steps.push(at);
    if (at.pass) passes.unshift(at);
  }
  const first = passes[0];
  return { output: node, passes, steps: first ? steps.slice(0, steps.indexOf(first) + 1) : steps };
}

const longest = (chains: readonly Chain[]): Chain | undefined =>
  chains.reduce<Chain | undefined>((best, chain) => (!best || chain.passes.length > best.passes.length ? chain : best), undefined);

const isOf = ({ size }: Picture, width: number, height: number): boolean =>
  size?.width.kind === 'plain' && size.height.kind === 'plain' && Number(size.width.value) === width && Number(size.height.value) === height;

/** A pass with what its guider, noise and schedule say. */
export interface Parts {
  readonly pass: Pass;
  readonly model: Value | undefined;
  readonly positive: Value | undefined;
  readonly negative: Value | undefined;
  readonly cfg: Value | undefined;
  readonly seed: Value | undefined;
  readonly sampler: Value | undefined;
  readonly steps: Value | undefined;
  readonly scheduler: Value | undefined;
  readonly denoise: Value | undefined;
  readonly start: Value | undefined;
}

export function partsOf(pass: Pass): Parts {
  const { fields } = pass, guider = fields.get('guider'), guides = as('guider', guider), sigmas = as('sigmas', fields.get('sigmas'));
  const unknownGuider = guider?.kind === 'unknown' ? guider : undefined, sampler = fields.get('sampler_name'), noise = fields.get('noise');
  const of = (name: 'steps' | 'scheduler' | 'denoise'): Value | undefined =>
    sigmas ? sigmas[name] : (fields.get(name) ?? (fields.get('sigmas')?.kind === 'unknown' && name !== 'denoise' ? fields.get('sigmas') : undefined));
  return {
    pass,
    model: guides?.model ?? unknownGuider ?? fields.get('model') ?? sigmas?.model,
    positive: guides ? guides.positive : (unknownGuider ?? fields.get('positive')),
    negative: guides ? guides.negative : (unknownGuider ?? fields.get('negative')),
    cfg: guides ? guides.cfg : (unknownGuider ?? fields.get('cfg')),
    seed: as('noise', noise)?.seed ?? (noise?.kind === 'unknown' ? noise : fields.get('seed')),
    sampler: as('sampler', sampler)?.name ?? sampler,
    steps: of('steps'),
    scheduler: of('scheduler'),
    denoise: of('denoise'),
    start: fields.get('start_at_step') ?? sigmas?.start,
  };
}
