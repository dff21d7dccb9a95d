// Who else uses a data folder just now: each process leaves a file named by its id. Jobs that are unfinished there may be somebody's that runs.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Signs this process in. `alone`: nobody else that is alive has done so. */
export function signIn(folder: string): { readonly alone: boolean; signOut(): void } {
  mkdirSync(folder, { recursive: true });
  const own = join(folder, String(process.pid));
  writeFileSync(own, '');
  const others = readdirSync(folder).filter((pid) => pid !== String(process.pid));
  for (const pid of others.filter((pid) => !isAlive(Number(pid)))) rmSync(join(folder, pid), { force: true });
  return { alone: !others.some((pid) => isAlive(Number(pid))), signOut: () => rmSync(own, { force: true }) };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';     // it lives, and is somebody else's
  }
}
