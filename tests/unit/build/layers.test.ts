// The arrows between layers bite: in a tree that breaks each of them, each is reported, and what is allowed is not.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'atelier-layers-'));

/** Files that are there to be imported. */
const targets = [
  'preload/contract/errors.ts', 'preload/bridge.ts', 'main/api/router.ts', 'main/api/studio.ts', 'main/engine/errors.ts', 'main/worker/protocol.ts',
  'main/worker/session.ts', 'main/worker/port.ts', 'main/services/studio.ts', 'main/server/serve.ts', 'main/cli/args.ts', 'main/app/window.ts', 'renderer/theme.ts',
  'tests/support/app.ts', 'build/bundle.ts',
];

/** Importing folder, what it imports, the rule that must name it. */
const forbidden: [from: string, to: string, rule: string][] = [
  // the contract knows nobody and runs anywhere
  ['preload/contract', 'main/engine/errors', 'arrow:preload/contract'],
  ['preload/contract', 'node:fs', 'pure:preload/contract'],
  ['preload/contract', 'sharp', 'pure:preload/contract'],
  // the API is written in the contract's terms
  ['main/api', 'main/services/studio', 'arrow:main/api'],
  ['main/api', 'main/engine/errors', 'arrow:main/api'],
  ['main/api', 'node:path', 'pure:main/api'],
  // the engine is pure TypeScript
  ['main/engine', 'main/worker/session', 'arrow:main/engine'],
  ['main/engine', 'main/services/studio', 'arrow:main/engine'],
  ['main/engine', 'main/api/studio', 'arrow:main/engine'],
  ['main/engine', 'node:fs', 'pure:main/engine'],
  ['main/engine', 'onnxruntime-node', 'pure:main/engine'],
  ['main/engine', 'zod', 'pure:main/engine'],
  // the worker knows the engine
  ['main/worker', 'main/services/studio', 'arrow:main/worker'],
  ['main/files', 'main/worker/session', 'arrow:main/files'],
  ['main/worker', 'main/api/studio', 'arrow:main/worker'],
  ['main/worker', 'main/server/serve', 'arrow:main/worker'],
  // the services know of the worker only its protocol and its port, and not their hosts
  ['main/services', 'main/worker/session', 'arrow:main/services'],
  ['main/services', 'main/server/serve', 'arrow:main/services'],
  ['main/services', 'main/cli/args', 'arrow:main/services'],
  ['main/services', 'main/app/window', 'arrow:main/services'],
  // hosts do not know each other, but for the desktop app, which serves its window
  ['main/server', 'main/app/window', 'arrow:main/server'],
  ['main/server', 'main/cli/args', 'arrow:main/server'],
  ['main/server', 'main/worker/session', 'arrow:main/server'],
  ['main/cli', 'main/server/serve', 'arrow:main/cli'],
  ['main/cli', 'main/app/window', 'arrow:main/cli'],
  ['main/app', 'main/worker/session', 'arrow:main/app'],
  ['main/app', 'renderer/theme', 'arrow:main/app'],
  // the window knows the contract, and the router's type
  ['renderer', 'main/services/studio', 'arrow:renderer'],
  ['renderer', 'main/engine/errors', 'arrow:renderer'],
  ['renderer', 'main/api/studio', 'arrow:renderer'],
  ['renderer', 'main/api/router', 'renderer:router-as-type'],
  ['renderer', 'preload/bridge', 'arrow:renderer'],
  ['renderer', 'node:fs', 'renderer:no-node'],
  // packages with one home
  ['renderer', 'electron', 'home:electron'],
  ['main/server', 'electron', 'home:electron'],
  ['main/services', 'electron', 'home:electron'],
  ['main/services', 'onnxruntime-node', 'home:onnxruntime-node'],
  ['main/cli', 'onnxruntime-node', 'home:onnxruntime-node'],
  ['main/server', 'sharp', 'home:sharp'],
  ['main/cli', 'libsql', 'home:libsql'],
  ['main/services', 'fastify', 'home:fastify'],
  ['main/services', 'react', 'home:react'],
  // nobody ships tests or build scripts
  ['main/services', 'tests/support/app', 'arrow:main/services'],
  ['renderer', 'build/bundle', 'arrow:renderer'],
  ['main/cli', 'main/nowhere', 'unresolvable'],
];

const allowed: [from: string, to: string][] = [
  ['preload/contract', 'zod'], ['main/api', 'preload/contract/errors'], ['main/api', '@trpc/server'], ['main/engine', 'preload/contract/errors'],
  ['main/worker', 'main/engine/errors'], ['main/worker', 'onnxruntime-node'], ['main/worker', 'sharp'], ['main/worker', 'node:fs'],
  ['main/services', 'main/worker/protocol'], ['main/services', 'main/worker/port'], ['main/services', 'main/api/studio'], ['main/services', 'libsql'], ['main/server', 'main/services/studio'],
  ['main/server', 'main/api/router'], ['main/cli', 'main/worker/session'], ['main/app', 'main/server/serve'], ['main/app', 'electron'],
  ['renderer', 'preload/contract/errors'], ['renderer', 'react'],
];

const nameOf = (from: string, i: number, kind: string): string => `${from}/${kind}-${i}.ts`;
const reported = new Map<string, string[]>();

beforeAll(async () => {
  for (const target of targets) write(target, 'export const value = 1;\n');
  forbidden.forEach(([from, to], i) => write(nameOf(from, i, 'bad'), importOf(from, to)));
  allowed.forEach(([from, to], i) => write(nameOf(from, i, 'good'), importOf(from, to)));
  write('renderer/good-type.ts', "import type { value } from '../main/api/router';\nexport type T = typeof value;\n");
  write('main/services/cycle-a.ts', "import { b } from './cycle-b';\nexport const a = () => b;\n");
  write('main/services/cycle-b.ts', "import { a } from './cycle-a';\nexport const b = () => a;\n");
  write('tsconfig.json', '{}');
  write('package.json', '{ "type": "module" }');
  cpSync(join(root, '.dependency-cruiser.cjs'), join(folder, '.dependency-cruiser.cjs'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const { from, rule } of await violations()) reported.set(from, [...(reported.get(from) ?? []), rule.name]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each(forbidden.map(([from, to, rule], i) => ({ from, to, rule, file: nameOf(from, i, 'bad') })))('$from may not import $to', ({ file, rule }) => {
  expect(reported.get(file)).toContain(rule);
});

test.each(allowed.map(([from, to], i) => ({ from, to, file: nameOf(from, i, 'good') })))('$from may import $to', ({ file }) => {
  expect(reported.get(file)).toBeUndefined();
});

test("the window may import the router's type", () => expect(reported.get('renderer/good-type.ts')).toBeUndefined());
test('a cycle is reported', () => expect([...reported.values()].flat()).toContain('cycle'));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

function importOf(from: string, to: string): string {
  const isOurs = /^(main|preload|renderer|tests|build)\//.test(to);
  const path = isOurs ? relative(from, to) : to;
  return `import * as imported from '${isOurs && !path.startsWith('.') ? `./${path}` : path}';\nexport const used = imported;\n`;
}

async function violations(): Promise<{ from: string; rule: { name: string } }[]> {
  const cruiser = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const stdout = await new Promise<string>((done) => {
    execFile(process.execPath, [cruiser, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'main', 'preload', 'renderer'], { cwd: folder, maxBuffer: 2 ** 26 }, (_error, out) => done(out));
  });
  return (JSON.parse(stdout) as { summary: { violations: { from: string; rule: { name: string } }[] } }).summary.violations;
}
