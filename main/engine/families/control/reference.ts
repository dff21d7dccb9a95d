// Reference-only: a U-Net that reads a reference picture, noised as far, first, and lets its self-attentions read that picture's keys and values too ("attn"), or
// brings its blocks to that picture's mean and variance ("adain"). sd-webui-controlnet scripts/hook.py; Zhang, discussion 1236 of that repository.
import type { Graph, Value } from '../../graph/graph';
import type { Hooks } from '../../graph/hooks';
import { add, concat, mul, reshape } from '../../nn/layers';
import type { Dims } from '../../tensor';
import type { UnetConfig, UnetShape } from '../unet';
import { spreadDepths } from '../unet-blocks';

/** What is taken from the reference: of self-attentions, by their paths, and of blocks. */
export interface ReferenceSites { readonly attentions: readonly Site[]; readonly blocks: readonly Site[] }
interface Site { readonly path: string; readonly channels: number; readonly level: number }

/** sd-webui-controlnet's lists of blocks that are given a mean and a variance: on the way down the last of them count first, on the way up the first. */
const INPUTS = [4, 5, 7, 8, 10, 11], OUTPUTS = [0, 1, 2, 3, 4, 5, 6, 7], INPUTS_XL = [4, 5, 7, 8], OUTPUTS_XL = [0, 1, 2, 3, 4, 5];

/** SDXL's reads a vector beside the words. */
export const isXl = ({ vectorDim }: UnetConfig): boolean => (vectorDim ?? 0) > 0;

/** Those that count at this weight: the widest self-attentions first, of blocks the innermost. */
export function referenceSites(unet: UnetConfig, { attn, adain, weight }: { attn: boolean; adain: boolean; weight: number }): ReferenceSites {
  const blocks = blocksOf(unet), all = blocks.flatMap(({ depth, ...site }) => Array.from({ length: depth }, (_, i): Site => ({ ...site, path: `${site.path}.1.transformer_blocks.${i}.attn1` })));
  const attentions = all.sort((a, b) => b.channels - a.channels);
  const [inputs, outputs] = isXl(unet) ? [INPUTS_XL, OUTPUTS_XL] : [INPUTS, OUTPUTS], at = (name: string): string => `${unet.prefix}.${name}`, weights = new Map<string, number>([
    [at('middle_block'), 0], ...inputs.map((n, i): [string, number] => [at(`input_blocks.${n}`), 2 - (2 * i) / inputs.length]), ...outputs.map((n, i): [string, number] => [at(`output_blocks.${n}`), (2 * i) / outputs.length]),
  ]);
  return {
    attentions: attn ? attentions.filter((_, i) => weight > i / attentions.length) : [],
    blocks: adain ? blocks.filter(({ path }) => weight > (weights.get(path) ?? Infinity)) : [],
  };
}

/** In the order in which they run. */
function blocksOf(unet: UnetConfig): (Site & { readonly depth: number })[] {
  const { channels, resBlocks, middleDepth, prefix } = unet, { input, output } = unet.blockDepths ?? spreadDepths(unet), last = channels.length - 1;
  const site = (name: string, level: number, depth: number) => ({ path: `${prefix}.${name}`, channels: channels[level]!, level, depth });
  return [
    ...channels.flatMap((_, level) => Array.from({ length: resBlocks + (level < last ? 1 : 0) }, (__, i) => site(`input_blocks.${1 + level * (resBlocks + 1) + i}`, level, i < resBlocks ? input[level * resBlocks + i]! : 0))),
    site('middle_block', last, middleDepth),
    ...output.map((depth, n) => site(`output_blocks.${n}`, last - Math.floor(n / (resBlocks + 1)), depth)),
  ];
}

const names = { k: (path: string) => `reference.k ${path}`, v: (path: string) => `reference.v ${path}`, mean: (path: string) => `reference.mean ${path}`, variance: (path: string) => `reference.variance ${path}` };

