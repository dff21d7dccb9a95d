// Opens the database of a folder that other processes may be opening at the same moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '../../engine/errors';
import type { Session } from '../data/sole-user';
import { openDatabase, type Database } from './database';

const TURN_TRIES = 40, TURN_MS = 250;

/** Only the first in the folder mends a damaged database; who comes while it does waits for that. Throws what `openDatabase` throws. */
export async function openInTurn(path: string, session: Pick<Session, 'isFirst'>): Promise<Database> {
  for (let tries = 1; ; tries++) {
    const alone = session.isFirst();
    try {
      return openDatabase(path, { alone });
    } catch (error) {
      if (alone || tries === TURN_TRIES || toAppError(error).code !== 'database.damaged') throw error;
      await sleep(TURN_MS);
    }
  }
}
