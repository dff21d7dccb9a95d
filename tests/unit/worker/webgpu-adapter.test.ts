// What is used of a WebGPU adapter: what it was seen to do right, told by adapters that do one thing wrong. tests/golden/webgpu.test.ts tries a real one.
import { expect, test } from 'vitest';
import { cpuDialect } from '../../../main/engine/graph/dialect';
import { Graph } from '../../../main/engine/graph/graph';
import type { Session } from '../../../main/engine/pipeline/runtime';
import { float32 } from '../../../main/engine/tensor';
import type { StoredDType } from '../../../main/engine/weights/source';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { gainsFused, staysHalf, tryAdapter, type OpenOnAdapter } from '../../../main/worker/webgpu-adapter';

const cpu = ortRuntime({ dialect: cpuDialect, threads: 1 });

/** The CPU in the adapter's place, but for what `spoil` does to the answers of one way to open a graph. */
const adapter = (spoils: (how: Parameters<OpenOnAdapter>[1], graph: Graph) => boolean, spoil: (session: Session) => Session | Promise<Session>): OpenOnAdapter =>
  async (graph, how) => (spoils(how, graph) ? spoil(await cpu.open(graph)) : cpu.open(graph));

const fused: Parameters<typeof adapter>[0] = ({ dialect }) => 'Attention' in dialect.keeps;
const unfolded: Parameters<typeof adapter>[0] = ({ folds }) => !folds;
/** One value in a thousand is off by a percent of the largest, or is no number. */
const off = (by: (value: number) => number) => (session: Session): Session => ({
  ...session,
  run: async (feeds) => Object.fromEntries(Object.entries(await session.run(feeds)).map(([name, { dims, data }]) => [name, float32(dims, data.map((value, i) => (i % 1000 === 59 ? by(value) : value)))])),
});
const fails = async (session: Session): Promise<never> => { await session.close(); throw new Error('requires f16'); };

test('an adapter that is right in all is used whole', async () => {
  expect(await tryAdapter(cpu.open)).toEqual({ half: true, fusedAttention: true });
});

test.each([
  ['is off by a percent', off((value) => value + 0.02)], ['gives no number', off(() => NaN)], ['fails', fails],
])('a fused attention that %s is not used, where half precision is', async (_, spoil) => {
  expect(await tryAdapter(adapter(fused, spoil))).toEqual({ half: true, fusedAttention: false });
});

test('nor is one that is right but under a mask', async () => {
  const masked = adapter((how, graph) => fused(how, graph) && graph.needed().some(({ in: inputs }) => inputs.length > 3), off((value) => value + 0.02));
  expect(await tryAdapter(masked)).toEqual({ half: true, fusedAttention: false });
});

test.each([['is off', off((value) => value + 0.5)], ['fails', fails]])('half precision that %s is not used, where fused attention is', async (_, spoil) => {
  expect(await tryAdapter(adapter(unfolded, spoil))).toEqual({ half: false, fusedAttention: true });
});

test('an adapter that does not run the primitives is none', async () => {
  await expect(tryAdapter(adapter(() => true, fails))).rejects.toThrow('requires f16');
});

test.each<[StoredDType[], boolean]>([[['F16', 'F32'], true], [['F32'], true], [['F16', 'BF16'], false], [['F8_E4M3'], false], [['F64'], false]])('weights of %j stay as they are: %s', (stored, stays) => {
  const g = new Graph('g');
  const weights = stored.map((each, i) => g.weight({ name: `w${i}`, file: '/m', offset: 64 * i, byteLength: 8, stored: each }, [2]));
  g.output('out', weights.reduce((sum, weight) => g.apply('Add', [sum, weight])));
  expect(staysHalf(g)).toBe(stays);
});

test.each([[8, 1280, true], [1, 512, false]])('attention of %i heads that are %i wide together gains by being fused: %s', (heads, width, gains) => {
  const g = new Graph('g'), x = g.input('x', 'float32', [1, 4, width]);
  g.output('out', g.apply('Attention', [x, x, x], { heads }));
  expect(gainsFused(g)).toBe(gains);
});
