// The models that networks compile to, byte for byte as they were: replay.json has the sha256 of each, and how many nodes of which type it has.
// A change that is meant is written down with `UPDATE_REPLAY=1 npm test -- tests/unit/graph/replay`; the diff of replay.json is then what it did.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compileIn, dialects, networks } from '../../support/networks';
import { countTypes, readModel } from '../../support/onnx-model';

interface Emitted { readonly sha256: string; readonly nodes: Readonly<Record<string, number>> }
type Replay = Record<string, Emitted>;

const path = join(import.meta.dirname, 'replay.json'), update = process.env['UPDATE_REPLAY'] === '1';
const recorded = update ? {} : JSON.parse(readFileSync(path, 'utf8')) as Replay, emitted: Replay = {};
const names = Object.values(networks).flat().flatMap(({ name }) => Object.keys(dialects).map((dialect) => `${name}, ${dialect}`));

test.each(Object.entries(networks))('%s: every network compiles to the same bytes in every dialect', (_, list) => {
  const now: Replay = {};
  for (const { name, build } of list) {
    const graph = build();
    for (const [dialect, how] of Object.entries(dialects)) {
      const bytes = compileIn(how, graph);
      now[`${name}, ${dialect}`] = { sha256: createHash('sha256').update(bytes).digest('hex'), nodes: countTypes(readModel(bytes)) };
    }
  }
  Object.assign(emitted, now);
  if (!update) expect(Object.entries(now).flatMap(([name, after]) => change(name, recorded[name], after))).toEqual([]);
});

test('every name is that of one network, and none went', () => {
  expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  expect(Object.keys(recorded).filter((name) => !names.includes(name))).toEqual([]);
});

/** One network a line, so that a diff shows which changed. Never a part of them. */
afterAll(() => {
  if (!update || names.some((name) => !(name in emitted))) return;
  writeFileSync(path, `{\n${names.map((name) => `${JSON.stringify(name)}: ${JSON.stringify(emitted[name])}`).join(',\n')}\n}\n`);
});

/** What became of a network, in a line; none where it is the same. */
function change(name: string, before: Emitted | undefined, after: Emitted): string[] {
  if (!before) return [`${name}: new`];
  if (before.sha256 === after.sha256) return [];
  const types = [...new Set([...Object.keys(before.nodes), ...Object.keys(after.nodes)])].sort();
  const counts = types.map((type) => [type, before.nodes[type] ?? 0, after.nodes[type] ?? 0] as const).filter(([, was, is]) => was !== is);
  return [`${name}: ${counts.map(([type, was, is]) => `${type} ${was} → ${is}`).join(', ') || 'the same nodes, written differently'}`];
}
