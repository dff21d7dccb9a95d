// The process in which pictures from outside are read. It owns nothing: over a hostile one it may run out of memory or time, or die in a decoder.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { toAppError } from '../../../engine/errors';
import { checkPicture } from '../../../files/decode-picture';
import { portToHost } from '../../../worker/port';
import { encodeThumbnail } from '../encode';
import { reportOnPicture, unreadable } from '../report';
import { OUT_OF_MEMORY, type Answers, type FromReader, type Question, type ToReader } from './protocol';

const WATCH_MS = 20;

// As in the worker: the studio hears them too, and decides.
for (const signal of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(signal, () => {});

sharp.cache(false);      // no picture comes twice
let mostBytes = Infinity;
// The decoder works on threads of its own, so this looks on while it does.
setInterval(() => { if (process.memoryUsage.rss() > mostBytes) process.exit(OUT_OF_MEMORY); }, WATCH_MS);

const port = portToHost<FromReader, ToReader>(process);
port.onClose(() => process.exit(0));
port.onMessage((message) => {
  mostBytes = message.mostBytes;
  port.post({ type: 'began' });
  answer(message).then((made) => port.post({ type: 'answer', answer: made }), (error: unknown) => port.post({ type: 'refused', error: toAppError(error).toInfo() }));
});
port.post({ type: 'ready' });

async function answer(question: Question): Promise<Answers[keyof Answers]> {
  if (question.type === 'check') return checkPicture(question.path, question.name);
  if (question.type === 'report') return reportOnPicture(question.path, question.locals);
  return readFile(question.path).then(encodeThumbnail).catch((cause: unknown) => { throw unreadable(question.path, cause); });
}
