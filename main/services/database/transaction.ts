// All of `work` or none of it.
import type { Database } from 'libsql';

/** Not libsql's own `transaction`: on a full disk SQLite rolls back by itself, and libsql then hides why behind a ROLLBACK that fails. */
export const transaction = <Args extends unknown[], Result>(db: Database, work: (...args: Args) => Result) => (...args: Args): Result => {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work(...args);
    db.exec('COMMIT');
    return result;
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
};
