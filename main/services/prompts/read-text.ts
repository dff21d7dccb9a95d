// Text files that people keep, in the encodings that editors have written.
import { AppError, detailOf } from '../../engine/errors';
import { fixC1 } from '../../engine/text/charmaps';
import { NotAPlainFile, readPlain } from '../../files/plain-file';
import { throwIfPassing } from '../../files/system-faults';

/** Larger ones are no lists that people keep. */
const MOST_BYTES = 64 << 20;

/**
 * UTF-8 or UTF-16 with its mark; what is no UTF-8 is taken for Windows-1252. The mark is left out. null when it is not there. `folder`: where links must
 * not lead out of. Throws text.unreadable, also above `mostBytes`; disk.silent, machine.exhausted.
 */
export async function readText(path: string, folder: string, mostBytes = MOST_BYTES): Promise<string | null> {
  try {
    return decode(await readPlain(path, { within: folder, mostBytes }));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throwIfPassing(cause, path);
    throw new AppError('text.unreadable', { why: cause instanceof NotAPlainFile ? 'notPlain' : 'permission', file: path, detail: detailOf(cause) }, { cause });
  }
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return fixC1(Buffer.from(bytes).toString('latin1'));      // TextDecoder's windows-1252 is Latin-1 in Node 20
  }
}
