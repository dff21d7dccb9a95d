// No prompt, no secret and no folder gets into the log or a report, whatever fails: the real studio, with a home of its own, and everything private in it marked.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addPngTexts } from '../../main/files/png-text';
import type { JobView } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import { scratchFolder } from '../support/checkpoints';

const root = join(import.meta.dirname, '../..');
/** In prompts, names of styles, the user's files and folders. One that is no word, and part of none. */
const mark = 'zqxmark', person = 'zqxanna';
let home: string, dataDir: string, studio: ChildProcess, origin: string, printed = '', keys: Record<string, string>;
const given: string[] = [], reports: string[] = [];

beforeAll(async () => {
  home = join(scratchFolder(), person);
  dataDir = join(home, '.local/share/atelier');
  await mkdir(join(dataDir, 'models'), { recursive: true });
  await mkdir(join(dataDir, 'wildcards'));
  await writeFile(join(dataDir, 'settings.json'), `{ "theme": "${mark}" "x"`);
  await writeFile(join(dataDir, 'styles.csv'), `name,prompt,negative_prompt\nbroken,"${mark}`);
  await mkdir(join(dataDir, 'wildcards/colour.txt'));
  const demo = await readFile(join(root, 'resources/models/atelier-mini.safetensors'));
  await writeFile(join(dataDir, 'models/cut.safetensors'), demo.subarray(0, demo.length >> 1));
  await writeFile(join(dataDir, 'models/broken.safetensors'), `{"${mark}": "${mark}`);
  await writeFile(join(dataDir, 'atelier.db'), `${mark} is no database`);
  studio = spawn(process.execPath, [join(root, 'out/main/server.js'), '--no-open', '--port', '0'], { env: { ...environment(), ATELIER_LOG: 'debug' }, stdio: ['ignore', 'pipe', 'pipe'] });
  studio.stdout!.on('data', (text: Buffer) => { printed += text.toString(); });
  await vi.waitUntil(() => /#code=\S+/.test(printed), { timeout: 300_000 });
  const [, base, code] = /(http:\S+)\/#code=(\S+)/.exec(printed)!;
  origin = base!;
  const wrong = await post('/sign-in', { code: mark.repeat(5) });
  expect(wrong.status).toBe(401);
  const answer = await post('/sign-in', { code }), cookie = answer.headers.get('set-cookie')!.split(';')[0]!, session = await answer.json() as { page: string; address: string };
  keys = { cookie, 'x-atelier-key': session.page };
  given.push(code!, cookie.split('=')[1]!, session.page, session.address, (await readFile(join(dataDir, 'server-secret'), 'utf8')).trim());
});
afterAll(() => rm(home, { recursive: true, force: true }));

const environment = () => ({ PATH: process.env.PATH, HOME: home, USERPROFILE: home, LOCALAPPDATA: join(home, '.local/share'), XDG_DATA_HOME: join(home, '.local/share') });
const post = (path: string, body: unknown) => fetch(`${origin}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...keys }, body: JSON.stringify(body) });
async function call<T>(name: string, input?: unknown): Promise<T> {
  const answer = await (input === undefined ? fetch(`${origin}/trpc/${name}`, { headers: keys }) : post(`/trpc/${name}`, input));
  return (await answer.json() as { result?: { data: T } }).result?.data as T;
}
const ended = async (id: string) => vi.waitFor(async () => {
  const job = (await call<{ jobs: JobView[] }>('queue.list')).jobs.find((job) => job.id === id)!;
  expect(['done', 'failed', 'cancelled']).toContain(job.state);
  return job;
}, { timeout: 300_000, interval: 50 });
const request = (model: ModelEntry, more = {}) => ({ files: { model: model.id }, prompt: `a ${mark} house`, negative: mark, steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 128, height: 128, ...more });
const linesOf = async () => (await Promise.all((await readdir(join(dataDir, 'logs'))).map((name) => readFile(join(dataDir, 'logs', name), 'utf8')))).join('');

/** Linux keeps it in /proc. */
async function workers(): Promise<number[]> {
  const stats = await Promise.all((await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(async (pid) => [Number(pid), await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''), await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const));
  return stats.filter(([, stat, command]) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === studio.pid && command.includes('worker.js')).map(([pid]) => pid);
}

describe.skipIf(process.platform !== 'linux')('the log of a studio in which much goes wrong', () => {
  it('tells of it', async () => {
    const models = await call<ModelEntry[]>('models.list'), model = models.find(({ builtIn }) => builtIn)!;
    const [made, gone] = await Promise.all([call<JobView[]>('queue.enqueue', request(model)), call<JobView[]>('queue.enqueue', request(model, { prompt: `a ${mark} __colour__ __${mark}__ <lora:${mark}:1>` }))]);
    expect((await ended(made[0]!.id)).state).toBe('done');
    await ended(gone[0]!.id);
    // Refused, or failed: a style that is not there, a broken model, values that are none, a picture that is none and one with a prompt in it.
    await call('queue.enqueue', request(model, { styles: [mark, 'broken'] }));
    await call('queue.enqueue', request(model, { sampler: mark, [mark]: mark }));
    for (const { id } of models.filter(({ builtIn }) => !builtIn)) for (const job of await call<JobView[] | undefined>('queue.enqueue', request({ id } as ModelEntry)) ?? []) await ended(job.id);
    await call('models.add', { path: join(home, mark, 'x.safetensors') });
    const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } }).png().toBuffer();
    for (const bytes of [Buffer.from(mark), addPngTexts(png, [{ keyword: 'parameters', text: `${mark}\nNegative prompt: ${mark}\nSteps: 1` }])]) {
      const answer = await fetch(`${origin}/blobs`, { method: 'POST', body: bytes as BodyInit, headers: { 'content-type': 'image/png', ...keys } }), { hash } = await answer.json() as { hash?: string };
      if (hash) await fetch(`${origin}/trpc/pictures.read?input=${encodeURIComponent(JSON.stringify({ blob: hash }))}`, { headers: keys });
    }
    await call('windowFailed', { kind: 'error', name: 'TypeError', stack: `${mark}\n    at f (${origin}/assets/index-a.js?key=${given[3]}:1:2)` });
    // A worker that is killed over a job, twice.
    const [killed] = await call<JobView[]>('queue.enqueue', request(model, { steps: 150 }));
    for (let kills = 0; kills < 2;) {
      const job = (await call<{ jobs: JobView[] }>('queue.list')).jobs.find(({ id }) => id === killed!.id)!;
      if (job.state === 'failed') break;
      if (job.state === 'running' && job.step > 1 && job.attempt === kills + 1) { for (const pid of await workers()) process.kill(pid, 'SIGKILL'); kills++; }
      await new Promise((done) => { setTimeout(done, 20); });
    }
    expect((await ended(killed!.id)).error?.code).toBe('worker.died');
    // A folder of pictures that takes none: the file that cannot be written is named after the prompt.
    const pictures = join(dataDir, 'pictures');
    await rm(pictures, { recursive: true });
    await writeFile(pictures, mark);
    const [unsaved] = await call<JobView[]>('queue.enqueue', request(model, { prompt: `${mark} in the rain` }));
    await vi.waitFor(async () => { expect(await linesOf()).toContain('queue.paused'); }, { timeout: 300_000, interval: 50 });
    await post('/trpc/queue.cancel', { ids: [unsaved!.id] });
    for (const job of (await call<{ jobs: JobView[] }>('queue.list')).jobs) reports.push(await call<string>('report', { error: job.error, job: job.id }));
    reports.push(await call<string>('report', { error: { code: 'style.notFound', data: { name: mark } }, job: mark }));
    const events = (await linesOf()).split('\n').filter(Boolean).map((line) => (JSON.parse(line) as { event: string }).event);
    expect(events).toEqual(expect.arrayContaining(['studio.started', 'folder.notice', 'job.queued', 'job.ended', 'job.failed', 'request.failed', 'window.failed', 'worker.died', 'queue.paused']));
  });

  it('tells of a terminal beside it', async () => {
    await symlink(join(home, 'nowhere'), join(home, 'loop')).catch(() => {});
    const terminal = (...args: string[]) => once(spawn(process.execPath, [join(root, 'out/main/cli.js'), ...args], { env: environment(), stdio: 'ignore' }), 'close');
    await terminal('generate', '--prompt', `a ${mark}`, '--model', mark);
    await terminal('generate', '--prompt', `a ${mark}`, '--out', join(home, 'loop', mark, 'x.png'));
    await terminal('generate', mark, '--data-dir', dataDir);
    expect(await linesOf()).toContain('"terminal"');
  });

  it('holds no prompt, no secret, and nothing of where things lie', async () => {
    studio.kill('SIGTERM');
    await once(studio, 'close');
    await chmod(join(dataDir, 'logs'), 0o700);
    expect(reports.length).toBeGreaterThan(3);
    for (const report of reports) expect(report).toContain('"onnxruntime"');
    const lines = await linesOf(), text = `${lines}${reports.join('\n')}`;
    expect(lines.split('\n').length).toBeGreaterThan(20);
    for (const secret of [mark, person, home, dataDir, ...given]) expect(text.toLowerCase(), secret).not.toContain(secret.toLowerCase());
    for (const line of lines.split('\n').filter(Boolean)) expect(line, 'a folder').not.toMatch(/\/(?:home|tmp|Users|var|work)\b/);
  });
});
