// A process that saves pictures and is killed by itself at the k-th thing that it does to the disk. Bundled and run by library-crash.test.ts.
//   node library-child.mjs DATA_DIR K     K = 0: never, and it ends by printing how many things it did. K < 0: saves on and on until it is killed
import fs from 'node:fs/promises';
import Libsql from 'libsql';
import { openDataFolder } from '../../main/services/data/data-folder';
import { openDatabase } from '../../main/services/database/database';
import { Library } from '../../main/services/library/library';
import { JobSpec } from '../../preload/contract/job';

const [root = '', k = '0'] = process.argv.slice(2), killAt = Number(k);
let armed = false, count = 0;

/** Dies here when it is this one's turn. `half` runs first: what a crash in the middle would have done. */
async function maybeDie(half?: () => Promise<unknown>): Promise<void> {
  if (!armed || ++count !== killAt) return;
  await half?.();
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
}

for (const name of ['mkdir', 'link', 'rename', 'rm'] as const) {
  const real = fs[name] as (...args: unknown[]) => Promise<unknown>;
  Object.assign(fs, { [name]: async (...args: unknown[]) => { await maybeDie(); const result = await real(...args); await maybeDie(); return result; } });
}
const { open } = fs;
fs.open = async (...args: Parameters<typeof open>) => {
  await maybeDie();
  const handle = await open(...args), { writeFile, sync } = handle;
  handle.writeFile = async (data) => {
    const bytes = data as Uint8Array;
    await maybeDie(() => writeFile.call(handle, bytes.subarray(0, bytes.length / 2)));
    await writeFile.call(handle, bytes);
  };
  handle.sync = async () => { await maybeDie(); await sync.call(handle); };
  return handle;
};
const { prepare } = Libsql.prototype;
Libsql.prototype.prepare = function prepareOrDie(this: Libsql.Database, sql: string) {
  const statement = prepare.call(this, sql), run = statement.run.bind(statement);
  const dieNow = () => { if (armed && ++count === killAt) process.kill(process.pid, 'SIGKILL'); };
  statement.run = (...args: unknown[][]) => { dieNow(); const result = run(...args as [unknown[]]); dieNow(); return result; };
  return statement;
} as typeof prepare;

const folder = await openDataFolder(root), database = openDatabase(folder.database), library = new Library(folder, database.pictures, { thumbnail: async () => { throw new Error('nobody asks for one'); } }, '1.2.3');
const pixels = (seed: number) => ({ width: 96, height: 96, rgb: Uint8Array.from({ length: 96 * 96 * 3 }, (_, i) => (i * 31 * seed) >> 3) });
const job = (seed: number) => JobSpec.parse({ kind: 'txt2img', model: { name: 'mini', hash: null }, prompt: 'a house', seed, steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 96, height: 96 });
const save = async (seed: number) => { const { id } = await library.save(pixels(seed), job(seed), 1); console.log(`saved ${id}`); };

if (killAt < 0) {
  for (let seed = 1; ; seed += 3) {
    await Promise.all([save(seed), save(seed + 1), save(seed + 2)]);
    if (seed % 2 === 1) continue;
    const { id } = (await library.page({ before: null, limit: 1 })).pictures[0]!;
    await library.remove(id);
    console.log(`removed ${id}`);
  }
}
await save(1);
armed = true;
await save(2);
console.log(`did ${count}`);
database.close();
