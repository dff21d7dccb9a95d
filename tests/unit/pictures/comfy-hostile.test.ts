// Graphs that nobody draws: circles, chains and tangles of thousands of nodes, and whatever else may stand there. All are read, in time that grows as they do.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { readTexts } from '../../../main/services/pictures/read';
import { rules } from '../../../main/services/pictures/read/comfy/rules';
import { signatureOf } from '../../../main/services/pictures/read/comfy/signatures';
import { PictureReport } from '../../../preload/contract/picture-report';
import { expectLinear } from '../../support/growth';
import { node, plain, readGraph, sampler, type Nodes } from './make-graphs';

const chain = (n: number, of: (id: string, before: string) => Nodes[string], first: string): Nodes => Object.fromEntries(Array.from({ length: n }, (_, i) => [`c${i}`, of(`c${i}`, i === 0 ? first : `c${i - 1}`)]));
const last = (n: number): string => `c${n - 1}`;

describe('cost grows with', () => {
  const graphs: Readonly<Record<string, (n: number) => Nodes>> = {
    'texts that double': (n) => ({ ...chain(n, (_, before) => node('StringConcatenate', { string_a: [before, 0], string_b: [before, 0], delimiter: ' ' }), 't'), t: node('PrimitiveString', { value: 'x'.repeat(100) }), 12: node('CLIPTextEncode', { text: [last(n), 0], clip: ['10', 1] }) }),
    'conditionings that double': (n) => ({ ...chain(n, (_, before) => node('ConditioningCombine', { conditioning_1: [before, 0], conditioning_2: [before, 0] }), '12'), ...sampler({ positive: [last(n), 0] }) }),
    'reroutes': (n) => ({ ...chain(n, (_, before) => node('Reroute', { '': [before, 0] }), '10'), ...sampler({ model: [last(n), 0] }) }),
    LoRAs: (n) => ({ ...chain(n, (id, before) => node('LoraLoaderModelOnly', { model: [before, 0], lora_name: `${id}.safetensors`, strength_model: 1 }), '10'), ...sampler({ model: [last(n), 0] }) }),
    samplers: (n) => ({ ...chain(n, (_, before) => node('KSampler', { ...plain['20']!.inputs, latent_image: [before, 0] }), '20'), 30: node('VAEDecode', { samples: [last(n), 0], vae: ['10', 2] }) }),
    contexts: (n) => ({ ...chain(n, (_, before) => node('Context (rgthree)', { base_ctx: [before, 0], positive: ['12', 0] }), 'c'), c: node('Context (rgthree)', { model: ['10', 0] }), ...sampler({ model: [last(n), 1] }) }),
    'nodes that nobody knows, each with all before it': (n) => ({ ...Object.fromEntries(Array.from({ length: n }, (_, i) => [`c${i}`, node('Mystery', Object.fromEntries(Array.from({ length: Math.min(i, 8) }, (_, k) => [`in${k}`, [`c${i - k - 1}`, 0]]).concat([['image', ['30', 0]]])))])), 31: node('SaveImage', { images: [last(n), 0] }) }),
    'saved pictures': (n) => chain(n, () => node('SaveImage', { images: ['30', 0] }), '30'),
  };
  test.each(Object.entries(graphs))('%s', (_, graph) => expectLinear((n) => readGraph(graph(n)), 200));

  test('drawn nodes with names and values that go everywhere', () => expectLinear((n) => readTexts({ texts: new Map([['workflow', JSON.stringify({
    nodes: [...Array.from({ length: n }, (_, i) => ({ id: i, type: ['SetNode', 'GetNode', 'Anything Everywhere', 'KSampler'][i % 4], widgets_values: [`v${i % 50}`], inputs: [{ name: 'a', type: 'MODEL', link: i % 4 === 3 ? null : i }] }))],
    links: Array.from({ length: n }, (_, i) => [i, (i * 7) % n, 0, i, 0, 'MODEL']),
  })]]), width: 64, height: 64 }), 100));
});

it.each<[string, Nodes]>([
  ['a sampler that begins with its own picture', sampler({ latent_image: ['20', 0] })],
  ['reroutes in a circle', { a: node('Reroute', { '': ['b', 0] }), b: node('Reroute', { '': ['a', 0] }), ...sampler({ model: ['a', 0], positive: ['b', 0] }) }],
  ['pipes in a circle', { a: node('EditBasicPipe', { basic_pipe: ['b', 0] }), b: node('EditBasicPipe', { basic_pipe: ['a', 0] }), f: node('FromBasicPipe', { basic_pipe: ['b', 0] }), ...sampler({ model: ['f', 0], positive: ['f', 3] }) }],
  ['a text in a circle', { t: node('StringConcatenate', { string_a: ['t', 0], string_b: 'x', delimiter: '' }), 12: node('CLIPTextEncode', { text: ['t', 0], clip: ['10', 1] }) }],
  ['slots that nobody has', sampler({ model: ['10', 1e9], positive: ['12', -1], negative: ['13', 0.5] })],
  ['names that objects have', { __proto__: node('constructor', { toString: ['10', 0] }), t: node('toString', {}), u: node('hasOwnProperty', { value: 1 }) } as Nodes],
])('%s is read', (_, nodes) => { expect(readGraph(nodes)).toMatchObject({ steps: 21 }); });

