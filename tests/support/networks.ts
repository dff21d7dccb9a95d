// Every network that the families build, from headers alone, in the forms and at the sizes that bring out differences: what is replayed and validated.
import { buildControlHint, buildControlNet, controlNetConfig } from '../../main/engine/families/control/controlnet';
import { controlNetFile } from '../../main/engine/families/control/controlnet-file';
import { buildT2iAdapter, t2iAdapterConfig } from '../../main/engine/families/control/t2i-adapter';
import { clipL, sd15, sd21, sdxlBase, type CheckpointSizes } from '../../main/engine/families/known-sizes';
import { checkpointTensors, controlNetTensors } from '../../main/engine/families/network-tensors';
import { buildTaesdDecoder, buildTaesdEncoder } from '../../main/engine/families/taesd';
import { textEncoders } from '../../main/engine/families/text-encoders';
import { buildTextTower, type TextTower, type TowerRun } from '../../main/engine/families/text-tower';
import { buildUnet, unetConfig, type Heads } from '../../main/engine/families/unet';
import { buildCompact, type CompactSizes } from '../../main/engine/families/upscalers/compact';
import { upscalerNetwork } from '../../main/engine/families/upscalers/network';
import { buildRrdb, type RrdbSizes } from '../../main/engine/families/upscalers/rrdb';
import { buildSwin, type SwinSizes } from '../../main/engine/families/upscalers/swinir';
import { buildVaeDecoder, buildVaeEncoder, vaeConfig } from '../../main/engine/families/vae';
import { cpuDialect, primitiveDialect, webgpuDialect, type Dialect } from '../../main/engine/graph/dialect';
import type { Graph } from '../../main/engine/graph/graph';
import { compile } from '../../main/engine/graph/onnx';
import { WeightRecord } from '../../main/engine/nn/weights';
import { hooksOf } from '../../main/engine/pipeline/extensions';
import { attendAsSource } from '../../main/engine/pipeline/prompt-to-prompt';
import { watchWords } from '../../main/engine/pipeline/word-maps';
import type { Dims } from '../../main/engine/tensor';
import { assembleCheckpoint, joinShards } from '../../main/engine/weights/key-maps/assemble';
import type { StoredDType, TensorEntry, WeightFile } from '../../main/engine/weights/source';
import { below, referenceTensors, tinyFamilies, weightFile, withInputs } from './checkpoints';
import { embeddedNetworks } from './embedded-networks';

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

/** Two pictures side by side, of which one attends as the other does, and what their words attended to. */
function edited(name: string, file: WeightFile, form: Form): Network {
  const config = unetConfig(file)!, extensions = [attendAsSource({ words: () => { throw new Error('not fed here'); }, self: () => false }), watchWords(() => {})];
  return { name: `unet ${name} edited ${say(form)}`, build: () => buildUnet(file, config, form, hooksOf(extensions, form, config)) };
}

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

/** TencentARC's adapters and diffusers' names of them, at their own sizes. */
export function t2iAdapterShapes(form: 'full' | 'light' | 'sdxl' | 'diffusers' | 'diffusers sdxl'): [string, Dims][] {
  const shapes: [string, Dims][] = [], channels = [320, 640, 1280, 1280], isDiffusers = form.startsWith('diffusers'), prefix = isDiffusers ? 'adapter.' : '';
  const conv = (name: string, cout: number, cin: number, k: number): void => { shapes.push([`${prefix}${name}.weight`, [cout, cin, k, k]], [`${prefix}${name}.bias`, [cout]]); };
  const inputs = form === 'light' ? 64 : form.endsWith('sdxl') ? 768 : 192;
  if (form !== 'light') conv('conv_in', 320, inputs, 3);
  channels.forEach((c, level) => {
    const before = channels[level - 1] ?? (form === 'light' ? inputs : c), inner = c / 4;
    for (const i of [0, 1]) {
      const body = isDiffusers ? `body.${level}` : form === 'light' ? `body.${level}` : `body.${2 * level + i}`;
      const block = isDiffusers ? `${body}.resnets.${i}` : form === 'light' ? `${body}.body.${i}` : body;
      if (form === 'light') {
        if (i === 0) { conv(`${body}.in_conv`, inner, before, 1); conv(`${body}.out_conv`, c, inner, 1); }
        conv(`${block}.block1`, inner, inner, 3);
        conv(`${block}.block2`, inner, inner, 3);
        continue;
      }
      if (i === 0 && before !== c) conv(`${body}.in_conv`, c, before, 1);
      conv(`${block}.block1`, c, c, 3);
      conv(`${block}.block2`, c, c, 1);
    }
  });
  return shapes;
}

function controlNet(name: string, shapes: Shapes, form: Form, hasKind = false): Network[] {
  const file = controlNetFile(header(shapes, form.stored, '/models/control.safetensors')), config = controlNetConfig(file)!;
  return [
    { name: `control hint ${name} ${say(form)}`, build: () => buildControlHint(file, config, form, hasKind) },
    { name: `control ${name} ${say(form)}`, build: () => buildControlNet(file, config, form) },
  ];
}

function t2iAdapter(form: Parameters<typeof t2iAdapterShapes>[0], { height, width, stored }: Form): Network {
  const file = header(t2iAdapterShapes(form), stored, '/models/adapter.safetensors'), config = t2iAdapterConfig(file)!;
  const side = (length: number): number => Math.ceil(8 * length / config.unshuffle) * config.unshuffle;
  return { name: `t2i-adapter ${form} ${stored} ${height}×${width}`, build: () => buildT2iAdapter(file, config, { batch: 1, height: side(height), width: side(width) }) };
}

