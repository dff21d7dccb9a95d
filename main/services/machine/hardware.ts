// The machine, as far as Node tells it at no cost. In a container the limits are the container's.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';

/** Memory that this process may count on in all. */
export function totalBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();   // without a limit the call gives 0 or an absurdly high number
}

/** Memory that could be had now without swapping. */
export const availableBytes = (): number => process.availableMemory?.() ?? freemem();

/** Another process's resident bytes, and how many of them are mapped from files. null where the system does not tell cheaply (all but Linux). */
export async function memoryOf(pid: number): Promise<{ residentBytes: number; mappedBytes: number } | null> {
  if (process.platform !== 'linux') return null;
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const bytes = (name: string): number | null => {
    const kib = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kib === undefined ? null : Number(kib) * 1024;
  };
  const residentBytes = bytes('VmRSS');
  return residentBytes === null ? null : { residentBytes, mappedBytes: bytes('RssFile') ?? 0 };
}

/** Processes that the system has killed for want of memory, in all. null where it does not count them (all but Linux). */
export function memoryKills(): number | null {
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync('/proc/vmstat', 'utf8'))?.[1];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}

export const processor = (): { name: string; cores: number } => ({ name: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism() });
