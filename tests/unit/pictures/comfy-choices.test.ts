// Choices in drawn prompts, what stands beside a graph in one comment, and the order of the table.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { readTexts } from '../../../main/services/pictures/read';
import { drawingOf } from '../../../main/services/pictures/read/comfy/drawn/drawing';
import { expectGraph, node, plain, readGraph, readWorkflow } from './make-graphs';

const drawn = (positive: string): Record<string, unknown> => ({
  nodes: [
    { id: 1, type: 'CLIPTextEncode', widgets_values: [positive], inputs: [], outputs: [{ name: 'CONDITIONING', type: 'CONDITIONING' }] },
    { id: 2, type: 'KSampler', widgets_values: [5, 'fixed', 20, 7, 'euler', 'normal', 1], inputs: [{ name: 'positive', type: 'CONDITIONING', link: 1 }] },
  ],
  links: [[1, 1, 0, 2, 1, 'CONDITIONING']],
});
const folder = new URL('../../../main/services/pictures/read/comfy/nodes/', import.meta.url);

it.each(['a {red|blue} lantern', 'a {red|{dark|light} blue} lantern', '{|tall} lantern'])('of %s as drawn it is not known what was painted', (prompt) => {
  expect(readWorkflow(drawn(prompt)).notKnown).toContainEqual({ field: 'prompt', node: '1', class: 'CLIPTextEncode' });
});

it.each(['a lantern', 'a {red} lantern', 'a | b', String.raw`a \{red\|blue\} lantern`, 'a lantern /* {red|blue} */'])('%s is no choice', (prompt) => { expect(readWorkflow(drawn(prompt)).notKnown).toBeUndefined(); });

it('the graph that was run has no choices left', () => {
  expectGraph({ 12: node('CLIPTextEncode', { text: 'a {red|blue} lantern', clip: ['10', 1] }) }, { prompt: 'a {red|blue} lantern' });
});

it.each(['UserComment', 'Comment'])('what stands beside the graph in one comment is kept', (key) => {
  const workflow = { nodes: [{ id: 1, type: 'Note' }], links: [] };
  for (const said of [{ prompt: plain, workflow, version: 3 }, { ...plain, workflow, version: 3 }]) {
    const reading = readTexts({ texts: new Map([[key === 'Comment' ? 'prompt' : 'workflow', JSON.stringify(said)]]), width: 64, height: 64 })!;
    expect(reading.job).toMatchObject({ steps: 21, extra: { workflow, version: 3 } });
  }
});

it.each([
  ['ComfyUI', { 12: node('ComfySwitchNode', { switch: ['m', 0], on_true: ['a', 0], on_false: ['b', 0] }) }],
  ['Easy-Use, one side of two', { 12: node('Any Switch (rgthree)', { any_01: ['v', 1], any_02: ['b', 0] }), v: node('easy ab', { 'A or B': ['m', 0], in: ['a', 0] }) }],
  ['Easy-Use, open or not', { 12: node('Any Switch (rgthree)', { any_01: ['v', 0], any_02: ['b', 0] }), v: node('easy blocker', { continue: ['m', 0], in: ['a', 0] }) }],
])('a switch that is not known lets nothing through: %s', (_, nodes) => {
  const { prompt, notKnown } = readGraph({ ...nodes, m: node('Mystery'), a: plain['12']!, b: plain['13']! });
  expect(prompt).toBe('');
  expect(notKnown).toContainEqual({ field: 'prompt', node: 'm', class: 'Mystery' });
});

it('a text is looked for in either case where the node says so', () => {
  expectGraph({
    t: node('StringContains', { string: 'A Lantern', substring: 'lantern', case_sensitive: false }),
    12: node('ComfySwitchNode', { switch: ['t', 0], on_true: ['a', 0], on_false: ['13', 0] }), a: plain['12']!,
  }, { prompt: 'a lantern' });
});

it('a subgraph with many links costs them once, however often it is drawn', () => {
  const links = Array.from({ length: 20_000 }, (_, id) => ({ id, origin_id: 1, origin_slot: 0, target_id: 2, target_slot: 0, type: 'MODEL' }));
  let asked = 0;
  const counted = new Proxy(links, { get: (list, name) => { if (name === 'map') asked++; return Reflect.get(list, name) as unknown; } });
  const drawing = drawingOf({ nodes: Array.from({ length: 300 }, (_, id) => ({ id, type: 's' })), links: [], definitions: { subgraphs: [{ id: 's', nodes: [], links: counted }] } });
  expect([asked, drawing.links.size]).toEqual([1, 20_000]);
});

it('deep and long ones end', () => {
  const subgraphs = Array.from({ length: 200 }, (_, i) => ({ id: `s${i}`, nodes: [{ id: 1, type: `s${i + 1}` }], links: [] }));
  expect(drawingOf({ nodes: [{ id: 1, type: 's0' }], definitions: { subgraphs } }).nodes.size).toBeLessThan(20);
  const n = 10_000, reroutes = Array.from({ length: n }, (_, i) => ({ id: i + 10, type: 'Reroute', inputs: [{ name: '', type: '*', link: i + 9 }] }));
  const { nodes, links } = drawn('a lantern') as { nodes: object[]; links: unknown[] };
  expect(readWorkflow({ nodes: [...nodes, ...reroutes], links: [...links, ...reroutes.map(({ id }) => [id, id - 1, 0, id, 0, '*'])] }).steps).toBe(20);
});

it('a type stands in one file of the table, in the order of names', () => {
  const packs = readdirSync(folder).map((file) => Object.keys(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as object)), all = packs.flat();
  for (const names of packs) expect(names).toEqual([...names].sort());
  expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([]);
});