/** What a builder reads, by name. */
function shapesOf(build: (record: WeightRecord) => Graph): [string, Dims][] {
  const record = new WeightRecord();
  build(record);
  return [...record.tensors.values()].map(({ name, shape }) => [name, shape]);
}

const rrdb: RrdbSizes = { layout: 'basicsr', colors: 3, fold: 1, features: 8, growth: 4, blocks: 2, doublings: 2, plus: false };
const swin: SwinSizes = { colors: 3, width: 12, depths: [2, 2], heads: [2, 3], mlp: 24, window: 4, convolutions: 1, normed: true, ending: 'shuffles', features: 16, factors: [2, 2] };
const size = { batch: 1, height: 16, width: 24 };
/** Upscalers by the tensors that they read: tiny ones of every form, and the sizes that most files have. */
export const upscalers: Readonly<Record<string, readonly (readonly [string, Dims])[]>> = {
  ...Object.fromEntries(([
    ['x4', {}], ['x2 folded', { fold: 2 }], ['x1 folded', { fold: 4 }], ['esrgan', { layout: 'esrgan' }], ['esrgan x2', { layout: 'esrgan', doublings: 1 }],
    ['sequential', { layout: 'sequential' }], ['sequential x8', { layout: 'sequential', doublings: 3 }], ['sequential x1', { layout: 'sequential', doublings: 0 }],
    ['sequential plus', { layout: 'sequential', plus: true }], ['grey', { colors: 1 }], ['full', { features: 64, growth: 32, blocks: 23 }],
  ] as const satisfies readonly (readonly [string, Partial<RrdbSizes>])[]).map(([name, own]) => [`rrdb ${name}`, shapesOf((record) => buildRrdb(record, { ...rrdb, ...own }, size))])),
  ...Object.fromEntries(([['tiny', { colors: 3, features: 8, last: 6, scale: 4 }], ['full', { colors: 3, features: 64, last: 66, scale: 4 }]] as const satisfies readonly (readonly [string, CompactSizes])[])
    .map(([name, sizes]) => [`compact ${name}`, shapesOf((record) => buildCompact(record, sizes, size))])),
  ...Object.fromEntries(([
    ['shuffles', {}], ['shuffle', { ending: 'shuffle', factors: [2], features: 0 }], ['interpolation', { ending: 'interpolation', convolutions: 3 }],
    ['none', { ending: 'none', factors: [], features: 0, colors: 1 }], ['unnormed', { normed: false, factors: [3] }],
    ['full', { width: 180, depths: [6, 6, 6, 6, 6, 6], heads: [6, 6, 6, 6, 6, 6], mlp: 360, window: 8, ending: 'interpolation', features: 64 }],
  ] as const satisfies readonly (readonly [string, Partial<SwinSizes>])[]).map(([name, own]) => [`swinir ${name}`, shapesOf((record) => buildSwin(record, { ...swin, ...own }, size))])),
};

function upscaler(name: string, shapes: Shapes, stored: StoredDType): Network {
  const network = upscalerNetwork(header(shapes, stored, '/models/upscaler.pth')), unit = Math.max(8, network.multiple);
  return { name: `upscaler ${name} ${stored}`, build: () => network.build({ batch: 1, height: 2 * unit, width: 3 * unit }) };
}

/** By the kind of network. */
export const networks: Readonly<Record<'unet' | 'text' | 'vae' | 'taesd' | 'control' | 'upscaler' | 'embedded', readonly Network[]>> = {
  embedded: embeddedNetworks,
  unet: [
    ...unets.flatMap(([name, shapes, forms]) => forms.map((form) => unet(name, header(shapes, form.stored), form))),
    ...(['BF16', 'F8_E4M3', 'F8_E5M2', 'F64'] as const).map((stored) => unet('tiny sd1', header(checkpointTensors(tinyFamilies.sd1), stored), { ...plain, stored })),
    ...realForms.map((form) => unet('sd2 in shards', diffusersSd2(form.stored), form)),
    ...(['sd1', 'sdxl'] as const).map((family) => unet(`tiny ${family} turned`, turned(header(checkpointTensors(tinyFamilies[family]), 'F16')), plain)),
    unet('sd1 turned', turned(header(referenceTensors('sd15-checkpoint'), 'F32')), realForms[1]!),
    ...(['sd1', 'sd2', 'sdxl'] as const).flatMap((family) => tinyForms.filter(({ batch }) => batch === 2).map((form) => edited(`tiny ${family}`, header(checkpointTensors(tinyFamilies[family]), form.stored), form))),
    ...realForms.filter(({ batch }) => batch === 2).map((form) => edited('sd1', header(referenceTensors('sd15-checkpoint'), form.stored), form)),
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
  control: [
    ...Object.entries(tinyFamilies).flatMap(([name, { unet: sizes }]) => tinyForms.flatMap((form) => controlNet(`tiny ${name}`, controlNetTensors(sizes), form))),
    ...controlNet('tiny union', controlNetTensors(tinyFamilies.sdxl.unet, 8), plain, true),
    ...realForms.flatMap((form) => [...controlNet('sd1', controlNetTensors(sd15.unet), form), ...controlNet('sdxl', controlNetTensors(sdxlBase.unet), form)]),
    ...(['full', 'light', 'sdxl', 'diffusers'] as const).flatMap((form) => [plain, realForms[1]!].map((size) => t2iAdapter(form, size))),
  ],
  upscaler: Object.entries(upscalers).flatMap(([name, shapes]) => (['F32', 'F16'] as const).map((stored) => upscaler(name, shapes, stored))),
};

function ownVae(): (readonly [string, Dims])[] {
  const name = below('first_stage_model.');
  return [...checkpointTensors(tinyFamilies.sd1)].flatMap(([key, dims]) => { const own = name(key); return own === undefined ? [] : [[own, dims] as const]; });
}
