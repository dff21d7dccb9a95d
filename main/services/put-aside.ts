// A file of ours that cannot be read is kept under a name that says so, and the studio starts with a new one.
import { existsSync, renameSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { ErrorInfo } from '../../preload/contract/errors';

/** Renames `settings.json` to `settings.damaged-2026-11-21T07-18-55.json` and says so. `companions`: endings of files that go with it. */
export function putAside(path: string, reason: string, consequence: string, companions: readonly string[] = []): ErrorInfo {
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const name = basename(path, extname(path));
  let aside: string, n = 1;
  do aside = join(dirname(path), `${name}.damaged-${stamp}${n > 1 ? `-${n}` : ''}${extname(path)}`); while (existsSync(aside) && n++);
  for (const ending of ['', ...companions]) if (existsSync(path + ending)) renameSync(path + ending, aside + ending);
  return {
    code: 'file.unreadable',
    message: `${basename(path)} was damaged (${reason}). ${consequence}`,
    hint: `The old file is kept as ${basename(aside)} in ${dirname(path)}.`,
    data: { file: path, keptAs: aside },
  };
}
