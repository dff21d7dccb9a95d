// Whether a PNG's file is still all there, by its size and its ends: a few short reads, whatever it holds.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { openPlain } from './plain-file';

const start = Buffer.from('89504e470d0a1a0a', 'hex'), end = Buffer.from('0000000049454e44ae426082', 'hex');

/**
 * `sizeBytes`: as it was written. 'size' looks no further while that is its size. Other programs may have made it another picture, or put something
 * behind it; it is cut only where it does not end as a PNG does. null also where that cannot be told now.
 */
export async function pngDamage(path: string, sizeBytes: number, look: 'size' | 'ends' = 'ends'): Promise<'cut' | 'gone' | null> {
  try {
    const { size } = await fs.stat(path);
    if (look === 'size' && size === sizeBytes) return null;
    return await isWhole(path, size, sizeBytes) ? null : 'cut';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'gone' : null;
  }
}

async function isWhole(path: string, size: number, sizeBytes: number): Promise<boolean> {
  if (size < start.length + end.length) return false;
  const file = await openPlain(path);
  try {
    const is = async (bytes: Buffer, at: number): Promise<boolean> => (await file.read(Buffer.alloc(bytes.length), 0, bytes.length, at)).buffer.equals(bytes);
    return await is(start, 0) && (await is(end, size - end.length) || (size > sizeBytes && sizeBytes > end.length && await is(end, sizeBytes - end.length)));
  } finally {
    await file.close();
  }
}
