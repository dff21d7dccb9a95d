// The language that somebody chose in the window, for those who speak without one.
import { join } from 'node:path';
import { readPlain } from '../../files/plain-file';

const MOST_BYTES = 8 << 20;

/** English where nothing, or nothing that can be read, is chosen. */
export async function languageIn(dataDir: string): Promise<string> {
  try {
    const { language } = JSON.parse((await readPlain(join(dataDir, 'settings.json'), { mostBytes: MOST_BYTES })).toString('utf8')) as { language?: unknown };
    return typeof language === 'string' ? language : 'en';
  } catch {
    return 'en';
  }
}
