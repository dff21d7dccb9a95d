// Graphs as they are drawn: links that are only implied, nodes in nodes, values by position, and nodes that are switched off or passed by.
import { describe, expect, it } from 'vitest';
import { plainJob, readWorkflow } from './make-graphs';
import type { PictureJob } from '../../../preload/contract/picture-report';

type Input = readonly [name: string, type: string, link?: number | null, widget?: boolean];
type Node = Readonly<Record<string, unknown>> & { readonly id: number | string };

const draw = (id: number | string, type: string, inputs: readonly Input[], values?: unknown, more: object = {}): Node =>
  ({ id, type, pos: [0, 0], size: [10, 10], mode: 0, inputs: inputs.map(([name, kind, link = null, widget]) => ({ name, type: kind, link, ...(widget && { widget: { name } }) })), ...(values !== undefined && { widgets_values: values }), ...more });

const loader = draw(1, 'CheckpointLoaderSimple', [], ['cedar_v3.safetensors']), positive = draw(3, 'CLIPTextEncode', [['clip', 'CLIP', 2]], ['a lantern']), negative = draw(5, 'CLIPTextEncode', [['clip', 'CLIP', 3]], ['people']), empty = draw(10, 'EmptyLatentImage', [], [640, 512, 1]);
const ksampler = (...links: (number | null)[]): Node => draw(11, 'KSampler', [['model', 'MODEL', links[0]], ['positive', 'CONDITIONING', links[1]], ['negative', 'CONDITIONING', links[2]], ['latent_image', 'LATENT', links[3]]], [4242, 'fixed', 21, 6, 'dpmpp_2m', 'karras', 1]);
const decode = (vae: number | null = 4): Node => draw(12, 'VAEDecode', [['samples', 'LATENT', 14], ['vae', 'VAE', vae]]), save = draw(13, 'SaveImage', [['images', 'IMAGE', 15]], ['x']);
const links: Readonly<Record<number, readonly unknown[]>> = { 1: [1, 1, 0, 11, 0, 'MODEL'], 2: [2, 1, 1, 3, 0, 'CLIP'], 3: [3, 1, 1, 5, 0, 'CLIP'], 4: [4, 1, 2, 12, 1, 'VAE'], 5: [5, 3, 0, 11, 1, 'CONDITIONING'], 6: [6, 5, 0, 11, 2, 'CONDITIONING'], 13: [13, 10, 0, 11, 3, 'LATENT'], 14: [14, 11, 0, 12, 0, 'LATENT'], 15: [15, 12, 0, 13, 0, 'IMAGE'] };

const all = { 1: loader, 3: positive, 5: negative, 10: empty, 11: ksampler(1, 5, 6, 13), 12: decode(), 13: save };
/** The plain drawing with other nodes (null: without it) and links. */
const drawing = (nodes: Readonly<Record<number, Node | null>>, more: Readonly<Record<number, readonly unknown[]>> = {}, rest: object = {}): Record<string, unknown> =>
  ({ nodes: Object.values({ ...all, ...nodes }).filter((node) => node !== null), links: Object.values({ ...links, ...more }), version: 0.4, ...rest });

const setNode = (id: number, name: string, type: string, link: number, kind = 'SetNode'): Node => draw(id, kind, [[type, type, link]], [name]), getNode = (id: number, name: string, kind = 'GetNode'): Node => draw(id, kind, [], [name]);
const sizeless = { width: undefined, height: undefined };

