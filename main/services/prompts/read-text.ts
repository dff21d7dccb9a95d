// Text files that people keep, in the encodings that editors have written.
import { readFile } from 'node:fs/promises';
import { AppError } from '../../engine/errors';

/** UTF-8 or UTF-16 with its mark; what is no UTF-8 is taken for Windows-1252. The mark is left out. null when it is not there. Throws file.unreadable. */
export async function readText(path: string): Promise<string | null> {
  try {
    return decode(await readFile(path));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError('file.unreadable', { message: `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, hint: 'Allow your user account to read this file.', data: { file: path }, cause });
  }
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
