// Listens on the port that was asked for, or on the next free one when none was.
import { AppError } from '../engine/errors';

export const DEFAULT_PORT = 7870;
const TRIES = 20;

/**
 * `listen(port)` for the first port that is free. An explicit port is taken or refused: throws port.inUse.
 * Without one, ports above the default are tried in turn.
 */
export async function listenOnFree<T>(explicit: number | null, listen: (port: number) => Promise<T>): Promise<T> {
  for (let port = explicit ?? DEFAULT_PORT; ; port++) {
    try {
      return await listen(port);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      if (explicit !== null || port >= DEFAULT_PORT + TRIES) {
        throw new AppError('port.inUse', { port }, { cause: error });
      }
    }
  }
}