describe('a drawing', () => {
  it.each<[string, Record<string, unknown>, { [Key in keyof PictureJob]?: PictureJob[Key] | undefined }]>([
    ['that is plain', drawing({}), {}],
    ["with KJNodes' names", drawing({ 20: setNode(20, 'm', 'MODEL', 1), 21: getNode(21, 'm'), 22: setNode(22, 'words', 'CONDITIONING', 5), 23: getNode(23, 'words'), 11: ksampler(7, 8, 6, 13) }, { 1: [1, 1, 0, 20, 0, 'MODEL'], 5: [5, 3, 0, 22, 0, 'CONDITIONING'], 7: [7, 21, 0, 11, 0, 'MODEL'], 8: [8, 23, 0, 11, 1, 'CONDITIONING'] }), {}],
    ["with Easy-Use's names, one behind the other", drawing({ 20: setNode(20, 'a', 'MODEL', 1, 'easy setNode'), 21: getNode(21, 'a', 'easy getNode'), 22: setNode(22, 'b', 'MODEL', 7), 23: getNode(23, 'b'), 11: ksampler(8, 5, 6, 13) }, { 1: [1, 1, 0, 20, 0, 'MODEL'], 7: [7, 21, 0, 22, 0, 'MODEL'], 8: [8, 23, 0, 11, 0, 'MODEL'] }), {}],
    ['with a name that nobody has set', drawing({ 21: getNode(21, 'm'), 11: ksampler(7, 5, 6, 13) }, { 7: [7, 21, 0, 11, 0, 'MODEL'] }), { model: undefined }],
    ['with values that go everywhere', drawing({ 2: draw(2, 'Anything Everywhere3', [['anything', '*', 1], ['anything2', '*', null], ['anything3', '*', 4]], []), 4: draw(4, 'Prompts Everywhere', [['CONDITIONING', '*', 5], ['CONDITIONING', '*', 6]], []), 11: ksampler(null, null, null, 13), 12: decode(null) }, { 1: [1, 1, 0, 2, 0, 'MODEL'], 4: [4, 1, 2, 2, 2, 'VAE'], 5: [5, 3, 0, 4, 0, 'CONDITIONING'], 6: [6, 5, 0, 4, 1, 'CONDITIONING'] }), {}],
    ['with two of a type that go everywhere, each to its name', drawing({ 4: draw(4, 'Anything Everywhere', [['positive', 'CONDITIONING', 5], ['negative', 'CONDITIONING', 6]], []), 11: ksampler(1, null, null, 13) }, { 5: [5, 3, 0, 4, 0, 'CONDITIONING'], 6: [6, 5, 0, 4, 1, 'CONDITIONING'] }), {}],
    ['with two that would go to the same place', drawing({ 2: draw(2, 'Anything Everywhere', [['MODEL', 'MODEL', 1]], []), 7: draw(7, 'Anything Everywhere', [['MODEL', 'MODEL', 9]], []), 8: draw(8, 'CheckpointLoaderSimple', [], ['birch.safetensors']), 11: ksampler(null, 5, 6, 13) }, { 1: [1, 1, 0, 2, 0, 'MODEL'], 9: [9, 8, 0, 7, 0, 'MODEL'] }), { model: undefined }],
    ['with one that goes to nodes of a title', drawing({ 2: draw(2, 'Anything Everywhere?', [['anything', '*', 1]], ['KSam.*', '.*', '.*']), 7: draw(7, 'Anything Everywhere?', [['anything', '*', 9]], ['Upscaler', '.*', '.*']), 8: draw(8, 'CheckpointLoaderSimple', [], ['birch.safetensors']), 11: ksampler(null, 5, 6, 13) }, { 1: [1, 1, 0, 2, 0, 'MODEL'], 9: [9, 8, 0, 7, 0, 'MODEL'] }), {}],
    ['with one that goes to its own frame', drawing({ 2: draw(2, 'Anything Everywhere', [['MODEL', 'MODEL', 1]], [], { properties: { ue_properties: { group_restricted: 1, version: '7.0' } } }), 7: draw(7, 'Anything Everywhere', [['MODEL', 'MODEL', 9]], [], { pos: [900, 900], properties: { ue_properties: { group_restricted: 1, version: '7.0' } } }), 8: draw(8, 'CheckpointLoaderSimple', [], ['birch.safetensors']), 11: ksampler(null, 5, 6, 13) }, { 1: [1, 1, 0, 2, 0, 'MODEL'], 9: [9, 8, 0, 7, 0, 'MODEL'] }, { groups: [{ title: 'a', bounding: [-50, -50, 200, 200] }, { title: 'b', bounding: [800, 800, 200, 200] }] }), {}],
    ['with a seed that goes everywhere', drawing({ 2: draw(2, 'Seed Everywhere', [], [4242, 'fixed'], { outputs: [{ name: 'int', type: 'INT', links: [] }] }), 11: draw(11, 'KSampler', [['model', 'MODEL', 1], ['positive', 'CONDITIONING', 5], ['negative', 'CONDITIONING', 6], ['latent_image', 'LATENT', 13], ['seed', 'INT', null, true]], [1, 'fixed', 21, 6, 'dpmpp_2m', 'karras', 1]) }), {}],
    ['whose window has worked out what goes where', drawing({ 11: ksampler(null, 5, 6, 13) }, {}, { extra: { ue_links: [{ downstream: 11, downstream_slot: 0, upstream: '1', upstream_slot: 0, controller: 2, type: 'MODEL' }] } }), {}],
    ['with a node that is passed by, one output as the other', drawing({ 2: draw(2, 'ControlNetApplyAdvanced', [['positive', 'CONDITIONING', 5], ['negative', 'CONDITIONING', 6], ['control_net', 'CONTROL_NET'], ['image', 'IMAGE']], [1, 0, 1], { mode: 4 }), 11: ksampler(1, 8, 9, 13) }, { 5: [5, 3, 0, 2, 0, 'CONDITIONING'], 6: [6, 5, 0, 2, 1, 'CONDITIONING'], 8: [8, 2, 0, 11, 1, 'CONDITIONING'], 9: [9, 2, 1, 11, 2, 'CONDITIONING'] }), {}],
    ['with a LoRA that is passed by', drawing({ 2: draw(2, 'LoraLoader', [['model', 'MODEL', 1], ['clip', 'CLIP', 2]], ['l.safetensors', 1, 1], { mode: 4 }), 3: draw(3, 'CLIPTextEncode', [['clip', 'CLIP', 9]], ['a lantern']), 11: ksampler(8, 5, 6, 13) }, { 1: [1, 1, 0, 2, 0, 'MODEL'], 2: [2, 1, 1, 2, 1, 'CLIP'], 8: [8, 2, 0, 11, 0, 'MODEL'], 9: [9, 2, 1, 3, 0, 'CLIP'] }), {}],
    ['with a node that is switched off', drawing({ 10: { ...empty, mode: 2 } }), sizeless],
    ['with a primitive for a value', drawing({ 2: draw(2, 'PrimitiveNode', [], [4242, 'randomize'], { outputs: [{ name: 'INT', type: 'INT', links: [9] }] }), 11: draw(11, 'KSampler', [['model', 'MODEL', 1], ['positive', 'CONDITIONING', 5], ['negative', 'CONDITIONING', 6], ['latent_image', 'LATENT', 13], ['seed', 'INT', 9, true]], [7, 'fixed', 21, 6, 'dpmpp_2m', 'karras', 1]) }, { 9: [9, 2, 0, 11, 4, 'INT'] }), {}],
    ['that lists all its widgets', drawing({ 11: draw(11, 'KSampler', [['model', 'MODEL', 1], ['positive', 'CONDITIONING', 5], ['negative', 'CONDITIONING', 6], ['latent_image', 'LATENT', 13], ...['seed', 'steps', 'cfg', 'sampler_name', 'scheduler', 'denoise'].map((name): Input => [name, 'INT', null, true])], [4242, 'fixed', 21, 6, 'dpmpp_2m', 'karras', 1]) }), {}],
    ['with the values of an object', drawing({ 10: draw(10, 'EmptyLatentImage', [], { height: 512, width: 640, batch_size: 1 }) }), {}],
    ['with comments in its words', drawing({ 3: draw(3, 'CLIPTextEncode', [['clip', 'CLIP', 2]], ['a /* big */lantern// of brass']) }), {}],
    ["with rgthree's LoRAs", drawing({ 2: draw(2, 'Power Lora Loader (rgthree)', [['model', 'MODEL', 1], ['clip', 'CLIP']], [null, { type: 'PowerLoraLoaderHeaderWidget' }, { on: true, lora: 'a.safetensors', strength: 0.5, strengthTwo: null }, { on: false, lora: 'b.safetensors', strength: 1 }, null, '']), 11: ksampler(8, 5, 6, 13) }, { 1: [1, 1, 0, 2, 0, 'MODEL'], 8: [8, 2, 0, 11, 0, 'MODEL'] }), { loras: [{ name: 'a', weight: 0.5 }] }],
    ["with Efficiency's stack of fifty", drawing({ 2: draw(2, 'LoRA Stacker', [['lora_stack', 'LORA_STACK']], ['simple', 1, 'a.safetensors', 0.5, 1, 1, 'b.safetensors', 1, 1, 1]), 7: draw(7, 'CR Apply LoRA Stack', [['model', 'MODEL', 1], ['clip', 'CLIP'], ['lora_stack', 'LORA_STACK', 9]]), 11: ksampler(8, 5, 6, 13) }, { 1: [1, 1, 0, 7, 0, 'MODEL'], 8: [8, 7, 0, 11, 0, 'MODEL'], 9: [9, 2, 0, 7, 2, 'LORA_STACK'] }), { loras: [{ name: 'a', weight: 0.5 }] }],
    ["with Impact's pipe and switch", drawing({ 2: draw(2, 'ToBasicPipe', [['model', 'MODEL', 1], ['clip', 'CLIP'], ['vae', 'VAE'], ['positive', 'CONDITIONING', 5], ['negative', 'CONDITIONING', 6]]), 7: draw(7, 'FromBasicPipe', [['basic_pipe', 'BASIC_PIPE', 8]]), 8: draw(8, 'ImpactSwitch', [['input1', 'CONDITIONING', 9], ['input2', 'CONDITIONING', 16], ['select', 'INT', null, true]], [2, false]), 11: ksampler(17, 18, 19, 13) },
      { 1: [1, 1, 0, 2, 0, 'MODEL'], 5: [5, 3, 0, 2, 3, 'CONDITIONING'], 6: [6, 5, 0, 2, 4, 'CONDITIONING'], 8: [8, 2, 0, 7, 0, 'BASIC_PIPE'], 9: [9, 7, 4, 8, 0, 'CONDITIONING'], 16: [16, 7, 3, 8, 1, 'CONDITIONING'], 17: [17, 7, 0, 11, 0, 'MODEL'], 18: [18, 8, 0, 11, 1, 'CONDITIONING'], 19: [19, 7, 4, 11, 2, 'CONDITIONING'] }), {}],
  ])('%s', (_, workflow, job) => {
    const found = readWorkflow(workflow), wanted = Object.entries({ ...plainJob, ...job });
    expect(found).toMatchObject(Object.fromEntries(wanted.filter(([, value]) => value !== undefined)));
    for (const [field] of wanted.filter(([field, value]) => value === undefined && !['width', 'height'].includes(field))) expect(found).not.toHaveProperty(field);
  });
});

