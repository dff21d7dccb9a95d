// kill -9 at every single thing that saving a picture does to the disk, and at random moments: after a restart nothing is half, nothing is lost.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectSound, job, noise, openLibrary, tempFolder } from '../support/pictures';

const repository = join(import.meta.dirname, '../..');
let folder = '', program = '';
beforeAll(async () => {
  folder = await mkdtemp(join(repository, 'tests/.artifacts-library-'));      // inside, so that it finds the packages
  program = join(folder, 'child.mjs');
  await build({ entryPoints: [join(repository, 'tests/support/library-child.ts')], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: program });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs until it ends or has been killed. `killAfterMs`: from its first saved picture. */
async function run(root: string, killAt: number, killAfterMs?: number) {
  const child = spawn(process.execPath, [program, root, String(killAt)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (text) => { output += String(text); });
  const closed = once(child, 'close');
  if (killAfterMs !== undefined) {
    await once(child.stdout, 'data');
    await sleep(killAfterMs);
    child.kill('SIGKILL');
  }
  const [code, signal] = await closed as [number | null, string | null];
  const said = (word: string) => [...output.matchAll(new RegExp(`^${word} (\\S+)$`, 'gm'))].map(([, what]) => what!);
  return { code, signal, saved: said('saved'), removed: said('removed'), did: Number(said('did')[0]) };
}

describe('a process that is killed while it saves a picture', () => {
  it('leaves no half picture and no record without its file, whatever it was doing', async () => {
    const { did, code } = await run(await tempFolder(), 0);
    expect(code).toBe(0);
    expect(did).toBeGreaterThan(20);
    let adopted = 0, lost = 0;
    for (let k = 1; k <= did; k++) {
      const root = await tempFolder();
      const { signal, saved } = await run(root, k);
      expect(signal).toBe('SIGKILL');
      const open = await openLibrary(root);
      adopted += (await open.library.recover()).adopted;
      const ids = await expectSound(open);
      expect(ids, `killed at ${k}`).toEqual(expect.arrayContaining(saved));
      expect([1, 2]).toContain(ids.length);
      if (ids.length === 1) lost++;
      await open.library.save(noise(), job(), 1);      // and it goes on
      open.database.close();
    }
    console.log(`killed at each of ${did} steps: ${lost} times before the picture was there, ${adopted} times between its file and its record`);
    expect(adopted).toBeGreaterThan(0);
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(did);
  });

  it('loses nothing that it had acknowledged, over many lives on one data folder', async () => {
    const root = await tempFolder(), saved = new Set<string>();
    for (let life = 0; life < 8; life++) {
      const outcome = await run(root, -1, Math.random() * 300);
      expect(outcome.signal).toBe('SIGKILL');
      for (const id of outcome.saved) saved.add(id);
      for (const id of outcome.removed) saved.delete(id);
      const open = await openLibrary(root), ids = await expectSound(open);
      open.database.close();
      const missing = [...saved].filter((id) => !ids.includes(id));
      expect(missing.length, 'at most the one that it was removing').toBeLessThanOrEqual(1);
      for (const id of missing) saved.delete(id);
    }
    expect(saved.size).toBeGreaterThan(8);
    expect((await readFile(join(root, 'atelier.db'))).length).toBeGreaterThan(0);
  });
});
