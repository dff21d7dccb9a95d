// Tells the queue's events to everyone who listens. A slow listener never holds the queue up, nor memory: of what it has not taken yet,
// only the newest of each kind is kept, and one that is far behind begins anew with the whole picture.
import type { Signal } from '../../api/studio';
import type { QueueEvent } from '../../../preload/contract/job';

/** Of events that one listener has not taken. Far more than a page that reads is ever behind. */
export const MOST_WAITING = 1_000;

export class Broadcast {
  private readonly listeners = new Set<(event: QueueEvent) => void>();

  publish(event: QueueEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** What `first` gives, then all that is published from that moment on, until `signal`. `first` is asked again where too much was missed. */
  async *listen(signal: Signal, first: () => QueueEvent[]): AsyncGenerator<QueueEvent> {
    const waiting = new Map<string, QueueEvent>();
    let wake = () => {}, isBehind = true;
    const take = (event: QueueEvent) => {
      const key = keyOf(event);
      waiting.delete(key);                        // so that the newer one goes to the end
      waiting.set(key, event);
      if (waiting.size > MOST_WAITING) {
        waiting.clear();
        isBehind = true;
      }
      wake();
    };
    this.listeners.add(take);
    signal.addEventListener('abort', () => wake(), { once: true });
    try {
      while (!signal.aborted) {
        if (isBehind) {
          isBehind = false;
          yield* first();
          continue;
        }
        const [next] = waiting;
        if (next) { waiting.delete(next[0]); yield next[1]; }
        else await new Promise<void>((resolve) => { wake = resolve; });
      }
    } finally {
      this.listeners.delete(take);
    }
  }
}

/** Every state of a job is told, but of the steps within one state only the last that was not taken yet. */
const keyOf = (event: QueueEvent): string =>
  event.type === 'job' ? `${event.job.id} ${event.job.state} ${event.job.attempt}` : event.type === 'worker' ? `worker ${event.state}` : event.type;
