// What is done to a studio, by name.
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf, ErrorInfo } from '../../preload/contract/errors';
import { drop, droppingNames, hostilePictures } from '../support/droppings';
import { inputs, procedures, spoilt } from '../support/malformed';
import type { Promised } from './ledger';
import { moments, momentsProgram } from './moments';
import type { Assault, Siege } from './siege';
import type { Answer, Studio } from './studio';

/** Jobs of all kinds. Those whose worker dies may fail when it does so twice. */
const scripts: readonly (readonly [prompt: string, how: Promised])[] = [
  ['a house', 'made'], ['slow', 'made'], ['a tree', 'made'], ['away', 'made'], ['stale-state', 'made'], ['die-once@2', 'ended'], ['abort@1', 'ended'], ['fail', 'ended'],
];

async function ask(siege: Siege, studio: Studio, count: number, least?: Promised): Promise<void> {
  for (let i = 0; i < count; i++) {
    const [prompt, how] = siege.random.pick(scripts);
    if (await siege.enqueue(studio, prompt, least ?? how, { steps: 2 + siege.random.below(6) }) === undefined) return;
  }
}

/** Killed by itself at a moment, among work that comes by it. */
const killedAtMoment: Assault = {
  name: 'kill at a moment',
  async run(siege) {
    const moment = siege.random.pick(moments), studio = siege.begin({ node: ['--import', momentsProgram], env: { ATELIER_SIEGE: `${moment}:${1 + siege.random.below(4)}` } });
    if (!await studio.ready()) return countDeath(siege, studio);
    await ask(siege, studio, 5);
    await studio.tell('settings.set', { theme: siege.random.pick(['dark', 'light']) }).catch(() => {});
    await studio.upload(hostilePictures.plain!).catch(() => {});
    for (let i = 0; i < 100 && studio.isAlive; i++) await sleep(30);
    await countDeath(siege, studio);
  },
};

async function countDeath(siege: Siege, studio: Studio): Promise<void> {
  siege.figures.kills++;
  await (studio.isAlive ? studio.kill() : studio.gone());
}

/** Killed from outside at any time, and as it starts. */
const killedAnyTime: Assault = {
  name: 'kill at any time',
  async run(siege) {
    const starting = siege.begin();
    await sleep(siege.random.below(1500));
    await siege.kill(starting);
    const studio = await siege.start();
    await ask(siege, studio, 4);
    await sleep(siege.random.below(600));
    await siege.kill(studio);
  },
};

const workersKilled: Assault = {
  name: 'workers killed',
  async run(siege) {
    const studio = await siege.start();
    await siege.enqueue(studio, 'slow', 'ended', { steps: 12 });
    await ask(siege, studio, 3, 'ended');
    for (let i = 0; i < 4; i++) {
      await sleep(siege.random.below(500));
      for (const pid of studio.childrenOf('worker')) {
        siege.figures.kills++;
        try { process.kill(pid, 'SIGKILL'); } catch { /* gone */ }
      }
    }
  },
};

/** Two at the same moment, over jobs that were left; and one that ends while the other waits. */
const twoAtOnce: Assault = {
  name: 'two at once',
  async run(siege) {
    const before = await siege.start();
    await ask(siege, before, 4);
    await siege.kill(before);
    const [one, two] = [siege.begin(), siege.begin()];
    for (const studio of [one, two]) if (!await studio.ready()) throw new Error(`one of two did not start: ${studio.host.said.err.slice(-300)}`);
    await ask(siege, two, 2);
    await siege.kill(siege.random.pick([one, two]));
  },
};

const cancelled: Assault = {
  name: 'cancels',
  async run(siege) {
    const studio = await siege.start();
    for (let i = 0; i < 4; i++) {
      const id = await siege.enqueue(studio, siege.random.pick(['slow', 'hang@2', 'a house']), 'ended', { steps: 6 });
      await sleep(siege.random.below(300));
      if (id !== undefined) await studio.tell('queue.cancel', { ids: [id] }).catch(() => {});
    }
    await ask(siege, studio, 2);
  },
};

const malformed: Assault = {
  name: 'malformed payloads',
  async run(siege) {
    const studio = await siege.start();
    await ask(siege, studio, 3);
    for (const { name, type } of procedures) {
      if (type === 'subscription') continue;
      const texts = [...spoilt(inputs[name])];
      for (let i = 0; i < 12; i++) {
        const text = siege.random.pick(texts), query = encodeURIComponent(text);
        if ((type === 'query' && query.length > 12_000) || (name === 'queue.cancelMany' && text.includes('unfinished')) || (name === 'queue.cancelMany' && text.includes('waiting'))) continue;
        siege.figures.requests++;
        expectOurs(await (type === 'query' ? studio.send(`/trpc/${name}?input=${query}`) : studio.send(`/trpc/${name}`, { method: 'POST', body: text })), `${name} ${text.slice(0, 80)}`);
      }
    }
    await studio.tell('settings.set', { modelFolders: [], modelFiles: [], modelSettings: {} });
  },
};

