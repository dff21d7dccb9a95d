// What listeners of the queue hear, however slowly they listen.
import { describe, expect, it } from 'vitest';
import type { JobView, QueueEvent } from '../../../preload/contract/job';
import { Broadcast, MOST_WAITING } from '../../../main/services/queue/broadcast';

const job = (id: number, step = 0): QueueEvent => ({ type: 'job', job: { id: String(id), state: 'running', attempt: 1, step } as JobView });
const snapshot: QueueEvent = { type: 'snapshot', jobs: [], unreadable: [], unreadableCount: 0 };

describe('a listener', () => {
  it('that is slow is told the newest of each kind', async () => {
    const { broadcast, listener, stop } = await listen();
    for (let step = 1; step <= 5; step++) broadcast.publish(job(1, step));
    broadcast.publish(job(2));
    expect([(await listener.next()).value, (await listener.next()).value]).toEqual([job(1, 5), job(2)]);
    stop.abort();
    expect(await listener.next()).toEqual({ done: true, value: undefined });
  });

  it('that never takes what it is told begins anew with the whole picture, and holds no more than a bound until then', async () => {
    const { broadcast, listener } = await listen();
    for (let id = 0; id < 50 * MOST_WAITING; id++) broadcast.publish(job(id));
    broadcast.publish(job(-1));
    expect((await listener.next()).value).toEqual(snapshot);
    let heard = 1;
    for (let event = (await listener.next()).value; event !== undefined && event.type === 'job' && event.job.id !== '-1'; event = (await listener.next()).value) heard++;
    expect(heard).toBeLessThanOrEqual(MOST_WAITING);
  });

  async function listen() {
    const broadcast = new Broadcast(), stop = new AbortController();
    const listener = broadcast.listen(stop.signal, () => [snapshot]);
    expect((await listener.next()).value).toEqual(snapshot);
    return { broadcast, listener, stop };
  }
});
