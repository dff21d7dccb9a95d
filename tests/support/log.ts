// A log in memory, with lines as they would be written.
import { factsOf } from '../../main/services/log/facts';
import type { Log, LogLevel, LogProcess } from '../../main/services/log/log';

export interface HeardLog extends Log { readonly lines: { readonly level: LogLevel; readonly process: LogProcess; readonly event: string; readonly [fact: string]: unknown }[] }

export function memoryLog(): HeardLog {
  const lines: HeardLog['lines'] = [];
  const of = (process: LogProcess): HeardLog => {
    const say = (level: LogLevel) => (event: string, facts: object = {}) => { lines.push({ level, process, event, ...factsOf({ ...facts }) }); };
    return { error: say('error'), warn: say('warn'), info: say('info'), debug: say('debug'), of, tail: (most) => lines.slice(-most).map((line) => JSON.stringify(line)), close: () => {}, lines };
  };
  return of('studio');
}
