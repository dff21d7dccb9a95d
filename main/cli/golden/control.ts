// Golden cases of what steers a U-Net from beside it: ControlNet, T2I-Adapter, IP-Adapter and the image tower that it reads. Their own outputs, and the U-Net's with these at several strengths.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildClipVision, clipVisionConfig } from '../../engine/families/control/clip-vision';
import { controlNetConfig, buildControlHint, buildControlNet, type ControlNetConfig } from '../../engine/families/control/controlnet';
import { controlNetFile } from '../../engine/families/control/controlnet-file';
import { attendToPicture, buildImageTokens, ipAdapterConfig, type IpAdapterConfig } from '../../engine/families/control/ip-adapter';
import { addedAt, controlNetPlaces, inputAt, MIDDLE, type Place } from '../../engine/families/control/places';
import { buildT2iAdapter, featurePlaces, t2iAdapterConfig } from '../../engine/families/control/t2i-adapter';
import { buildUnet, timestepEmbedding, unetConfig, type UnetConfig } from '../../engine/families/unet';
import { mul } from '../../engine/sampling/arithmetic';
import { float32, type Tensor } from '../../engine/tensor';
import type { WeightFile } from '../../engine/weights/source';
import { openWeightFile } from '../../files/weight-file';
import { ortRuntime } from '../../worker/ort-runtime';
import { caseTensors, compareTensor, evaluate, relativeTolerance, type CaseTensors } from './networks';
import type { CaseFolder, Check, Checker } from './types';

/** All U-Nets of these cases have 8 heads. */
const heads = { count: 8 };

interface Base { readonly file: WeightFile; readonly config: UnetConfig; readonly io: CaseTensors }

async function openBase(folder: CaseFolder): Promise<Base> {
  const file = await openWeightFile(join(folder.path, folder.config['unet']));
  const config = unetConfig(file, undefined, heads);
  if (!config) throw new Error(`${folder.name}: there is no U-Net in ${file.path}`);
  return { file, config, io: await caseTensors(join(folder.path, 'io.safetensors')) };
}

/** The U-Net's answer with `added` at their places. */
async function unetWith({ file, config, io }: Base, added: ReadonlyMap<Place, Tensor>): Promise<Tensor> {
  const x = io.float('in.x'), context = io.float('in.context'), [batch, , height, width] = x.dims as [number, number, number, number];
  const graph = buildUnet(file, config, { batch, height, width, tokens: context.dims[1]! }, addedAt(new Set(added.keys()), config));
  const feeds = { x, t: timestepEmbedding(io.float('in.t').data, config.modelChannels), context, ...Object.fromEntries([...added].map(([place, value]) => [inputAt(place), value])) };
  return (await evaluate(ortRuntime(), graph, feeds))['out']!;
}

const times = (values: ReadonlyMap<Place, Tensor>, factor: (i: number) => number): Map<Place, Tensor> =>
  new Map([...values].map(([place, value], i) => [place, mul(value, factor(i))]));

/** Bytes → 0…1. */
const unit = ({ dims, data }: Tensor): Tensor => float32(dims, data.map((value) => value / 255));

export const checkControlNet: Checker = async function* (folder) {
  const base = await openBase(folder), { io } = base, tolerance = relativeTolerance(folder);
  for (const layout of ['ldm', 'diffusers']) {
    const path = join(folder.path, `weights_${layout}.safetensors`);
    if (!existsSync(path)) continue;                        // the cases that come with the project have one of the two
    const file = controlNetFile(await openWeightFile(path)), config = controlNetConfig(file, heads);
    if (!config) throw new Error(`${folder.name}: there is no ControlNet in ${file.path}`);
    const residuals = await controlResiduals(file, config, io);
    for (const [i, value] of [...residuals.values()].entries()) {
      const name = `residual.${String(i).padStart(2, '0')}`;
      yield compareTensor(`${layout}.${name}`, value, io.stored(`out.${name}`), tolerance);
    }
    yield* checkStrengths(base, residuals, layout, tolerance);
  }
};

async function controlResiduals(file: WeightFile, config: ControlNetConfig, io: CaseTensors): Promise<Map<Place, Tensor>> {
  const x = io.float('in.x'), context = io.float('in.context'), [batch, , height, width] = x.dims as [number, number, number, number], runtime = ortRuntime();
  const { features } = await evaluate(runtime, buildControlHint(file, config, { batch, height, width }), { hint: unit(io.float('in.hint_u8')) });
  const graph = buildControlNet(file, config, { batch, height, width, tokens: context.dims[1]! }, batch);
  const out = await evaluate(runtime, graph, { x, t: timestepEmbedding(io.float('in.t').data, config.modelChannels), context, features: features! });
  return new Map(controlNetPlaces(config).map((place, i) => [place, out[`residual.${place === MIDDLE ? 'middle' : i}`]!]));
}

