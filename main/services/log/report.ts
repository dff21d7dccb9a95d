// What a person passes on when something is wrong: the error, versions, the machine, and the end of the log. It holds what the log may hold, so no
// prompt, no secret and no folder; lines that something else wrote into the file are held to that as well.
import os from 'node:os';
import { dependencies, version } from '../../../package.json';
import type { ReportRequest } from '../../../preload/contract/log';
import type { MachineInfo } from '../../../preload/contract/studio';
import { factsOf } from './facts';
import type { Log } from './log';

/** So that it fits into an issue's text. */
const MOST_LINES = 200, MOST_CHARACTERS = 40_000;

/** JSON, and below it the log's lines, the newest last. */
export function reportOn({ error, job }: ReportRequest, { provider, cores, cpu, memory, notices }: MachineInfo, log: Log): string {
  const facts = {
    time: new Date().toISOString(), atelier: version, node: process.versions.node, ...(process.versions.electron && { electron: process.versions.electron }),
    onnxruntime: dependencies['onnxruntime-node'], os: `${os.type()} ${os.release()} ${os.arch()}`,
    machine: { cpu, cores, provider, ...memory, freeBytes: os.freemem() }, ...factsOf({ about: error ?? undefined, job: job ?? undefined }),
    notices: notices.map(({ about }) => factsOf({ about }).about),
  };
  return [JSON.stringify(facts, null, 2), ...lastOf(log)].join('\n');
}

function lastOf(log: Log): string[] {
  const lines: string[] = [];
  let room = MOST_CHARACTERS;
  for (const written of log.tail(MOST_LINES).reverse()) {
    const line = sayable(written);
    if ((room -= line.length) < 0) break;
    if (line !== '') lines.unshift(line);
  }
  return lines;
}

function sayable(line: string): string {
  try {
    return JSON.stringify(factsOf({ ...JSON.parse(line) as object }));
  } catch {
    return '';      // cut off when a disk was full
  }
}
