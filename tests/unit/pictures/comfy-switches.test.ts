// Nodes that let one of several inputs through, by a number from 0 or from 1, by a truth, by a name, or the first that is there.
import { it } from 'vitest';
import { expectGraph, node, plainJob, sampler, type Nodes } from './make-graphs';

const texts: Nodes = { a: node('CR Prompt Text', { prompt: 'a stone well' }), b: node('CR Prompt Text', { prompt: 'a paper boat' }), c: node('StringConstant', { string: 'a tin can' }), d: node('PrimitiveStringMultiline', { value: 'a bell' }) };
const conds: Nodes = { a: node('CLIPTextEncode', { text: 'a stone well', clip: ['10', 1] }), b: node('CLIPTextEncode', { text: 'a paper boat', clip: ['10', 1] }) };
const models: Nodes = { a: node('CheckpointLoaderSimple', { ckpt_name: 'other_v1.safetensors' }), b: node('CheckpointLoaderSimple', { ckpt_name: 'birch_v2.safetensors' }) };
const asPrompt = (nodes: Nodes, slot = 0): Nodes => ({ ...texts, ...nodes, 12: node('CLIPTextEncode', { text: ['s', slot], clip: ['10', 1] }) });
const asCond = (nodes: Nodes, slot = 0): Nodes => ({ ...conds, ...nodes, ...sampler({ positive: ['s', slot] }) });
const asModel = (nodes: Nodes, slot = 0): Nodes => ({ ...models, ...nodes, ...sampler({ model: ['s', slot] }) });
const abcd = (...names: string[]): Record<string, unknown> => Object.fromEntries(names.map((name, i) => [name, ['abcd'[i], 0]]));
const boat = 'a paper boat', well = 'a stone well', birch = { name: 'birch_v2', hash: null }, other = { name: 'other_v1', hash: null };

