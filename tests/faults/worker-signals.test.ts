// Signals that reach the studio and its worker together: the studio decides, the worker does not go before it.
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { WorkerHost, type Crash } from '../../main/services/workers/host';

const host = new WorkerHost(join(import.meta.dirname, '../../out/main/worker.js'));
afterAll(() => host.stop());

it.each(['SIGINT', 'SIGHUP', 'SIGTERM'] as const)('the worker outlives %s', async (signal) => {
  const crashes: Crash[] = [];
  host.on('crash', (crash) => crashes.push(crash));
  await host.start();
  const { pid } = host;
  const answered = new Promise<void>((resolve) => {
    host.on('message', ({ type }) => { if (type === 'memory') resolve(); });
    host.once('crash', () => resolve());
  });
  process.kill(pid!, signal);
  host.send({ type: 'release' });
  await answered;
  expect(crashes).toEqual([]);
  expect(host.pid).toBe(pid);
});