/** What the graph that reads is fed of what the one that writes puts out, name → shape. */
export function referenceShapes({ attentions, blocks }: ReferenceSites, { batch, height, width }: Pick<UnetShape, 'batch' | 'height' | 'width'>): Map<string, Dims> {
  const places = (level: number): number => Math.ceil(height / 2 ** level) * Math.ceil(width / 2 ** level);
  return new Map<string, Dims>([
    ...attentions.flatMap(({ path, channels, level }) => [names.k(path), names.v(path)].map((name): [string, Dims] => [name, [batch, places(level), channels]])),
    ...blocks.flatMap(({ path, channels }) => [names.mean(path), names.variance(path)].map((name): [string, Dims] => [name, [batch, channels, 1, 1]])),
  ]);
}

/** Puts out what a graph that reads the reference picture has there. */
export function writeReference(sites: ReferenceSites): Hooks {
  const [attentions, blocks] = pathsOf(sites);
  return {
    attention(g, site, attend) {
      if (attentions.has(site.path)) for (const [name, value] of [[names.k(site.path), site.k], [names.v(site.path), site.v]] as const) g.output(name, value);
      return attend(site);
    },
    block(g, { path, role }, h) {
      if (role === 'output' && blocks.has(path)) {
        const { mean, variance } = spreadOf(g, h);
        g.output(names.mean(path), mean);
        g.output(names.variance(path), variance);
      }
      return h;
    },
  };
}

/** Adds the inputs of `referenceShapes`, and `reference.own` [B, 1, 1]: of each row, how far it stays as without a reference. */
export function readReference(sites: ReferenceSites, size: Pick<UnetShape, 'batch' | 'height' | 'width'>): Hooks {
  const [attentions, blocks] = pathsOf(sites), shapes = referenceShapes(sites, size);
  let inputs: readonly [own: Value, rest: Value] | undefined;
  const mixed = (g: Graph, plain: Value, changed: Value): Value => {
    if (!inputs) { const own = g.input('reference.own', 'float32', [size.batch, 1, 1]); inputs = [own, g.apply('Sub', [g.scalar(1), own])]; }
    const [own, rest] = plain.dims.length === 4 ? inputs.map((each) => reshape(g, each, [size.batch, 1, 1, 1])) as [Value, Value] : inputs;
    return add(g, mul(g, plain, own), mul(g, changed, rest));
  };
  const input = (g: Graph, name: string): Value => g.input(name, 'float32', shapes.get(name)!);
  return {
    attention(g, site, attend) {
      const plain = attend(site);
      if (!attentions.has(site.path)) return plain;
      return mixed(g, plain, attend({ ...site, k: concat(g, [site.k, input(g, names.k(site.path))], 1), v: concat(g, [site.v, input(g, names.v(site.path))], 1) }));
    },
    block(g, { path, role }, h) {
      if (role !== 'output' || !blocks.has(path)) return h;
      const { mean, variance } = spreadOf(g, h), even = g.apply('Div', [g.apply('Sub', [h, mean]), deviation(g, variance)]);
      return mixed(g, h, add(g, mul(g, even, deviation(g, input(g, names.variance(path)))), input(g, names.mean(path))));
    },
  };
}

const pathsOf = ({ attentions, blocks }: ReferenceSites): [Set<string>, Set<string>] => [new Set(attentions.map(({ path }) => path)), new Set(blocks.map(({ path }) => path))];

/** Of each channel over its places. */
function spreadOf(g: Graph, h: Value): { mean: Value; variance: Value } {
  const mean = g.apply('ReduceMean', [h], { axes: [2, 3] }), off = g.apply('Sub', [h, mean]);
  return { mean, variance: g.apply('ReduceMean', [mul(g, off, off)], { axes: [2, 3] }) };
}

/** √ of the variance, of a millionth at least. */
function deviation(g: Graph, variance: Value): Value {
  const least = g.scalar(1e-6);
  return g.apply('Sqrt', [add(g, g.apply('Relu', [g.apply('Sub', [variance, least])]), least)]);
}
