// The server host as processes of a package of its own, with the fake worker in the worker's place.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { build } from 'esbuild';
import { fakeWorker } from './fake-worker-path';

export interface Host {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly said: { out: string; err: string };
  readonly exit: Promise<number | null>;
  /** The address that it prints. */
  readonly url: Promise<string>;
}

export interface Surroundings { readonly shell?: string | undefined; readonly env?: NodeJS.ProcessEnv | undefined; readonly node?: readonly string[] | undefined }

export interface HostPackage {
  readonly dataDir: string;
  start(...flags: string[]): Host;
  /** With no more than so many files, sockets and pipes. */
  startWithHandles(handles: number, ...flags: string[]): Host;
  /** After a shell's command (`ulimit`), with more in its environment and more for Node. */
  startUnder(surroundings: Surroundings, ...flags: string[]): Host;
  killAll(): void;
  remove(): Promise<void>;
}

export async function buildHost(): Promise<HostPackage> {
  const repo = join(import.meta.dirname, '../..'), root = await mkdtemp(join(tmpdir(), 'atelier-host-')), dataDir = join(root, 'data');
  await mkdir(join(root, 'out/main'), { recursive: true });
  await mkdir(join(root, 'out/renderer'));
  await writeFile(join(root, 'out/renderer/index.html'), '<title>Window</title>');
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  for (const name of ['node_modules', 'resources']) await symlink(join(repo, name), join(root, name), 'junction');
  const entryPoints = { server: join(repo, 'main/server/index.ts'), pictures: join(repo, 'main/services/pictures/reader/index.ts'), prompts: join(repo, 'main/services/prompts/reader/index.ts'), models: join(repo, 'main/services/models/reader/index.ts') };
  await build({ entryPoints, outdir: join(root, 'out/main'), bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'silent' });
  await copyFile(fakeWorker, join(root, 'out/main/worker.js'));

  const hosts: Host[] = [];
  const run = (env: NodeJS.ProcessEnv, command: string, ...args: string[]): Host => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    const said = { out: '', err: '' };
    child.stdout.on('data', (text: Buffer) => { said.out += text.toString(); });
    child.stderr.on('data', (text: Buffer) => { said.err += text.toString(); });
    const exit = once(child, 'close').then(([code]) => code as number | null);
    const host = { child, said, exit, url: once(child.stdout, 'data').then(() => /http:\S+/.exec(said.out)![0]) };
    hosts.push(host);
    return host;
  };
  const args = [join(root, 'out/main/server.js'), '--no-open', '--data-dir', dataDir];
  const startUnder: HostPackage['startUnder'] = ({ shell, env = {}, node = [] }, ...flags) =>
    (shell === undefined ? run(env, process.execPath, ...node, ...args, ...flags) : run(env, '/bin/sh', '-c', `${shell}; exec "$@"`, 'sh', process.execPath, ...node, ...args, ...flags));
  return {
    dataDir,
    start: (...flags) => run({}, process.execPath, ...args, ...flags),
    startWithHandles: (handles, ...flags) => startUnder({ shell: `ulimit -n ${handles}` }, ...flags),
    startUnder,
    killAll: () => { for (const { child } of hosts.splice(0)) child.kill('SIGKILL'); },
    remove: () => rm(root, { recursive: true }),
  };
}

/** Comes in by an address, as a window does. Resolves to what its requests carry. */
export async function signIn(url: string): Promise<Record<string, string>> {
  const response = await fetch(new URL('/sign-in', url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code: new URL(url).hash.slice('#code='.length) }) });
  if (!response.ok) throw new Error(await response.text());
  return { cookie: response.headers.get('set-cookie')!.split(';')[0]!, 'x-atelier-key': (await response.json() as { page: string }).page };
}
