// What ends a process stands in the log before it is gone. It ends all the same, as Node would have it.
import type { Log } from './log';

/** Returns what ends the watching. */
export function watchFatal(log: Log): () => void {
  const hear = (error: unknown, origin: string) => log.error('process.fatal', { error, kind: origin });
  process.on('uncaughtExceptionMonitor', hear);
  return () => { process.off('uncaughtExceptionMonitor', hear); };
}
