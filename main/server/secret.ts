// The studio's permanent secret: one per data folder, in a file that its owner alone reads. Sessions are made from it, and scripts give it as their
// bearer. It is never in an address, a cookie, or a command's arguments.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { join } from 'node:path';
import type { ErrorInfo } from '../../preload/contract/errors';
import { AppError, detailOf } from '../engine/errors';
import { putAside, writeNew } from '../services/data/disk';

const OWNER_ONLY = 0o600;
/** Of former versions: it was in addresses, so it lets nobody in any more. */
const FORMER = 'server-token';

/** Made on first use. `notice`: one that was damaged was put aside. Throws server.secret when it cannot be read now, disk.*. */
export async function serverSecret(dataDir: string): Promise<{ secret: string; notice: ErrorInfo | null }> {
  const path = join(dataDir, 'server-secret');
  const kept = await read(path);
  if (kept !== null && isSecret(kept)) {
    await fs.chmod(path, OWNER_ONLY);
    return { secret: kept, notice: null };
  }
  const notice = kept === null ? null : putAside(path, 'secret', 'it holds no secret');
  const secret = newSecret();
  // Another start may have made one meanwhile.
  if (!await writeNew(path, Buffer.from(secret), OWNER_ONLY)) return serverSecret(dataDir);
  await fs.rm(join(dataDir, FORMER), { force: true }).catch(() => {});
  return { secret, notice };
}

export const newSecret = (): string => randomBytes(32).toString('base64url');
const isSecret = (text: string): boolean => /^[\w-]{43}$/.test(text);

const MOST_BYTES = 4096;

/** null when there is none; what is no plain file, or far too large, holds nothing. */
async function read(path: string): Promise<string | null> {
  try {
    const { isFile, size } = await fs.lstat(path).then((found) => ({ isFile: found.isFile(), size: found.size }));
    return isFile && size <= MOST_BYTES ? await fs.readFile(path, 'utf8') : '';
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError('server.secret', { file: path, detail: detailOf(cause) }, { cause });
  }
}

/** Compares in constant time, and by bytes: a letter beyond ASCII is more than one, and `timingSafeEqual` throws where the lengths differ. */
export function isSame(given: string, secret: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(secret)];
  return left.length === right.length && timingSafeEqual(left, right);
}
