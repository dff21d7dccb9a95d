// The worker's life in the log: it writes none itself, and cannot say what it died of.
import type { Log } from '../log/log';
import type { WorkerHost } from './host';

export function logWorker(host: WorkerHost, log: Log): void {
  host.on('starting', () => log.debug('worker.starting', { child: host.pid }));
  host.on('ready', () => log.info('worker.ready', { child: host.pid }));
  host.on('exit', () => log.info('worker.stopped'));
  host.on('crash', ({ reason, jobId, code, signal, stderr, peakBytes, asked }) =>
    log[asked ? 'info' : 'error']('worker.died', { reason, job: jobId, exit: code, signal, peakBytes, asked, said: stderr }));
}
