// Every network that the families build, from headers alone, in the forms and at the sizes that bring out differences: what is replayed and validated.
import { clipL, sd15, sd21, sdxlBase, type CheckpointSizes } from '../../main/engine/families/known-sizes';
import { checkpointTensors } from '../../main/engine/families/network-tensors';
import { buildTaesdDecoder, buildTaesdEncoder } from '../../main/engine/families/taesd';
import { textEncoders } from '../../main/engine/families/text-encoders';
import { buildTextTower, type TextTower, type TowerRun } from '../../main/engine/families/text-tower';
import { buildUnet, unetConfig, type Heads } from '../../main/engine/families/unet';
import { buildVaeDecoder, buildVaeEncoder, vaeConfig } from '../../main/engine/families/vae';
import { cpuDialect, primitiveDialect, webgpuDialect, type Dialect } from '../../main/engine/graph/dialect';
import type { Graph } from '../../main/engine/graph/graph';
import { compile } from '../../main/engine/graph/onnx';
import type { Dims } from '../../main/engine/tensor';
import { assembleCheckpoint, joinShards } from '../../main/engine/weights/key-maps/assemble';
import type { StoredDType, TensorEntry, WeightFile } from '../../main/engine/weights/source';
import { below, referenceTensors, tinyFamilies, weightFile, withInputs } from './checkpoints';

export interface Network { readonly name: string; readonly build: () => Graph }

export const dialects: Readonly<Record<string, Dialect>> = { cpu: cpuDialect, webgpu: webgpuDialect, primitive: primitiveDialect };

/** Files lie at the root of the drive, whatever the machine has there. */
export const compileIn = (dialect: Dialect, graph: Graph): Uint8Array<ArrayBuffer> => compile(graph, dialect, (file) => file.slice(1));

type Shapes = Iterable<readonly [string, Dims, StoredDType?]>;
interface Form { readonly stored: StoredDType; readonly batch: number; readonly height: number; readonly width: number; readonly tokens: number }

/** Each precision, batch and size meets each other once. Odd sides make the U-Net's upsamplers grow to the skips. */
const tinyForms: readonly Form[] = [
  { stored: 'F16', batch: 1, height: 8, width: 8, tokens: 77 }, { stored: 'F16', batch: 2, height: 13, width: 21, tokens: 154 },
  { stored: 'F32', batch: 1, height: 13, width: 21, tokens: 154 }, { stored: 'F32', batch: 2, height: 8, width: 8, tokens: 77 },
];
const realForms: readonly Form[] = [{ stored: 'F16', batch: 1, height: 64, width: 64, tokens: 77 }, { stored: 'F32', batch: 2, height: 96, width: 61, tokens: 154 }];
const plain = tinyForms[0]!;
const say = ({ stored, batch, height, width, tokens }: Form): string => `${stored} ${batch}×${height}×${width}×${tokens}`;

/** All weights in one precision, by name as files have them; buffers of whole numbers stay. */
const header = (shapes: Shapes, stored: StoredDType, path = '/models/whole.safetensors'): WeightFile =>
  weightFile([...shapes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, dims, own = stored]) => [name, dims, own.includes('F') ? stored : own] as const), {}, path);
const lcm = (sizes: CheckpointSizes, guidanceDim: number): CheckpointSizes => ({ ...sizes, unet: { ...sizes.unet, guidanceDim } });

/** SDXL distilled by leaving out blocks: no attention in the middle, each block with a depth of its own. */
const pruned = { unet: { ...sdxlBase.unet, middleDepth: 0, blockDepths: { input: [0, 0, 2, 2, 4, 4], output: [4, 4, 10, 2, 1, 1, 0, 0, 0] } }, text: {}, vae: sd15.vae };

const unets: readonly (readonly [string, Shapes, readonly Form[]])[] = [
  ...Object.entries(tinyFamilies).map(([name, sizes]) => [`tiny ${name}`, checkpointTensors(sizes), tinyForms] as const),
  ['tiny sd1 inpaint', checkpointTensors(withInputs(tinyFamilies.sd1, 9)), tinyForms], ['tiny sd1 pix2pix', checkpointTensors(withInputs(tinyFamilies.sd1, 8)), tinyForms],
  ['tiny sd2 depth', checkpointTensors(withInputs(tinyFamilies.sd2, 5)), tinyForms], ['tiny sd1 lcm', checkpointTensors(lcm(tinyFamilies.sd1, 32)), tinyForms],
  ['sd1', referenceTensors('sd15-checkpoint'), realForms], ['sd2', referenceTensors('sd21-v-checkpoint'), realForms],
  ['sdxl', referenceTensors('sdxl-base-checkpoint'), realForms], ['sdxl-refiner', referenceTensors('sdxl-refiner-checkpoint'), realForms],
  ['sd1 inpaint', checkpointTensors(withInputs(sd15, 9)), realForms], ['sd1 pix2pix', checkpointTensors(withInputs(sd15, 8)), realForms],
  ['sd2 depth', checkpointTensors(withInputs(sd21, 5)), realForms], ['sd1 lcm', checkpointTensors(lcm(sd15, 256)), realForms], ['sdxl pruned', checkpointTensors(pruned), realForms],
];

