// A library on a small drive of its own, which is filled to the last byte; then its pictures are removed. For full-drive.test.ts.
//   node full-drive-child.mjs DATA_DIR reserve | bare | otherTrash | cancel
import { closeSync, mkdirSync, openSync, readdirSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDataFolder } from '../../main/services/data/data-folder';
import { openDatabase } from '../../main/services/database/database';
import { Library } from '../../main/services/library/library';
import { JobSpec } from '../../preload/contract/job';

const [root = '', kind = ''] = process.argv.slice(2);
const folder = await openDataFolder(root), database = openDatabase(folder.database);
const library = new Library(folder, database.pictures, { thumbnail: async () => { throw new Error('nobody asks for one'); } }, '1.2.3');
const free = (of = root): number => { const { bavail, bsize } = statfsSync(of); return bavail * bsize; };

/** To the last byte, as whatever else uses the drive may do. */
function fill(where: string): void {
  mkdirSync(join(where, 'else'), { recursive: true });
  const file = openSync(join(where, 'else', 'file'), 'w');
  for (let bytes = 1 << 20; bytes > 0;) {
    try { writeSync(file, Buffer.alloc(bytes, 1)); } catch { bytes >>= 1; }
  }
  closeSync(file);
}

const job = (seed: number) => JobSpec.parse({ kind: 'txt2img', files: { model: { name: 'mini', hash: null } }, prompt: 'a house '.repeat(2000), seed, steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 128, height: 128 });
const ids: string[] = [];
for (let seed = 1; seed <= 6; seed++) ids.push((await library.save({ width: 128, height: 128, rgb: Uint8Array.from({ length: 128 * 128 * 3 }, (_, i) => (i * i * seed) >> 5) }, job(seed), 1)).id);
if (kind === 'reserve' || kind === 'cancel') await library.reserve.lay();
const waiting = Array.from({ length: 50 }, (_, i) => ({ id: String(i), batch: { id: 'b', index: 0, size: 1 }, spec: job(1), fileIds: { model: 'm' }, state: 'queued' as const, attempt: 0, error: null, pictureId: null, createdAt: 1, startedAt: null, endedAt: null }));
database.jobs.insertMany(waiting);
// Nothing of what is written from now on is in room that the database has already.
database.close();
const again = openDatabase(folder.database), full = new Library(folder, again.pictures, { thumbnail: async () => { throw new Error('nobody asks for one'); } }, '1.2.3');
if (kind === 'otherTrash') fill(folder.trash);
fill(root);

const said: unknown[] = [];
if (kind === 'cancel') full.reserve.use(() => again.jobs.cancelMany(waiting.map(({ id }) => id), 2));
else for (const id of ids.slice(0, 4)) said.push(await full.remove(id).catch((error: { code?: string; message?: string }) => error.code ?? error.message));
console.log(JSON.stringify({ said, left: again.pictures.count(), waiting: again.jobs.listUnfinished().jobs.length, freed: free(), trash: readdirSync(folder.trash).filter((name) => name.endsWith('.png')).length, reserve: readdirSync(root).includes('reserve') }));
again.close();