/** A refusal is one of our errors with its own status, and none of a fault of ours. */
function expectOurs({ status, text }: Answer, what: string): void {
  if (status === 200) return;
  const said = JSON.parse(text) as { error?: { data: { info: unknown } } }, info = ErrorInfo.safeParse(said.error ? said.error.data.info : said);
  if (!info.success || statusOf(info.data.code) !== status || status >= 500) throw new Error(`${what} was answered ${status}: ${text.slice(0, 200)}`);
}

const httpFaults: Assault = {
  name: 'faults of HTTP',
  async run(siege) {
    const studio = await siege.start(), { port, secret } = studio.address, sockets: Socket[] = [];
    await ask(siege, studio, 3);
    for (const text of ['', 'G', 'hello\r\n\r\n', 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ', `POST /blobs HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${secret}\r\nContent-Length: 9000000\r\n\r\nhalf`]) {
      for (let i = 0; i < 60; i++) {
        siege.figures.requests++;
        const socket = connect(port, '127.0.0.1', () => socket.write(text));
        sockets.push(socket.on('error', () => {}));
      }
    }
    const strange: readonly Record<string, string>[] = [{ host: 'evil.example' }, { origin: 'http://evil.example' }, { authorization: 'Bearer wrong' }, { authorization: 'Bearer é' }, { authorization: '' }];
    for (const headers of strange) {
      siege.figures.requests++;
      const { status } = await studio.send('/trpc/settings.get', { headers });
      if (status !== 401 && status !== 403) throw new Error(`${JSON.stringify(headers)} was answered ${status}`);
    }
    await Promise.all(Array.from({ length: 6 }, () => cutUpload(studio, siege.random.below(3_000_000))));
    await studio.ask('settings.get');
    for (const socket of sockets) socket.destroy();
  },
};

function cutUpload(studio: Studio, bytes: number): Promise<void> {
  const { port, secret } = studio.address;
  return new Promise((resolve) => {
    const upload = httpRequest({ host: '127.0.0.1', port, path: '/blobs', method: 'POST', headers: { authorization: `Bearer ${secret}`, 'content-length': 5_000_000 } });
    upload.on('error', () => {}).on('close', resolve);
    upload.write(Buffer.alloc(bytes), () => upload.destroy());
  });
}

const pictures: Assault = {
  name: 'hostile pictures',
  async run(siege) {
    const studio = await siege.start();
    await ask(siege, studio, 2);
    for (const bytes of Object.values(hostilePictures)) {
      siege.figures.requests++;
      const answer = await studio.upload(bytes);
      expectOurs(answer, 'an upload');
      if (answer.status !== 200) continue;
      const { hash } = JSON.parse(answer.text) as { hash: string };
      expectOurs(await studio.send(`/trpc/pictures.read?input=${encodeURIComponent(JSON.stringify({ blob: hash }))}`), 'a report');
      await siege.enqueue(studio, 'from a picture', 'made', { init: hash });
    }
    await Promise.all(Array.from({ length: 4 }, () => studio.upload(Buffer.alloc(60 << 20, 'no picture '))));
  },
};

const dropped: Assault = {
  name: 'dropped files',
  async run(siege) {
    siege.moveOn();
    for (let i = 0; i < 4; i++) drop(siege.random.pick(droppingNames), siege.dataDir, siege.random);
    const studio = await siege.start();
    for (const procedure of ['models.list', 'models.parts', 'styles.list', 'machine', 'library.page']) expectOurs(await studio.send(`/trpc/${procedure}`), procedure);
    for (const prompt of ['a house', 'a __colour__ house', '__all__', '__*__', 'slow']) await siege.enqueue(studio, prompt);
    await ask(siege, studio, 2);
  },
};

const damagedFolder: Assault = {
  name: 'damaged folder',
  async run(siege) {
    const before = await siege.start();
    await ask(siege, before, 3);
    await siege.untilDone(before);
    await before.close();
    for (let i = 0; i < 1 + siege.random.below(3); i++) damage(siege);
    const studio = await siege.start();
    await ask(siege, studio, 2);
  },
};

const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** One that loses nothing which could not be made again. */
function damage({ dataDir, random }: Siege): void {
  const at = (name: string) => join(dataDir, name), database = at('atelier.db');
  const put = (name: string, how: (path: string) => void) => { rmSync(at(name), { recursive: true, force: true }); how(at(name)); };
  const file = (path: string) => writeFileSync(path, random.bytes(200)), pipe = (path: string) => { execFileSync('mkfifo', [path]); };
  const damages: readonly (() => void)[] = [
    () => { if (isFile(database)) truncateSync(database, random.below(readFileSync(database).length)); },
    () => {
      if (existsSync(database) && !isFile(database)) return;      // a pipe would wait for a writer
      const bytes = existsSync(database) ? readFileSync(database) : Buffer.alloc(0);
      for (let i = 0; i < 4 && bytes.length > 0; i++) bytes.set(random.bytes(Math.min(64, bytes.length)), random.below(Math.max(1, bytes.length - 64)));
      writeFileSync(database, bytes);
    },
    () => put('atelier.db', (path) => random.pick([mkdirSync as (path: string) => void, file, pipe])(path)),
    () => put('atelier.db-wal', file), () => put('atelier.db-shm', file),
    () => put('settings.json', random.pick([file, mkdirSync as (path: string) => void, pipe])), () => put('settings.lock', random.pick([mkdirSync as (path: string) => void, pipe, file])),
    () => put('server-secret', random.pick([file, mkdirSync as (path: string) => void])),
    ...['thumbnails', 'blobs', 'trash', 'sessions', 'steps'].map((name) => () => put(name, file)),
    () => put('thumbnails/ab', file), () => put('blobs/ab', file), () => put('sessions/door', random.pick([file, pipe, mkdirSync as (path: string) => void])), () => put('sessions/1-ab.lock', random.pick([file, pipe])),
    () => put('pictures-seen', random.pick([mkdirSync as (path: string) => void, pipe])),
    () => put('styles.csv', random.pick([pipe, file])),
    () => { mkdirSync(at('wildcards'), { recursive: true }); put('wildcards/x.yaml', random.pick([pipe, file])); },
    () => put('pictures/pipe.png', pipe), () => put('pictures/away', (path) => symlinkSync('/', path)), () => put('models/x.safetensors', random.pick([pipe, file])),
    () => { for (const name of readdirSync(at('steps'))) put(`steps/${name}`, file); },
  ];
  try {
    random.pick(damages)();
  } catch { /* its folder is a file by now */ }
}

const fullDisk: Assault = {
  name: 'full disk',
  async run(siege) {
    const drive = mkdtempSync(join(tmpdir(), 'atelier-siege-drive-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', drive], { stdio: 'ignore' });
    } catch {
      siege.undone.set('full disk', 'no small drive may be mounted here');
      return;
    }
    const moveBack = siege.moveOn(join(drive, 'data'));
    try {
      const studio = await siege.start();
      await ask(siege, studio, 2);
      fill(join(drive, 'filler'));
      await ask(siege, studio, 4);
      await studio.upload(hostilePictures.plain!);
      await studio.tell('settings.set', { theme: 'dark' }).catch(() => {});
      await sleep(500);
      if (siege.random.share() < 0.5) await siege.kill(studio);
      rmSync(join(drive, 'filler'));
      await siege.endHere();
    } finally {
      execFileSync('umount', ['-l', drive], { stdio: 'ignore' });
      moveBack();
    }
  },
};