function unet(name: string, file: WeightFile, form: Form, heads?: Heads): Network {
  return { name: `unet ${name} ${say(form)}`, build: () => buildUnet(file, unetConfig(file, undefined, heads)!, form) };
}

/** Diffusers keep a network in shards and under other names; SD 2's second-to-last layer is their last. */
function diffusersSd2(stored: StoredDType): WeightFile {
  const all = referenceTensors('sd21-diffusers-unet'), half = all.length >> 1;
  const shards = [all.slice(0, half), all.slice(half)].map((part, i) => header(part, stored, `/models/unet/shard-${i}.safetensors`));
  return assembleCheckpoint('/models', { unet: joinShards('/models/unet', shards) });
}

/** Weights as pickles may keep them: matrices transposed, convolutions with their channels last. */
function turned(file: WeightFile): WeightFile {
  const turn = (entry: TensorEntry): TensorEntry => {
    const { shape } = entry, order = shape.length === 2 ? [1, 0] : shape.length === 4 ? [0, 2, 3, 1] : null;
    return order ? { ...entry, layout: { shape: order.map((axis) => shape[axis]!), perm: shape.map((_, axis) => order.indexOf(axis)) } } : entry;
  };
  return { ...file, dataOffset: 0, tensors: new Map([...file.tensors].map(([name, entry]) => [name, turn(entry)])) };
}

/** In transformers' names, with the query, key and value that OpenCLIP packs each by itself. */
const convertedTexts: readonly (readonly [string, CheckpointSizes['text']])[] = [
  ['tiny sd2 converted', { 'cond_stage_model.transformer.text_model.': { ...tinyFamilies.sd2.text['cond_stage_model.model.'], width: 1024, layers: 2 } }],
  ['sd2 converted', { 'cond_stage_model.transformer.text_model.': { ...sd21.text['cond_stage_model.model.']!, layers: 23 } }],
  ['sdxl converted', { 'conditioner.embedders.1.transformer.text_model.': sdxlBase.text['conditioner.embedders.1.model.']! }],
];
function towers(name: string, file: WeightFile, runs: Readonly<Record<string, TowerRun>>, heads?: number): Network[] {
  return textEncoders(file, heads).flatMap((tower, i) => Object.entries(runs)
    // A state without norm is an output of its own already.
    .filter(([, { raw }]) => !raw || tower.normed)
    .map(([run, options]) => ({ name: `text ${name} ${i} ${run}`, build: () => buildTextTower(tower, options) })));
}
const towerRuns: Readonly<Record<string, TowerRun>> = {
  '1': { batch: 1 }, '2': { batch: 2 }, '2 skip 2': { batch: 2, clipSkip: 2 }, '1 skip 3': { batch: 1, clipSkip: 3 }, '1 raw': { batch: 1, raw: true }, '2 raw skip 2': { batch: 2, raw: true, clipSkip: 2 },
  '1 inserts': { batch: 1, inserts: true }, '2 inserts skip 2': { batch: 2, inserts: true, clipSkip: 2 },
};
/** SDXL's second tower with all its states, the last one normed, as the golden cases ask for it. */
function allStates(file: WeightFile): Network {
  const tower: TextTower = { ...textEncoders(file, 4)[1]!, normed: true, clipSkip: 1 };
  return { name: 'text tiny sdxl F32 1 normed, 2 raw', build: () => buildTextTower(tower, { batch: 2, raw: true }) };
}

function autoencoder(name: string, file: WeightFile, form: Form, prefix?: string): Network[] {
  const config = vaeConfig(file, prefix)!, { batch, height, width } = form;
  return [
    { name: `vae decoder ${name} ${say(form)}`, build: () => buildVaeDecoder(file, config, form) },
    { name: `vae encoder ${name} ${say(form)}`, build: () => buildVaeEncoder(file, config, { batch, height: height * 8, width: width * 8 }) },
  ];
}

/** TAESD's two files as the original has them, `c` wide; diffusers leave out the decoder's first layer. */
function taesdShapes(part: 'decoder' | 'encoder', c: number, prefix = '', first = part === 'decoder' ? 1 : 0): [string, Dims][] {
  const shapes: [string, Dims][] = [];
  const conv = (name: string, cin: number, cout: number, bias = true): void => { shapes.push([`${prefix}${name}.weight`, [cout, cin, 3, 3]], ...(bias ? [[`${prefix}${name}.bias`, [cout]] as [string, Dims]] : [])); };
  let at = first;
  const blocks = (count: number): void => { for (let end = at + count; at < end; at++) for (const i of [0, 2, 4]) conv(`${at}.conv.${i}`, c, c); };
  conv(String(at++), part === 'decoder' ? 4 : 3, c);
  if (part === 'encoder') {
    blocks(1);
    for (let level = 0; level < 3; level++) { conv(String(at++), c, c, false); blocks(3); }
  } else {
    at++;                                                                                    // ReLU
    for (let level = 0; level < 3; level++) { blocks(3); at++; conv(String(at++), c, c, false); }
    blocks(1);
  }
  conv(String(at), c, part === 'decoder' ? 3 : 4);
  return shapes;
}

