// The last step of the running job, handed to the studio every few seconds and when it asks, so that little is lost with this process.
import { encodePassState, type PassState } from '../engine/pipeline/pass-state';
import type { FromWorker, RunMessage } from './protocol';

export class HandOver {
  private readonly job: Pick<RunMessage, 'id' | 'keepMs'>;
  private readonly send: (message: FromWorker) => void;
  /** null once it has been handed over. */
  private last: PassState | null = null;
  private handedOverAt = performance.now();

  constructor(job: Pick<RunMessage, 'id' | 'keepMs'>, send: (message: FromWorker) => void) {
    this.job = job;
    this.send = send;
  }

  /** After each step, which has been told. */
  take(state: PassState): void {
    this.last = state;
    if (performance.now() - this.handedOverAt >= this.job.keepMs) this.now();
  }

  now(): void {
    if (!this.last) return;
    this.send({ type: 'state', id: this.job.id, state: encodePassState(this.last) });
    this.last = null;
    this.handedOverAt = performance.now();
  }
}