function fill(path: string): void {
  for (let size = 1 << 20; size >= 4096;) {
    try {
      writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
    } catch {
      size >>= 1;
    }
  }
}

const fewHandles: Assault = {
  name: 'few handles',
  async run(siege) {
    const studio = await siege.start({ shell: 'ulimit -n 150' }), sockets: Socket[] = [];
    for (let i = 0; i < 200; i++) sockets.push(connect(studio.address.port, '127.0.0.1', () => {}).on('error', () => {}));
    await ask(siege, studio, 4);
    await Promise.all(Array.from({ length: 12 }, () => studio.upload(hostilePictures.plain!).catch(() => {})));
    for (const socket of sockets) socket.destroy();
    await ask(siege, studio, 2);
  },
};

const MEMORY_GROUPS = '/sys/fs/cgroup/memory';
const littleMemory: Assault = {
  name: 'little memory',
  async run(siege) {
    const group = join(MEMORY_GROUPS, `atelier-siege-${process.pid}`);
    try {
      mkdirSync(group);
      writeFileSync(join(group, 'memory.limit_in_bytes'), String(450 << 20));
    } catch {
      siege.undone.set('little memory', 'no group with a limit can be made here');
      return;
    }
    const studio = await siege.start({ shell: `echo $$ > ${group}/cgroup.procs` });
    await ask(siege, studio, 3);
    for (const bytes of Object.values(hostilePictures)) await studio.upload(bytes).catch(() => {});
    await ask(siege, studio, 2);
    await siege.untilDone(studio.isAlive ? studio : await siege.start());
    if (studio.isAlive) await studio.close();
    await sleep(200);
    rmdirSync(group);
  },
};

export const assaults: readonly Assault[] = [
  killedAtMoment, killedAnyTime, workersKilled, twoAtOnce, cancelled, malformed, httpFaults, pictures, dropped, damagedFolder, fullDisk, fewHandles, littleMemory,
];
