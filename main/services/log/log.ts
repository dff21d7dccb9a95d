// The log of a data folder: one JSON object a line, of all processes in the order in which they happened. What a line may say is in facts.ts.
import { join } from 'node:path';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { detailOf } from '../../engine/errors';
import { factsOf, type Facts } from './facts';
import { lastLines, LogFile, type LogBounds } from './log-file';

const levels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof levels)[number];
/** Whose line it is: the hosts' own, or those that they tell of. */
export type LogProcess = 'studio' | 'server' | 'app' | 'terminal' | 'worker' | 'reader' | 'window';

/** `event`: a fixed word of the code. Texts among the facts that are not known to be harmless are left out. */
type Say = <F extends object>(event: string, facts?: F & Facts<F>) => void;
export interface Log extends Readonly<Record<LogLevel, Say>> {
  /** The same log, with lines of another process. */
  of(process: LogProcess): Log;
  /** The last lines, oldest first. */
  tail(most: number): string[];
  close(): void;
}

export interface LogOptions extends Partial<LogBounds> {
  /** What is less than this is not written: ATELIER_LOG, or info. */
  readonly level?: LogLevel | undefined;
  /** Told once, when the log cannot be written. */
  readonly tell?: ((fault: ErrorInfo) => void) | undefined;
}

/** Facts are few and short; this bounds what nobody foresaw. */
const LINE_BYTES = 16 << 10;

/** In the data folder's `logs`, which is made with the first line. Nothing of it throws. */
export function openLog(dataDir: string, writer: LogProcess, { level = levelIn(process.env.ATELIER_LOG), tell = () => {}, ...bounds }: LogOptions = {}): Log {
  const folder = join(dataDir, 'logs');
  const file = new LogFile(folder, { ...bounds, onFault: (fault) => tell({ code: 'log.unwritable', data: { file: folder, detail: detailOf(fault) } }) });
  const most = levels.indexOf(level);
  const of = (who: LogProcess): Log => {
    const say = (level: LogLevel): Say => (event, facts) => {
      if (levels.indexOf(level) > most) return;
      const { lost } = file, head = { time: new Date().toISOString(), level, process: who, pid: process.pid, event };
      const line = JSON.stringify({ ...head, ...said(facts ?? {}), ...(lost > 0 && { lost }) });
      file.write(Buffer.byteLength(line) <= LINE_BYTES ? line : JSON.stringify({ ...head, cut: true }));
    };
    return { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug'), of, tail: (lines) => lastLines(folder, lines), close: () => file.close() };
  };
  return of(writer);
}

/** A thrown thing may throw when it is looked at. */
function said(facts: object): Record<string, unknown> {
  try {
    return factsOf({ ...facts });
  } catch {
    return { unsaid: true };
  }
}

const levelIn = (text = ''): LogLevel => levels.find((level) => level === text) ?? 'info';