describe('a group node', () => {
  const words = (...values: string[]): Node[] => values.map((value, index) => draw(-1, 'CLIPTextEncode', [['clip', 'CLIP']], [value], { index, outputs: [{ name: 'CONDITIONING', type: 'CONDITIONING' }] }));
  const grouped = (name: string, outer: Node, group: object, more: Readonly<Record<number, readonly unknown[]>> = {}, nodes: Readonly<Record<number, Node | null>> = {}): Record<string, unknown> => drawing({ 3: null, 5: null, 20: outer, ...nodes }, { 2: [2, 1, 1, 20, 0, 'CLIP'], 3: [3, 1, 1, 20, 1, 'CLIP'], 5: [5, 20, 0, 11, 1, 'CONDITIONING'], 6: [6, 20, 1, 11, 2, 'CONDITIONING'], ...more }, { extra: { groupNodes: { [name]: group } } });

  it.each<[string, Record<string, unknown>]>([
    ['with two of a kind', grouped('w', draw(20, 'workflow/w', [['clip', 'CLIP', 2], ['CLIPTextEncode clip', 'CLIP', 3]], ['a lantern', 'people']), { nodes: words('stale', 'stale'), links: [], external: [] })],
    ['in the newer spelling', grouped('w', draw(20, 'workflow>w', [['clip', 'CLIP', 2], ['CLIPTextEncode clip', 'CLIP', 3]], ['a lantern', 'people']), { nodes: words('stale', 'stale'), links: [], external: [] })],
    ['with links inside, and a seed', grouped('all', draw(20, 'workflow/all', [['model', 'MODEL', 1], ['clip', 'CLIP', 2], ['CLIPTextEncode clip', 'CLIP', 3]], ['a lantern', 'people', 640, 512, 1, 4242, 'randomize', 21, 6, 'dpmpp_2m', 'karras', 1]),
      { nodes: [...words('stale', 'stale'), draw(-1, 'EmptyLatentImage', [], [1, 1, 1], { index: 2, outputs: [{ name: 'LATENT', type: 'LATENT' }] }), draw(-1, 'KSampler', [['model', 'MODEL'], ['positive', 'CONDITIONING'], ['negative', 'CONDITIONING'], ['latent_image', 'LATENT']], [1, 'fixed', 1, 1, 'euler', 'normal', 1], { index: 3, outputs: [{ name: 'LATENT', type: 'LATENT' }] })], links: [[0, 0, 3, 1, 3, 'CONDITIONING'], [1, 0, 3, 2, 5, 'CONDITIONING'], [2, 0, 3, 3, 10, 'LATENT']], external: [] },
      { 1: [1, 1, 0, 20, 0, 'MODEL'], 14: [14, 20, 0, 12, 0, 'LATENT'] }, { 10: null, 11: null })],
    ['whose file lists every widget', grouped('w', draw(20, 'workflow>w', [['clip', 'CLIP', 2], ['CLIPTextEncode clip', 'CLIP', 3]], ['a lantern', 'people']), { nodes: words('stale', 'stale').map((node) => ({ ...node, inputs: [{ name: 'clip', type: 'CLIP', link: null }, { name: 'text', type: 'STRING', link: null, widget: { name: 'text' } }] })), links: [], external: [] })],
    ['with names of its own, and an output that is hidden', grouped('w', draw(20, 'workflow/w', [['first', 'CLIP', 2], ['second', 'CLIP', 3]], ['unused', 'a lantern', 'people']), { nodes: words('', '', ''), links: [], external: [], config: { 0: { output: { 0: { visible: false } } }, 1: { input: { clip: { name: 'first' } } }, 2: { input: { clip: { name: 'second' } } } } })],
  ])('%s', (_, workflow) => expect(readWorkflow(workflow)).toMatchObject(plainJob));
});

