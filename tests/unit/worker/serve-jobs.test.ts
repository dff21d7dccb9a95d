// The worker's conversation with its host over a plain port in memory, and over the two that there are.
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import { portToHost, type WorkerPort } from '../../../main/worker/port';
import type { FromWorker, RunMessage, ToWorker } from '../../../main/worker/protocol';
import type { Made } from '../../../main/worker/run-job';
import { serveJobs } from '../../../main/worker/serve-jobs';

const made: Made = { pixels: { width: 1, height: 1, rgb: new Uint8Array(3) }, timings: { openSeconds: 0, stepSeconds: 0, decodeSeconds: 0, peakBytes: 0 }, notices: [], embeddings: [] };
const run = (id: string): RunMessage => ({ type: 'run', id, job: {} as RunMessage['job'], files: { model: '/m' }, sparing: false, keepMs: 5000 });

/** A worker whose jobs end when the test says so. */
function openWorker() {
  const said: FromWorker[] = [], log: string[] = [];
  let tell: (message: ToWorker) => void = () => {};
  const ends = new Map<string, { done: () => void; fail: (error: unknown) => void }>();
  const hearers = new Set<() => void>();
  const port: WorkerPort = { post: (message) => { said.push(message); for (const hear of hearers) hear(); }, onMessage: (listener) => { tell = listener; }, onClose: () => {} };
  serveJobs(port, {
    models: { releaseIfScarce: async () => {}, releaseAll: async () => { log.push('release'); }, limit: async (bytes) => { log.push(`limit ${bytes}`); }, list: () => [] },
    upscale: async ({ id }) => { log.push(`upscale ${id}`); return { pixels: { width: 1, height: 1, rgb: new Uint8Array(3) }, timings: { openSeconds: 0, stepSeconds: 0, decodeSeconds: 0, peakBytes: 0 }, notices: [], embeddings: [] }; },
    runJob: ({ id }, signal, send) => new Promise((resolve, reject) => {
      log.push(`run ${id}`);
      send({ type: 'phase', id, phase: 'loading' });
      signal.addEventListener('abort', () => reject(signal.reason));
      ends.set(id, { done: () => resolve(made), fail: reject });
    }),
  });
  const until = (type: FromWorker['type'], id?: string) => new Promise<void>((resolve) => {
    const hear = () => { if (said.some((m) => m.type === type && (id === undefined || ('id' in m && m.id === id)))) resolve(); };
    hearers.add(hear);
    hear();
  });
  return { said, log, tell: (message: ToWorker) => tell(message), until, end: (id: string) => ends.get(id)!, types: () => said.map(({ type }) => type) };
}

describe('the worker', () => {
  it('says first that it is ready, then of a job what it does and what came of it', async () => {
    const { said, tell, until, end, types } = openWorker();
    tell(run('a'));
    await until('phase', 'a');
    end('a').done();
    await until('memory');
    expect(types()).toEqual(['ready', 'phase', 'done', 'memory']);
    expect(said[0]).toEqual({ type: 'ready', pid: process.pid });
    expect(said[2]).toEqual({ type: 'done', id: 'a', ...made });
  });

  it('does one thing after the other, in the order in which it was asked', async () => {
    const { log, tell, until, end } = openWorker();
    for (const message of [run('a'), { type: 'settings', cacheBytes: 5 }, run('b'), { type: 'release' }] as const) tell(message);
    await until('phase', 'a');
    expect(log).toEqual(['run a']);
    end('a').done();
    await until('phase', 'b');
    expect(log).toEqual(['run a', 'limit 5', 'run b']);
    end('b').done();
    await until('done', 'b');
    tell(run('c'));
    await until('phase', 'c');
    expect(log).toEqual(['run a', 'limit 5', 'run b', 'release', 'run c']);
  });

  it('hears a cancel in the middle of the job that it names, and of no other', async () => {
    const { types, tell, until, end } = openWorker();
    tell(run('a'));
    await until('phase', 'a');
    tell({ type: 'cancel', id: 'b' });
    end('a').done();
    await until('done', 'a');
    tell({ type: 'cancel', id: 'a' });
    tell(run('b'));
    await until('phase', 'b');
    tell({ type: 'cancel', id: 'b' });
    await until('cancelled', 'b');
    expect(types().filter((type) => type !== 'memory')).toEqual(['ready', 'phase', 'done', 'phase', 'cancelled']);
  });

  it('tells why a job failed, and takes the next', async () => {
    const { said, tell, until, end } = openWorker();
    tell(run('a'));
    await until('phase', 'a');
    end('a').fail(new AppError('weights.missingTensor', { file: 'm', key: 'k' }));
    await until('failed', 'a');
    expect(said).toContainEqual({ type: 'failed', id: 'a', error: expect.objectContaining({ code: 'weights.missingTensor' }) });
    tell(run('b'));
    await until('phase', 'b');
  });
});

describe.each([
  ['Node\'s IPC', () => {
    const sent: unknown[] = [], events = new EventEmitter();
    const host = Object.assign(events, { send: (message: unknown) => sent.push(message) });
    return { port: portToHost(host), sent, deliver: (message: ToWorker) => events.emit('message', message), close: () => events.emit('disconnect') };
  }],
  ['Electron\'s parent port, even where the process has IPC too', () => {
    const sent: unknown[] = [], events = new EventEmitter();
    const parentPort = Object.assign(events, { postMessage: (message: unknown) => { sent.push(message); } });
    const port = portToHost(Object.assign(new EventEmitter(), { parentPort, send: () => { throw new Error('not this way'); } }));
    return { port, sent, deliver: (message: ToWorker) => events.emit('message', { data: message, ports: [] }), close: () => events.emit('close') };
  }],
])('the port over %s', (_, open) => {
  it('posts, hears, and tells when the host is gone', () => {
    const { port, sent, deliver, close } = open();
    const heard: (ToWorker | 'closed')[] = [];
    port.onMessage((message) => heard.push(message));
    port.onClose(() => heard.push('closed'));
    port.post({ type: 'ready', pid: 1 });
    deliver({ type: 'release' });
    close();
    expect(sent).toEqual([{ type: 'ready', pid: 1 }]);
    expect(heard).toEqual([{ type: 'release' }, 'closed']);
  });
});
