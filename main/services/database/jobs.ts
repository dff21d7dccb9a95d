// The queue's jobs: stored before they are acknowledged, and every change of state as it happens. Long texts lie in a table of their own, so that a
// list of jobs, and a change of one, costs the same whatever their prompts are.
import type { Database } from 'libsql';
import { z } from 'zod';
import { StoredError } from '../../../preload/contract/errors';
import { AnyJob, JobFields, JobState, SlotIds } from '../../../preload/contract/job';
import { AppError } from '../../engine/errors';
import { briefOf, cut } from '../queue/brief';
import type { BriefJob, JobStore, StoredJob } from '../queue/job-list';
import { apart, json, parseRow, type Parsed } from './rows';
import { transaction } from './transaction';

/** Those that are longer than a title are cut in `spec`, and lie whole in `job_texts`. */
const Texts = JobFields.pick({ prompt: true, negative: true, template: true });
type Texts = z.infer<typeof Texts>;

const index = z.int().min(0), time = z.number();
const Job = z.object({
  id: z.string(), batch_id: z.string(), batch_index: index, batch_size: index, spec: json(AnyJob), file_ids: json(SlotIds), state: JobState, attempt: z.int(),
  error: json(StoredError).nullable(), picture_id: z.string().nullable(), created_at: time, started_at: time.nullable(), ended_at: time.nullable(),
  texts: json(Texts).nullable(), texts_lost: z.literal(0),
}).transform((row): StoredJob => ({
  id: row.id, batch: { id: row.batch_id, index: row.batch_index, size: row.batch_size }, spec: { ...row.spec, ...row.texts }, fileIds: row.file_ids, state: row.state, attempt: row.attempt,
  error: row.error, pictureId: row.picture_id, createdAt: row.created_at, startedAt: row.started_at, endedAt: row.ended_at,
}));
interface Row { id: string; created_at: number; spec: string }
const parse = (row: unknown): Parsed<StoredJob> => parseRow(Job, row as Row, 'spec');

const whole = 'SELECT jobs.*, texts, has_texts AND texts IS NULL AS texts_lost FROM jobs LEFT JOIN job_texts USING (id)';
/** The texts are looked for, and not read. */
const light = 'SELECT jobs.*, NULL AS texts, has_texts AND job_texts.id IS NULL AS texts_lost FROM jobs LEFT JOIN job_texts USING (id)';
const columns = { spec: 'spec', fileIds: 'file_ids', state: 'state', attempt: 'attempt', error: 'error', pictureId: 'picture_id', createdAt: 'created_at', startedAt: 'started_at', endedAt: 'ended_at' } as const;
const hasEnded = "state IN ('done', 'failed', 'cancelled')";
const fields = Object.keys(columns) as (keyof typeof columns)[];

interface Ended {
  /** The newest stay. */
  readonly keep: number;
  /** Those that failed stay until then, in ms since 1970. */
  readonly failedBefore: number;
  /** At once. */
  readonly most: number;
}

export function jobStore(db: Database): JobStore & { recent(limit: number): StoredJob[]; dropEnded(ended: Ended): number } {
  const insert = db.prepare(`INSERT INTO jobs (id, batch_id, batch_index, batch_size, has_texts, ${Object.values(columns).join(', ')}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertTexts = db.prepare('INSERT INTO job_texts (id, texts) VALUES (?, ?)');
  const byId = db.prepare(`${whole} WHERE id = ?`);
  // A state that only a newer Atelier knows is no end. The index alone tells which they are.
  const unfinished = db.prepare(`SELECT seq FROM jobs WHERE NOT ${hasEnded} ORDER BY seq`);
  const bySeq = db.prepare(`${light} WHERE seq = ?`);
  const recent = db.prepare(`${whole} ORDER BY seq DESC LIMIT ?`);
  const ended = db.prepare(`SELECT id FROM jobs WHERE ${hasEnded} AND seq < (SELECT min(seq) FROM (SELECT seq FROM jobs WHERE ${hasEnded} ORDER BY seq DESC LIMIT ?))
    AND (state <> 'failed' OR ifnull(ended_at, 0) < ?) LIMIT ?`);
  const drop = ['jobs', 'job_texts'].map((table) => db.prepare(`DELETE FROM ${table} WHERE id = ?`));
  const cancel = db.prepare("UPDATE jobs SET state = 'cancelled', ended_at = ? WHERE id = ?");

  return {
    /** All of them or none. */
    insertMany: transaction(db, (jobs: readonly StoredJob[]): void => {
      for (const job of jobs) {
        const texts = longTexts(job.spec);
        insert.run(job.id, job.batch.id, job.batch.index, job.batch.size, texts ? 1 : 0, ...valuesOf(job, fields));
        if (texts) insertTexts.run(job.id, JSON.stringify(texts));
      }
    }),
    update(id, patch) {
      const names = fields.filter((name) => name in patch);
      db.prepare(`UPDATE jobs SET ${names.map((name) => `${columns[name]} = ?`).join(', ')} WHERE id = ?`).run(...valuesOf(patch, names), id);
    },
    get(id) {
      const row = byId.get(id), parsed = row === undefined ? null : parse(row);
      if (parsed && 'unreadable' in parsed) throw new AppError('job.unreadable', { why: parsed.unreadable.why.kind, id });
      return parsed && parsed.record;
    },
    listUnfinished() {
      // One at a time: those of earlier versions have their texts in them.
      const parsed = (unfinished.all() as { seq: number }[]).map(({ seq }) => briefly(parse(bySeq.get(seq))));
      const { records, unreadable } = apart(parsed);
      return { jobs: records, unreadable };
    },
    cancelMany: transaction(db, (ids: readonly string[], at: number): void => { for (const id of ids) cancel.run(at, id); }),
    /** Forgets jobs that have ended, the oldest first. Returns how many. */
    dropEnded: transaction(db, ({ keep, failedBefore, most }: Ended): number => {
      const ids = ended.all(keep, failedBefore, most) as { id: string }[];
      for (const { id } of ids) for (const statement of drop) statement.run(id);
      return ids.length;
    }),
    /** Newest first, whatever became of them. */
    recent: (limit) => apart(recent.all(limit).map(parse)).records,
  };
}

function briefly(parsed: Parsed<StoredJob>): Parsed<BriefJob> {
  if ('unreadable' in parsed) return parsed;
  const { spec, ...rest } = parsed.record;
  return { record: { ...rest, ...briefOf(spec) } };
}

/** null where all are short. */
function longTexts(job: AnyJob): Texts | null {
  if (job.kind === 'upscale') return null;
  const { prompt, negative, template } = job;
  const all = [prompt, negative, template?.prompt ?? '', template?.negative ?? ''];
  return all.every((text) => cut(text) === text) ? null : { prompt, negative, ...(template && { template }) };
}

const withoutLong = (spec: AnyJob): AnyJob => (spec.kind === 'upscale' || longTexts(spec) === null ? spec : { ...spec, prompt: cut(spec.prompt), negative: cut(spec.negative), template: undefined });

const valuesOf = (job: Partial<StoredJob>, names: typeof fields): unknown[] => names.map((name) => {
  const value = job[name] ?? null;
  return typeof value === 'object' && value !== null ? JSON.stringify(name === 'spec' ? withoutLong(value as AnyJob) : value) : value;
});
