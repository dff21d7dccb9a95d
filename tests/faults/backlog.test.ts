// A backlog of thousands with the longest prompts is made, listed, found again and cancelled: what is held, told and written of it does not hang on its texts.
import { execFile } from 'node:child_process';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Libsql from 'libsql';
import { expect, it, onTestFinished } from 'vitest';
import { createStudio } from '../../main/services/studio';
import { JobFields } from '../../preload/contract/job';
import { bundleProgram } from '../support/bundle-program';
import { tempFolder } from '../support/pictures';
import { fakeWorker } from '../support/queue';

const MB = 1e6, REQUESTS = 24, JOBS = 64 * REQUESTS, longest = JobFields.shape.prompt.maxLength!;
/** Of a process that holds no text: all of them are six times as much. */
const HEAP_MB = 64;

async function run(dataDir: string, ...args: string[]): Promise<Record<string, number>> {
  const { program, folder } = await bundleProgram('tests/support/backlog-child.ts');
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { stdout } = await promisify(execFile)(process.execPath, [`--max-old-space-size=${HEAP_MB}`, program, dataDir, fakeWorker, ...args]);
  return JSON.parse(stdout) as Record<string, number>;
}

it('of the longest prompts', { timeout: 300_000 }, async () => {
  const root = await tempFolder();
  const filled = await run(root, 'fill', String(REQUESTS));
  expect((await stat(join(root, 'atelier.db'))).size).toBeGreaterThan(JOBS * longest);
  expect(filled).toMatchObject({ total: JOBS, next: 200 });
  expect(JOBS - filled.waiting!, 'being made').toBeLessThan(3);
  const again = await run(root, 'look');
  expect(again).toMatchObject({ total: JOBS, prompt: longest, start: 'slow 0 жжж' });
  for (const { first, page, shown = 0 } of [filled, again]) {
    expect(first, 'bytes that a page hears first').toBeLessThan(0.5 * MB);
    expect(page, 'bytes of a page of the list').toBeLessThan(0.5 * MB);
    expect(shown).toBeLessThan(110);
  }
  const ended = await run(root, 'end');
  expect(ended).toMatchObject({ seen: JOBS, stretch: 10, waiting: 0 });
  expect(ended.written, 'bytes written to cancel them').toBeLessThan(20 * MB);

  const studio = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume: true });
  onTestFinished(() => studio.close());
  expect(studio.queue.list()).toEqual([]);
});

it('whose texts are lost is told as what it is, and never made with a part of its prompt', async () => {
  const root = await tempFolder();
  await run(root, 'fill', '1');
  const db = new Libsql(join(root, 'atelier.db'));
  db.exec('DELETE FROM job_texts');
  db.close();
  const studio = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume: true });
  onTestFinished(() => studio.close());
  expect(studio.queue.list()).toEqual([]);
  const { value } = await studio.queue.events(new AbortController().signal)[Symbol.asyncIterator]().next() as { value: { unreadable: { why: object }[]; unreadableCount: number } };
  expect(value).toMatchObject({ type: 'snapshot', unreadableCount: 64 });
  expect(value.unreadable[0]!.why).toEqual({ kind: 'damaged', field: 'texts_lost' });
  await studio.queue.cancelMany({ which: 'unreadable' });
  const after = await studio.queue.events(new AbortController().signal)[Symbol.asyncIterator]().next() as { value: object };
  expect(after.value).toMatchObject({ unreadableCount: 0 });
});