function taesd(name: string, decoder: WeightFile, encoder: WeightFile, form: Form): Network[] {
  const { batch, height, width } = form;
  return [
    { name: `taesd decoder ${name} ${say(form)}`, build: () => buildTaesdDecoder(decoder, form) },
    { name: `taesd encoder ${name} ${say(form)}`, build: () => buildTaesdEncoder(encoder, { batch, height: height * 8, width: width * 8 }) },
  ];
}

/** By the kind of network. */
export const networks: Readonly<Record<'unet' | 'text' | 'vae' | 'taesd', readonly Network[]>> = {
  unet: [
    ...unets.flatMap(([name, shapes, forms]) => forms.map((form) => unet(name, header(shapes, form.stored), form))),
    ...(['BF16', 'F8_E4M3', 'F8_E5M2', 'F64'] as const).map((stored) => unet('tiny sd1', header(checkpointTensors(tinyFamilies.sd1), stored), { ...plain, stored })),
    ...realForms.map((form) => unet('sd2 in shards', diffusersSd2(form.stored), form)),
    ...(['sd1', 'sdxl'] as const).map((family) => unet(`tiny ${family} turned`, turned(header(checkpointTensors(tinyFamilies[family]), 'F16')), plain)),
    unet('sd1 turned', turned(header(referenceTensors('sd15-checkpoint'), 'F32')), realForms[1]!),
    unet('tiny sd1 of 4 heads', header(checkpointTensors(tinyFamilies.sd1), 'F16'), plain, { count: 4 }),
  ],
  text: [
    ...Object.entries(tinyFamilies).flatMap(([name, sizes]) => towers(`tiny ${name} F16`, header(checkpointTensors(sizes), 'F16'), towerRuns, 4)),
    ...(['sd15', 'sd21-v', 'sdxl-base', 'sdxl-refiner'] as const).flatMap((name) => towers(`${name} F32`, header(referenceTensors(`${name}-checkpoint`), 'F32'), towerRuns)),
    ...convertedTexts.flatMap(([name, text]) => towers(`${name} F16`, header(checkpointTensors({ ...sd15, text }), 'F16'), towerRuns)),
    ...towers('novelai F16', header(checkpointTensors({ ...sd15, text: { 'cond_stage_model.transformer.': clipL } }), 'F16'), { '1': { batch: 1 } }),
    ...(['sd1', 'sd2', 'sdxl'] as const).flatMap((family) => towers(`tiny ${family} turned F16`, turned(header(checkpointTensors(tinyFamilies[family]), 'F16')), { '1': { batch: 1 } })),
    allStates(header(checkpointTensors(tinyFamilies.sdxl), 'F32')),
  ],
  vae: [
    ...tinyForms.flatMap((form) => autoencoder('tiny', header(checkpointTensors(tinyFamilies.sd1), form.stored), form)),
    ...realForms.flatMap((form) => autoencoder('sd1', header(referenceTensors('sd15-checkpoint'), form.stored), form)),
    ...autoencoder('in a file of its own', header(ownVae(), 'F16', '/models/vae.safetensors'), plain, ''),
    ...autoencoder('turned', turned(header(checkpointTensors(tinyFamilies.sd1), 'F16')), plain),
  ],
  taesd: [
    ...tinyForms.flatMap((form) => taesd('8', header(taesdShapes('decoder', 8), form.stored), header(taesdShapes('encoder', 8), form.stored), form)),
    ...realForms.flatMap((form) => taesd('64', header(taesdShapes('decoder', 64), form.stored), header(taesdShapes('encoder', 64), form.stored), form)),
    ...taesd('diffusers', header(taesdShapes('decoder', 64, 'decoder.layers.', 0), 'F16'), header(taesdShapes('encoder', 64, 'encoder.layers.'), 'F16'), plain),
    ...taesd('turned', turned(header(taesdShapes('decoder', 8), 'F16')), turned(header(taesdShapes('encoder', 8), 'F16')), plain),
  ],
};

function ownVae(): (readonly [string, Dims])[] {
  const name = below('first_stage_model.');
  return [...checkpointTensors(tinyFamilies.sd1)].flatMap(([key, dims]) => { const own = name(key); return own === undefined ? [] : [[own, dims] as const]; });
}
