// The secret that lets a browser in: one per data folder, so that a bookmark or an open page still works after a restart.
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Made on first use, readable by its owner alone. */
export async function serverToken(dataDir: string): Promise<string> {
  const path = join(dataDir, 'server-token');
  const kept = await readFile(path, 'utf8').catch(() => '');
  if (/^[\w-]{43}$/.test(kept)) return kept;
  const token = randomBytes(32).toString('base64url');
  await writeFile(path, token, { mode: 0o600 });
  return token;
}
