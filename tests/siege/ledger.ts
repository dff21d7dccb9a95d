// What a studio has promised, and whether it has kept it: looked at after each round, when the studio is closed, in its files and its database.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { wholePngSize } from '../../main/files/png-chunks';
import { readPicture } from '../../main/services/pictures/metadata';

/** 'made': once, with a picture. 'ended': in whatever way, with at most one. */
export type Promised = 'made' | 'ended';

/** A job's row. */
interface Row { id: string; state: string; picture: string | null }

export class Ledger {
  private readonly promised = new Map<string, Promised>();
  private readonly ended = new Set<string>();

  /** A job that was acknowledged. */
  promise(id: string, how: Promised): void { this.promised.set(id, how); }

  /** How many of what was promised has not ended. `endedAt`: null for a job that has not, undefined for one that is gone with its database. */
  async unended(endedAt: (id: string) => Promise<number | null | undefined>): Promise<number> {
    for (const id of this.promised.keys()) if (!this.ended.has(id) && await endedAt(id) !== null) this.ended.add(id);
    return this.promised.size - this.ended.size;
  }

  /** What is not as it should be, of a closed data folder. */
  faultsIn(dataDir: string): string[] {
    const faults: string[] = [];
    const db = new Libsql(join(dataDir, 'atelier.db'));
    const sound = (db.prepare('PRAGMA integrity_check(1)').get() as { integrity_check: string }).integrity_check;
    if (sound !== 'ok') faults.push(`half: the database: ${sound}`);
    const jobs = new Map((db.prepare('SELECT id, state, picture_id AS picture FROM jobs').all() as Row[]).map((row) => [row.id, row]));
    const records = db.prepare('SELECT id, file FROM pictures').all() as { id: string; file: string }[];
    db.close();

    const files = filesIn(join(dataDir, 'pictures')).filter((file) => file.endsWith('.png') && !file.startsWith('dropped-')), byId = new Map<string, string[]>();
    for (const file of files) {
      const png = readFileSync(join(dataDir, 'pictures', file));
      if (!wholePngSize(png)) faults.push(`half: the picture ${file}`);
      const id = readPicture(png).own?.id;
      if (id !== undefined) byId.set(id, [...byId.get(id) ?? [], file]);
    }
    const recorded = new Set(records.map(({ file }) => file)), there = new Set(files);
    for (const { file } of records) if (!there.has(file)) faults.push(`lost: the file of the record ${file}`);
    for (const file of files) if (!recorded.has(file)) faults.push(`lost: the record of the file ${file}`);
    for (const file of filesIn(dataDir)) if (file.endsWith('.tmp')) faults.push(`half: ${file} was left`);

    for (const [id, how] of this.promised) {
      const made = byId.get(id)?.length ?? 0, job = jobs.get(id);
      if (made > 1) faults.push(`twice: the job ${id} has ${made} pictures`);
      if (how === 'made' && made === 0) faults.push(`lost: the job ${id} has no picture (${job?.state ?? 'no row'})`);
      if (job && !['done', 'failed', 'cancelled'].includes(job.state)) faults.push(`lost: the job ${id} is still ${job.state}`);
    }
    return faults;
  }
}

const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1).replaceAll('\\', '/'));
