// Wildcards and styles of many megabytes: they are read in a process that may die of them, and the studio goes on answering.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { openPromptFiles } from '../../main/services/prompts/prompt-files';
import { PromptReader } from '../../main/services/prompts/reader/reader';
import { createStudio } from '../../main/services/studio';
import { JobRequest } from '../../preload/contract/job';
import { expectBounded } from '../support/growth';
import { memoryLog } from '../support/log';
import { job, tempFolder } from '../support/pictures';
import { fakeWorker } from '../support/queue';
import { refusalOf } from '../support/words';

const real = join(import.meta.dirname, '../../out/main/prompts.js');
const readers: PromptReader[] = [];
const open = (dataDir: string, limits?: ConstructorParameters<typeof PromptReader>[3]): PromptReader => {
  const reader = new PromptReader(real, dataDir, memoryLog(), limits);
  readers.push(reader);
  return reader;
};
afterEach(() => Promise.all(readers.splice(0).map((reader) => reader.close())));

/** The worst that YAML knows: short lines. */
const yaml = (bytes: number): string => `colour:\n${'  - a b\n'.repeat(bytes / 8)}`;
async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await tempFolder();
  await mkdir(join(root, 'wildcards'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(root, name), text);
  return root;
}
const asked = job({ prompt: 'a __colour__ house' });

describe('the process that reads texts', () => {
  it('answers as this one would', async () => {
    const root = await folderWith({ 'wildcards/a.yaml': 'colour: [red, blue]', 'styles.csv': 'name,prompt,negative_prompt\nFilm,"film, {prompt}",blurry\n' }), reader = open(root), here = openPromptFiles(root);
    for (let seed = 0; seed < 5; seed++) expect(await reader.prepare({ ...asked, seed }, ['Film'])).toEqual(await here.prepare({ ...asked, seed }, ['Film']));
    expect(await reader.styles()).toEqual(await here.styles());
    await expect(reader.prepare(asked, ['Other'])).rejects.toMatchObject({ code: 'style.notFound', data: { name: 'Other' } });
  });

  it('is not started for prompts that need no file', async () => {
    const reader = open(await tempFolder());
    expect(await reader.prepare(job())).toEqual({ job: job(), notices: [] });
    expect((await reader.prepare(job({ prompt: 'a {red|blue} house' }))).job.prompt).toMatch(/^a (?:red|blue) house$/);
    expect(reader.pid).toBeUndefined();
  });

  it('costs this one the same, however large the files are', async () => {
    const roots = new Map<number, string>();
    for (const size of [2 ** 17, 2 ** 20]) roots.set(size, await folderWith({ 'wildcards/a.yaml': yaml(size), 'styles.csv': 'name,prompt\na,b\n'.padEnd(size, 'x') }));
    await expectBounded(async (size) => {
      const reader = open(roots.get(size)!);
      await reader.prepare(asked);
      await reader.styles();
      await reader.close();
    }, 2 ** 17, 'a file of wildcards and one of styles');
  });

  it('that runs out of memory or time names the folder, and another is started for the next', async () => {
    const root = await folderWith({ 'wildcards/a.yaml': yaml(7 << 20) });
    expect(await refusalOf(open(root, { heapMb: 200 }).prepare(asked))).toMatchObject({ code: 'prompts.unreadable', message: expect.stringContaining('wildcards'), hint: expect.stringContaining('smaller') });
    const hurried = open(root, { mostSeconds: 1 });
    await expect(hurried.prepare(asked)).rejects.toMatchObject({ code: 'prompts.unreadable', data: { why: 'late', seconds: 1 } });
    expect(await hurried.styles()).toEqual([]);
  });
});

describe('a bound on what is read', () => {
  it.each([['a.yaml', 8], ['a.json', 32]])('of wildcards (%s, %s MB) is said', async (name, most) => {
    const root = await folderWith({ [`wildcards/${name}`]: ' '.repeat((most << 20) + 1), 'wildcards/colour.txt': 'red' });
    const { job: made, notices } = await open(root).prepare(asked);
    expect(made.prompt).toBe('a red house');
    expect(notices).toEqual([{ code: 'wildcard.tooLarge', data: { file: name, most: most << 20 } }]);
  });

  it.each([['of one table', { 'styles.csv': `name,prompt\na,${'x'.repeat(9 << 20)}` }, 'notPlain'], ['of their number', { 'styles.csv': `name,prompt\n${Array.from({ length: 20_001 }, (_, i) => `s${i},x\n`).join('')}` }, 'long']])('of styles, %s, is said', async (_, files, why) => {
    await expect(open(await folderWith(files)).styles()).rejects.toMatchObject({ code: 'text.unreadable', data: { why, file: expect.stringContaining('styles.csv') } });
  });
});

it('a job whose wildcards are long to read holds up no other', async () => {
  const dataDir = await folderWith({ 'wildcards/a.yaml': yaml(3 << 20) }), studio = await createStudio({ dataDir, workerEntry: fakeWorker });
  onTestFinished(() => studio.close());
  const [model] = await studio.models.list();
  const ask = (prompt: string) => studio.queue.enqueue(JobRequest.parse({ files: { model: model!.id }, prompt, steps: 1, sampler: 'euler', schedule: 'normal', cfg: 1, width: 64, height: 64 }));
  let answered = 0, isOver = false;
  const slow = ask('a __colour__ house').finally(() => { isOver = true; });
  while (!isOver) {
    await studio.machine();
    await nextTurn();
    answered++;
  }
  expect((await slow)[0]!.title).toBe('a a b house');
  expect(answered).toBeGreaterThan(50);
});
