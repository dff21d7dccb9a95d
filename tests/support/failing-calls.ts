// Calls of the file system that fail in a test as a system makes them fail.
import fs from 'node:fs/promises';
import { onTestFinished, vi } from 'vitest';

/** Of paths that end so, until the test ends or what is returned is called. */
export function failing(code: string, call: 'open' | 'readdir' | 'stat' | 'realpath', ending: string): () => void {
  const real = fs[call] as (...of: unknown[]) => Promise<unknown>;
  const spy = vi.spyOn(fs, call as 'open').mockImplementation((async (...of: unknown[]) => {
    if (String(of[0]).endsWith(ending)) throw Object.assign(new Error(code), { code });
    return real(...of);
  }) as typeof fs.open);
  onTestFinished(() => { spy.mockRestore(); });
  return () => { spy.mockRestore(); };
}