it.each<[string, Nodes, Parameters<typeof expectGraph>[1]]>([
  ['Comfyroll, two texts', asPrompt({ s: node('CR Text Input Switch', { Input: 2, ...abcd('text1', 'text2') }) }), { prompt: boat }],
  ['Comfyroll, the first of two', asPrompt({ s: node('CR Text Input Switch', { Input: 1, ...abcd('text1', 'text2') }) }), { prompt: well }],
  ['Comfyroll, four texts', asPrompt({ s: node('CR Text Input Switch (4 way)', { Input: 4, ...abcd('text1', 'text2', 'text3', 'text4') }) }), { prompt: 'a bell' }],
  ['Comfyroll, a number that a node gives', asPrompt({ i: node('CR Index', { index: 2, print_to_console: 'No' }), s: node('CR Text Input Switch', { Input: ['i', 0], ...abcd('text1', 'text2') }) }), { prompt: boat }],
  ['Comfyroll, conditionings', asCond({ s: node('CR Conditioning Input Switch', { Input: 2, ...abcd('conditioning1', 'conditioning2') }) }), { prompt: boat }],
  ['Comfyroll, models', asModel({ s: node('CR Model Input Switch', { Input: 2, ...abcd('model1', 'model2') }) }), { model: birch }],
  ['Comfyroll, models with their text encoders', asModel({ s: node('CR Switch Model and CLIP', { Input: 1, model1: ['a', 0], clip1: ['a', 1], model2: ['b', 0], clip2: ['b', 1] }) }), { model: other }],
  ['Comfyroll, by what is done', { ...plainLatents(), ...sampler({ latent_image: ['s', 0] }), s: node('CR Img2Img Process Switch', { Input: 'img2img', txt2img: ['15', 0], img2img: ['l', 0] }) }, { width: 832, height: 448 }],
  ['Impact, from 1', asCond({ s: node('ImpactSwitch', { select: 2, sel_mode: false, ...abcd('input1', 'input2') }) }), { prompt: boat }],
  ['Impact, texts', asPrompt({ s: node('ImpactSwitch', { select: 3, sel_mode: true, ...abcd('input1', 'input2', 'input3') }) }), { prompt: 'a tin can' }],
  ['Impact, by a truth that is compared', asPrompt({ f: node('ImpactCompare', { cmp: 'a > b', a: 3, b: 5 }), s: node('ImpactConditionalBranch', { cond: ['f', 0], tt_value: ['a', 0], ff_value: ['b', 0] }) }), { prompt: boat }],
  ['Impact, the branch that is given out', asPrompt({ v: node('ImpactInversedSwitch', { select: 2, input: ['b', 0], sel_mode: false }), s: node('Any Switch (rgthree)', { any_01: ['v', 0], any_02: ['v', 1], any_03: ['a', 0] }) }), { prompt: boat }],
  ['Easy-Use, from 0', asPrompt({ s: node('easy anythingIndexSwitch', { index: 1, ...abcd('value0', 'value1') }) }), { prompt: boat }],
  ['Easy-Use, texts from 0', asPrompt({ s: node('easy textIndexSwitch', { index: 2, ...abcd('text0', 'text1', 'text2') }) }), { prompt: 'a tin can' }],
  ['Easy-Use, conditionings from 0', asCond({ s: node('easy conditioningIndexSwitch', { index: 0, ...abcd('cond0', 'cond1') }) }), { prompt: well }],
  ['Easy-Use, two texts from 1', asPrompt({ s: node('easy textSwitch', { input: 2, ...abcd('text1', 'text2') }) }), { prompt: boat }],
  ['Easy-Use, one or the other', asModel({ f: node('easy boolean', { value: false }), s: node('easy ifElse', { boolean: ['f', 0], on_true: ['a', 0], on_false: ['b', 0] }) }), { model: birch }],
  ['Easy-Use, the side that is open', asPrompt({ v: node('easy ab', { 'A or B': false, in: ['b', 0] }), s: node('Any Switch (rgthree)', { any_01: ['v', 0], any_02: ['v', 1] }) }), { prompt: boat }],
  ['WAS, texts', asPrompt({ f: node('Logic Boolean Primitive', { boolean: false }), s: node('Text Input Switch', { boolean: ['f', 0], ...abcd('text_a', 'text_b') }) }), { prompt: boat }],
  ['WAS, models', asModel({ f: node('Logic Boolean', { boolean: true }), s: node('Model Input Switch', { boolean: ['f', 0], ...abcd('model_a', 'model_b') }) }), { model: other }],
  ['WAS, conditionings, in an older version', asCond({ f: node('Constant Number', { number_type: 'integer', number: 0, number_as_text: '' }), s: node('Conditioning Input Switch', { boolean_number: ['f', 0], ...abcd('conditioning_a', 'conditioning_b') }) }), { prompt: boat }],
  ['rgthree, the first that is there', asPrompt({ s: node('Any Switch (rgthree)', { any_02: ['gone', 0], any_03: ['b', 0], any_04: ['a', 0] }) }), { prompt: boat }],
  ['KJNodes', asModel({ s: node('LazySwitchKJ', { switch: false, on_true: ['a', 0], on_false: ['b', 0] }) }), { model: birch }],
  ['essentials', asPrompt({ f: node('SimpleComparison+', { a: 4, b: 4, comparison: '==' }), s: node('SimpleCondition+', { evaluate: ['f', 0], on_true: ['b', 0], on_false: ['a', 0] }) }), { prompt: boat }],
  ['Crystools', asCond({ s: node('Switch conditioning [Crystools]', { boolean: false, on_true: ['a', 0], on_false: ['b', 0] }) }), { prompt: boat }],
  ['Logic', asPrompt({ f: node('Compare-🔬', { a: 2, b: 3, comparison: 'a < b' }), s: node('If ANY return A else B-🔬', { ANY: ['f', 0], IF_TRUE: ['b', 0], IF_FALSE: ['a', 0] }) }), { prompt: boat }],
  ['ComfyUI', asModel({ s: node('ComfySwitchNode', { switch: true, on_true: ['b', 0], on_false: ['a', 0] }) }), { model: birch }],
  ['one behind the other', asPrompt({ t: node('CR Text Input Switch', { Input: 2, ...abcd('text1', 'text2') }), s: node('ImpactSwitch', { select: 1, input1: ['t', 0], input2: ['c', 0] }) }), { prompt: boat }],
])('%s', (_, nodes, job) => expectGraph(nodes, { ...plainJob, ...job }));

function plainLatents(): Nodes { return { l: node('EmptyLatentImage', { width: 832, height: 448, batch_size: 1 }) }; }
