// The machine, as far as Node tells it at no cost. In a container the limits are the container's.
import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';

/** Memory that this process may count on in all. */
export function totalBytes(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();   // without a limit the call gives 0 or an absurdly high number
}

/** Memory that could be had now without swapping. */
export const availableBytes = (): number => process.availableMemory?.() ?? freemem();

/** Resident bytes of another process, mapped files included. null where the system does not tell cheaply (all but Linux). */
export async function residentBytes(pid: number): Promise<number | null> {
  if (process.platform !== 'linux') return null;
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

export const processor = (): { name: string; cores: number } => ({ name: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism() });
