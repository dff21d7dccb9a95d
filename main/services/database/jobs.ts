// The queue's jobs: stored before they are acknowledged, and every change of state as it happens.
import type { Database } from 'libsql';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { JobSpec, type JobState } from '../../../preload/contract/job';
import type { JobStore, StoredJob } from '../queue/job-list';
import { transaction } from './transaction';

interface Row {
  id: string; batch_id: string; batch_index: number; batch_size: number; spec: string; file_ids: string; state: string; attempt: number;
  error: string | null; picture_id: string | null; created_at: number; started_at: number | null; ended_at: number | null;
}

export function jobStore(db: Database): JobStore & { recent(limit: number): StoredJob[] } {
  const insert = db.prepare(`INSERT INTO jobs (id, batch_id, batch_index, batch_size, spec, file_ids, state, attempt, error, picture_id,
    created_at, started_at, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const byId = db.prepare('SELECT * FROM jobs WHERE id = ?');
  const update = db.prepare(`UPDATE jobs SET spec = ?, file_ids = ?, state = ?, attempt = ?, error = ?, picture_id = ?, created_at = ?,
    started_at = ?, ended_at = ? WHERE id = ?`);
  const unfinished = db.prepare("SELECT * FROM jobs WHERE state IN ('queued', 'loading', 'running', 'decoding', 'saving') ORDER BY seq");
  const recent = db.prepare('SELECT * FROM jobs ORDER BY seq DESC LIMIT ?');

  return {
    /** All of them or none. */
    insertMany: transaction(db, (jobs: readonly StoredJob[]): void => {
      for (const job of jobs) insert.run(job.id, job.batch.id, job.batch.index, job.batch.size, ...own(job));
    }),
    update: transaction(db, (id: string, patch: Partial<StoredJob>): void => {
      const row = byId.get(id) as Row | undefined;
      if (row) update.run(...own({ ...fromRow(row), ...patch }), id);
    }),
    listUnfinished: () => (unfinished.all() as Row[]).map(fromRow),
    /** Newest first, whatever became of them. */
    recent: (limit) => (recent.all(limit) as Row[]).map(fromRow),
  };
}

/** What may change, in the order of both statements. The batch never does. */
const own = ({ spec, fileIds, state, attempt, error, pictureId, createdAt, startedAt, endedAt }: StoredJob) =>
  [JSON.stringify(spec), JSON.stringify(fileIds), state, attempt, error && JSON.stringify(error), pictureId, createdAt, startedAt, endedAt];

const fromRow = (row: Row): StoredJob => ({
  id: row.id, batch: { id: row.batch_id, index: row.batch_index, size: row.batch_size },
  spec: JobSpec.parse(JSON.parse(row.spec)), fileIds: JSON.parse(row.file_ids) as StoredJob['fileIds'],
  state: row.state as JobState, attempt: row.attempt,
  error: row.error === null ? null : JSON.parse(row.error) as ErrorInfo, pictureId: row.picture_id,
  createdAt: row.created_at, startedAt: row.started_at, endedAt: row.ended_at,
});
