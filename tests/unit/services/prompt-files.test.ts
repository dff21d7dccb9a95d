import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openPromptFiles, type OwnPromptFiles } from '../../../main/services/prompts/prompt-files';
import { demoJob } from '../../support/demo';
import { scratchFolder } from '../../support/checkpoints';
import { refusalOf } from '../../support/words';

let folder: string, files: OwnPromptFiles;
beforeEach(() => { folder = scratchFolder(); files = openPromptFiles(folder); });
const write = (name: string, text: string): void => { mkdirSync(dirname(join(folder, name)), { recursive: true }); writeFileSync(join(folder, name), text); };

test('a job keeps what was typed beside what came of it, and the same seed chooses the same', async () => {
  write('wildcards/a/b.txt', 'red\n# no\nblue\n');
  write('styles.csv', 'name,prompt,negative_prompt\nFilm,"film, {prompt}",blurry\n');
  const typed = demoJob({ prompt: 'a __a/b__ house', negative: 'ugly' });
  const { job, notices } = await files.prepare(typed, ['Film']);
  expect(job.prompt).toMatch(/^film, a (?:red|blue) house$/);
  expect(job).toMatchObject({ negative: 'ugly, blurry', template: { prompt: 'a __a/b__ house', negative: 'ugly' } });
  expect(notices).toEqual([]);
  expect((await files.prepare(typed, ['Film'])).job).toEqual(job);
  const colours = await Promise.all(Array.from({ length: 20 }, async (_, seed) => (await files.prepare({ ...typed, seed })).job.prompt));
  expect(new Set(colours).size).toBe(2);
});

test('a plain job stays as it is, with no folder at all', async () => {
  const job = demoJob();
  expect(await files.prepare(job)).toEqual({ job, notices: [] });
});

test('what is left out as a comment is said, and in ComfyUI\'s words there is none', async () => {
  write('styles.csv', 'name,prompt,negative_prompt\nFilm,"film, {prompt}",\n');
  const said = async (prompt: string, emphasis?: 'comfy') => (await files.prepare(demoJob({ prompt, negative: 'b # why', emphasis }), ['Film'])).notices;
  expect(await said('text "#python" in black')).toEqual([{ code: 'comment.leftOut', data: { text: 'python" in black / why' } }]);
  expect(await said('a "#1"', 'comfy')).toEqual([]);
  expect((await files.prepare(demoJob({ prompt: 'a \\#1 {b|b}' }))).job.prompt).toBe('a \\#1 b');
  expect((await files.prepare(demoJob({ prompt: 'a #1 {b|b}', emphasis: 'comfy' }), ['Film'])).job.prompt).toBe('film, a #1 b');
});

test('no wildcard leads out of the folder', async () => {
  write('secret.txt', 'secret');
  write('wildcards/x.txt', 'x');
  const { job, notices } = await files.prepare(demoJob({ prompt: '__../secret__ __*secret*__ __/x__' }));
  expect(job.prompt).not.toContain('secret\n');
  expect(job.prompt).toBe('__../secret__ __*secret*__ __/x__');
  expect(notices.map(({ code }) => code)).toEqual(['wildcard.missing']);
});

test('wildcards come from YAML with values for their variables; a file that cannot be read is told, and the picture is made', async () => {
  write('wildcards/pack.yaml', 'animals:\n  wild: ["${size:big} lion"]\n');
  write('wildcards/broken.yaml', 'a: "\n');
  const { job, notices } = await files.prepare(demoJob({ prompt: 'a __animals/wild(size=small)__' }));
  expect(job).toMatchObject({ prompt: 'a small lion', template: { prompt: 'a __animals/wild(size=small)__' } });
  expect(notices).toEqual([{ code: 'wildcard.unreadable', data: { file: 'broken.yaml', detail: expect.any(String) } }]);
  expect((await files.prepare(demoJob())).notices).toEqual([]);
});

test('a style that is not there is named; one that makes the prompt too long is refused', async () => {
  expect(await refusalOf(files.prepare(demoJob(), ['Nope']))).toMatchObject({ code: 'style.notFound', message: expect.stringContaining('“Nope”') });
  write('styles.csv', `name,prompt\nLong,"${'x, '.repeat(40_000)}"\n`);
  await expect(files.prepare(demoJob(), ['Long'])).rejects.toMatchObject({ code: 'job.longPrompt' });
});

test('styles are saved with a copy of what was there', async () => {
  const styles = [{ name: 'A', prompt: 'one,\n"two"', negative: '' }];
  await files.saveStyles(styles);
  await files.saveStyles([...styles, { name: 'B', prompt: 'b', negative: 'c' }]);
  expect((await files.styles()).map(({ name }) => name)).toEqual(['A', 'B']);
  expect(readFileSync(join(folder, 'styles.csv.bak'), 'utf8')).toContain('A,"one,');
  write('styles/mine.csv', 'name,prompt\nC,c\nB,other\n');
  expect(await files.styles()).toContainEqual({ name: 'B', prompt: 'other', negative: '' });
});

test('what files hold and no picture could keep does not come into a prompt', async () => {
  write('wildcards/odd.yaml', 'odd: ["a\\0b\\ud800c"]\n');
  expect((await files.prepare(demoJob({ prompt: '__odd__' }))).job.prompt).toBe('ab\ufffdc');
});
