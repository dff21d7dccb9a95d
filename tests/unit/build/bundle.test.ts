// The terminal's entry: set-up that is quiet when there is nothing to do, rebuilds when a source changed, and leaves stdout to the command.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const folder = mkdtempSync(join(tmpdir(), 'atelier-bundle-'));
const cli = join(folder, 'main/cli/index.ts');

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Runs build/atelier.mjs of the small tree, as a person standing in `from` would. */
function atelier(args: string[] = [], from = folder): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [join(folder, 'build/atelier.mjs'), ...args], { cwd: folder, env: { ...process.env, INIT_CWD: from } }, (_error, stdout, stderr) =>
      done({ code: child.exitCode ?? 1, stdout, stderr }));
  });
}

const says = (text: string): string => `import { word } from './words';\nprocess.stdout.write(\`${text} \${word} \${process.argv.slice(2).join(' ')}\\n\`);\n`;

beforeAll(() => {
  for (const file of ['package.json', 'package-lock.json', 'tsconfig.json']) cpSync(join(root, file), join(folder, file));
  for (const file of ['process.mjs', 'setup.mjs', 'bundle.mjs', 'atelier.mjs']) cpSync(join(root, 'build', file), join(folder, 'build', file));
  cpSync(join(root, 'build/tsconfig/base.json'), join(folder, 'build/tsconfig/base.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const entry of ['server', 'worker', 'services/pictures/reader', 'services/prompts/reader', 'services/models/reader', 'app']) write(join(folder, `main/${entry}/index.ts`), 'export {};\n');
  write(join(folder, 'main/cli/words.ts'), "export const word: string = 'world';\n");
});
beforeEach(() => write(cli, says('hello')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the first run bundles, says so on stderr, and the command has stdout to itself', async () => {
  rmSync(join(folder, 'out'), { recursive: true, force: true });
  const first = await atelier(['inspect', '--json']);
  expect(first).toMatchObject({ code: 0, stdout: 'hello world inspect --json\n', stderr: expect.stringMatching(/^Bundled main in \d+\.\d s\.\n$/) });
  expect(await atelier(['inspect', '--json'])).toEqual({ code: 0, stdout: 'hello world inspect --json\n', stderr: '' });
});

test('a touched file is no change; a changed one is, whatever its time stamp says', async () => {
  await atelier();
  utimesSync(cli, new Date(), new Date());
  expect((await atelier()).stderr).toBe('');
  write(cli, says('goodbye'));
  utimesSync(cli, 0, 0);
  expect((await atelier()).stdout).toBe('goodbye world \n');
});

test('a source that does not compile is named, and the last good build stays', async () => {
  await atelier();
  const built = readFileSync(join(folder, 'out/main/cli.js'), 'utf8');
  write(cli, "import { nothing } from './nowhere';\nnothing();\n");
  const { code, stdout, stderr } = await atelier();
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toContain('main/cli/index.ts');
  expect(stderr).toContain('./nowhere');
  expect(stderr).not.toContain('at process');
  expect(readFileSync(join(folder, 'out/main/cli.js'), 'utf8')).toBe(built);
});

test('two commands that start at once after a change build once and both run the new build', async () => {
  await atelier();
  write(cli, says('together'));
  const both = await Promise.all([atelier(['a']), atelier(['b'])]);
  expect(both.map(({ stdout }) => stdout)).toEqual(['together world a\n', 'together world b\n']);
  expect(both.filter(({ stderr }) => stderr.includes('Bundled'))).toHaveLength(1);
  expect(readdirSync(join(folder, 'out/main')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('the lock of a command that was killed is taken over', async () => {
  write(cli, says('after a crash'));
  write(join(folder, '.cache/bundle.lock'), '4194305');   // above Linux' highest process id
  expect((await atelier()).stdout).toBe('after a crash world \n');
  expect(existsSync(join(folder, '.cache/bundle.lock'))).toBe(false);
});

test('paths mean the folder where the person stands, not the package', async () => {
  write(cli, 'process.stdout.write(process.cwd());\n');
  expect((await atelier([], join(folder, 'main'))).stdout).toBe(join(folder, 'main'));
});

test('stacks point into the sources', async () => {
  write(cli, "function paint(): never {\n  throw new Error('no paint');\n}\npaint();\n");
  const { code, stderr } = await atelier();
  expect(code).toBe(1);
  expect(stderr).toContain('Error: no paint');
  expect(stderr).toContain('main/cli/index.ts:2:');
});