describe('a subgraph', () => {
  const inner = (id: string, nodes: readonly Node[], written: readonly (readonly unknown[])[]): object => ({ id, nodes, links: written.map(([link, from, slot, to, toSlot, type]) => ({ id: link, origin_id: from, origin_slot: slot, target_id: to, target_slot: toSlot, type })) });
  const encoder = inner('enc', [draw(1, 'CLIPTextEncode', [['clip', 'CLIP', 1], ['text', 'STRING', 2, true]], ['stale'])], [[1, -10, 0, 1, 0, 'CLIP'], [2, -10, 1, 1, 1, 'STRING'], [3, 1, 0, -20, 0, 'CONDITIONING']]);
  const twice = (text: Input, values?: unknown): Record<string, unknown> => drawing({ 3: draw(3, 'enc', [['clip', 'CLIP', 2], text], values), 5: negative }, {}, { definitions: { subgraphs: [encoder] } });

  it.each<[string, Record<string, unknown>, Partial<PictureJob>]>([
    ['with a value that is written on its own node', twice(['text', 'STRING', null, true], ['a lantern']), {}],
    ['with the value of the node inside', twice(['text', 'STRING', null, true]), { prompt: 'stale' }],
    ['that is used twice, with words of its own each time', drawing({ 3: draw(3, 'enc', [['clip', 'CLIP', 2], ['text', 'STRING', null, true]], ['a lantern']), 5: draw(5, 'enc', [['clip', 'CLIP', 3], ['text', 'STRING', null, true]], ['people']) }, {}, { definitions: { subgraphs: [encoder] } }), {}],
    ['with a name from around it', drawing({ 20: setNode(20, 'words', 'STRING', 9), 21: draw(21, 'PrimitiveString', [], ['a lantern']), 3: draw(3, 'enc', [['clip', 'CLIP', 2]]) }, { 9: [9, 21, 0, 20, 0, 'STRING'] }, { definitions: { subgraphs: [inner('enc', [draw(1, 'CLIPTextEncode', [['clip', 'CLIP', 1], ['text', 'STRING', 2, true]], ['stale']), getNode(2, 'words')], [[1, -10, 0, 1, 0, 'CLIP'], [2, 2, 0, 1, 1, 'STRING'], [3, 1, 0, -20, 0, 'CONDITIONING']])] } }), {}],
  ])('%s', (_, workflow, job) => expect(readWorkflow(workflow)).toMatchObject({ ...plainJob, ...job }));
});