const types = [...rules.keys()], ids = ['1', '2', '3', '4', '5', '6', '7', '8'];
const link = fc.tuple(fc.constantFrom(...ids), fc.integer({ min: 0, max: 9 })), value = fc.oneof(link, link, fc.integer({ min: -3, max: 4000 }), fc.double(), fc.constantFrom('', 'a cat', '512 x 768 (x)', 'a + b', 'On', 'x.safetensors', 'combine', '\\n'), fc.boolean(), fc.constant(null), fc.constant({ on: true, lora: 'l', strength: 1 }));
/** Of the type's own inputs, each with anything. */
const anyNode = fc.constantFrom(...types).chain((type) => fc.record(Object.fromEntries((signatureOf(type)?.inputs ?? []).map(({ name }) => [name, value])), { requiredKeys: [] }).map((inputs) => node(type, inputs)));
const anyGraph = fc.record(Object.fromEntries(ids.map((id) => [id, anyNode])));

it('whatever known nodes are linked to each other, a graph is read, and the same each time', () => {
  fc.assert(fc.property(anyGraph, (graph) => {
    const texts = { texts: new Map([['prompt', JSON.stringify({ ...graph, 9: node('KSampler', { ...plain['20']!.inputs, model: ['1', 0], positive: ['2', 0], negative: ['3', 1], latent_image: ['4', 0] }), 10: node('SaveImage', { images: ['9', 0] }) })]]), width: 64, height: 64 };
    const reading = readTexts(texts)!;
    PictureReport.parse({ kind: 'picture', source: reading.source, job: reading.job, missing: reading.resources });
    expect(readTexts(texts)).toEqual(reading);
  }));
});

const anything = fc.anything({ maxDepth: 1, maxKeys: 2 });
const anyDrawn = fc.record({
  nodes: fc.array(fc.oneof(fc.record({ id: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.string()), type: fc.oneof(fc.constantFrom(...types, 'SetNode', 'GetNode', 'Anything Everywhere', 'Anything Everywhere?', 'Prompts Everywhere', 'Seed Everywhere', 'sub', 'workflow/g', 'PrimitiveNode', 'Reroute'), fc.string()), mode: fc.constantFrom(0, 2, 4), title: fc.string(), properties: fc.oneof(fc.object({ maxDepth: 1, maxKeys: 2 }), fc.constant({ ue_properties: { title_regex: '(a*)*b', version: '7' } })), inputs: fc.array(fc.record({ name: fc.constantFrom('model', 'positive', 'text', 'clip', '', 'seed'), type: fc.constantFrom('MODEL', 'CLIP', 'CONDITIONING', '*'), link: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(null)), widget: fc.oneof(fc.constant(undefined), fc.record({ name: fc.constantFrom('text', 'seed') })) })), outputs: fc.array(fc.record({ name: fc.string(), type: fc.string() })), widgets_values: fc.oneof(fc.array(anything), fc.object({ maxDepth: 1, maxKeys: 2 })) }, { requiredKeys: [] }), anything)),
  links: fc.array(fc.oneof(fc.tuple(...Array.from({ length: 5 }, () => fc.integer({ min: -20, max: 9 })), fc.constantFrom('MODEL', 'CLIP', '*')), anything)), extra: fc.record({ groupNodes: fc.record({ g: fc.oneof(fc.object({ maxDepth: 1, maxKeys: 2 }), fc.record({ nodes: fc.array(fc.record({ type: fc.constantFrom('CLIPTextEncode', 'workflow/g', 'KSampler'), inputs: fc.array(fc.object({ maxDepth: 1, maxKeys: 2 })), outputs: fc.array(fc.object({ maxDepth: 1, maxKeys: 2 })), widgets_values: fc.array(fc.string()) })), links: fc.array(fc.array(fc.integer({ min: -1, max: 3 }), { maxLength: 6 }), { maxLength: 5 }), external: fc.array(anything) })) }), ue_links: fc.array(anything) }, { requiredKeys: [] }), groups: fc.array(anything), definitions: fc.record({ subgraphs: fc.array(fc.record({ id: fc.constant('sub'), nodes: fc.array(fc.object({ maxDepth: 1, maxKeys: 2 })), links: fc.array(fc.object({ maxDepth: 1, maxKeys: 2 })) })) }),
}, { requiredKeys: ['nodes'] });

it('whatever is drawn is read', () => {
  fc.assert(fc.property(anyDrawn, (workflow) => {
    const reading = readTexts({ texts: new Map([['workflow', JSON.stringify(workflow)]]), width: 64, height: 64 });
    if (reading) PictureReport.parse({ kind: 'picture', source: reading.source, job: reading.job, missing: reading.resources });
  }));
});

it('the table has a definition for every node that has a rule, but for those that are only drawn', () => { expect(types.filter((type) => !signatureOf(type))).toEqual(['Reroute (rgthree)']); });
