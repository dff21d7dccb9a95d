// The other end of a reader: a process that answers one question after the other. It owns nothing, and may run out of memory or time, or die.
import { toAppError } from '../../engine/errors';
import { traceOf } from '../../engine/traces';
import { portToHost } from '../../worker/port';
import { OUT_OF_MEMORY, type FromReader, type ToReader } from './reader-process';

const WATCH_MS = 20;

export function serveQuestions<Question extends object, Answer>(answer: (question: Question) => Promise<Answer>): void {
  // As in the worker: the studio hears them too, and decides.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});

  let mostBytes = Infinity;
  // A decoder works on threads of its own, so this looks on while it does.
  setInterval(() => { if (process.memoryUsage.rss() > mostBytes) process.exit(OUT_OF_MEMORY); }, WATCH_MS);

  const port = portToHost<FromReader<Answer>, ToReader<Question>>(process);
  port.onClose(() => process.exit(0));
  port.onMessage((message) => {
    mostBytes = message.mostBytes;
    port.post({ type: 'began' });
    answer(message).then((made) => port.post({ type: 'answer', answer: made }), (error: unknown) => port.post({ type: 'refused', error: toAppError(error).info, trace: traceOf(error) }));
  });
  port.post({ type: 'ready' });
}