async function* checkStrengths(base: Base, residuals: ReadonlyMap<Place, Tensor>, layout: string, tolerance: number): AsyncIterable<Check> {
  const last = residuals.size - 1;
  const settings: Readonly<Record<string, ReadonlyMap<Place, Tensor>>> = {
    eps: residuals, eps_without: new Map(), 'eps_strength_0.6': times(residuals, () => 0.6), 'eps_soft_0.825': times(residuals, (i) => 0.825 ** (last - i)),
    eps_only_mid: new Map([[MIDDLE, residuals.get(MIDDLE)!]]), eps_diffusers_guess_mode: times(residuals, (i) => 10 ** (i / last - 1)),
  };
  for (const [name, added] of Object.entries(settings)) yield compareTensor(`${layout}.${name}`, await unetWith(base, added), base.io.stored(`out.${name}`), tolerance);
}

export const checkT2iAdapter: Checker = async function* (folder) {
  const base = await openBase(folder), { io } = base, tolerance = relativeTolerance(folder);
  for (const kind of ['full', 'light']) {
    const file = await openWeightFile(join(folder.path, `adapter_${kind}.safetensors`)), config = t2iAdapterConfig(file);
    if (!config) throw new Error(`${folder.name}: there is no T2I-Adapter in ${file.path}`);
    const hint = unit(io.float(`${kind}.hint_u8`)), [batch, , height, width] = hint.dims as [number, number, number, number];
    const out = await evaluate(ortRuntime(), buildT2iAdapter(file, config, { batch, height, width }), { hint });
    const features = new Map(featurePlaces(config).map((place, i) => [place, out[`feature.${i}`]!]));
    for (const [i, value] of [...features.values()].entries()) yield compareTensor(`${kind}.feature.${i}`, value, io.stored(`${kind}.feature.${i}`), tolerance);
    for (const [name, factor] of [['eps', 1], ['eps_strength_0.5', 0.5], ['eps_without', null]] as const) {
      const added = factor === null ? new Map<Place, Tensor>() : times(features, () => factor);
      yield compareTensor(`${kind}.${name}`, await unetWith(base, added), io.stored(`${kind}.${name}`), tolerance);
    }
  }
};

export const checkIpAdapter: Checker = async function* (folder) {
  const base = await openBase(folder), { io } = base, tolerance = relativeTolerance(folder);
  for (const kind of ['base', 'plus']) {
    const file = await openWeightFile(join(folder.path, `ip_adapter_${kind}.safetensors`)), config = ipAdapterConfig(file, folder.config['config'].plus.dim_head);
    if (!config) throw new Error(`${folder.name}: there is no IP-Adapter in ${file.path}`);
    const picture = io.float(`${kind}.image_embeds`), tokensOf = (told: Tensor) => evaluate(ortRuntime(), buildImageTokens(file, config, told.dims[0]!, told.dims[1]), { picture: told });
    const tokens = (await tokensOf(picture))['tokens']!;
    yield compareTensor(`${kind}.tokens`, tokens, io.stored(`${kind}.tokens`), tolerance);
    yield compareTensor(`${kind}.tokens_uncond`, (await tokensOf(float32(picture.dims)))['tokens']!, io.stored(`${kind}.tokens_uncond`), tolerance);
    for (const name of io.names.filter((each) => each.startsWith(`${kind}.eps_scale_`))) {
      yield compareTensor(name, await unetSeeing(base, file, config, tokens, Number(name.split('_').at(-1))), io.stored(name), tolerance);
    }
  }
};

/** The U-Net's answer where its cross-attentions read the picture's tokens, so strongly. */
async function unetSeeing({ file, config, io }: Base, adapter: WeightFile, told: IpAdapterConfig, tokens: Tensor, weight: number): Promise<Tensor> {
  const x = io.float('in.x'), context = io.float('in.context'), [batch, , height, width] = x.dims as [number, number, number, number];
  const graph = buildUnet(file, config, { batch, height, width, tokens: context.dims[1]! }, attendToPicture(adapter, told, config, { batch, tokens: tokens.dims[1]! }));
  const weights = float32([batch, 1, 1], new Float32Array(batch).fill(weight));
  return (await evaluate(ortRuntime(), graph, { x, t: timestepEmbedding(io.float('in.t').data, config.modelChannels), context, 'image.tokens': tokens, 'image.weight': weights }))['out']!;
}

export const checkClipVision: Checker = async function* (folder) {
  const { num_attention_heads: heads, hidden_act: activation } = folder.config['config'];
  const file = await openWeightFile(join(folder.path, 'weights.safetensors')), config = clipVisionConfig(file, { heads, activation });
  if (!config) throw new Error(`${folder.name}: there is no image tower in ${file.path}`);
  const io = await caseTensors(join(folder.path, 'io.safetensors')), pixels = io.float('in.pixel_values');
  const out = await evaluate(ortRuntime(), buildClipVision(file, config, pixels.dims[0]!), { pixels });
  for (const [name, mine] of [['image_embeds', 'embeds'], ['penultimate', 'penultimate'], ['last_hidden_state', 'last']] as const) {
    yield compareTensor(name, out[mine]!, io.stored(`out.${name}`), relativeTolerance(folder));
  }
};
