// What a write leaves when its process is killed goes at the next write to the same folder, wherever that is; what somebody alive is writing never does.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { prepareOut } from '../../main/cli/save-copy';
import { writeAtomic } from '../../main/services/data/disk';
import { bundleProgram } from '../support/bundle-program';
import { tempFolder } from '../support/pictures';

let program = '', folder = '';
beforeAll(async () => { ({ program, folder } = await bundleProgram('tests/support/writing-child.ts')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

async function writing(target: string): Promise<{ child: ChildProcess; temp: string }> {
  const child = spawn(process.execPath, [program, join(target, 'merged.safetensors')], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => { child.kill('SIGKILL'); });
  await once(child.stdout, 'data');
  const [temp] = await readdir(target);
  return { child, temp: temp! };
}
async function end(child: ChildProcess, how: 'kill' | 'exit'): Promise<void> {
  const exited = once(child, 'exit');
  if (how === 'kill') child.kill('SIGKILL');
  else child.stdin!.write('exit');
  await exited;
}
/** Not written to for an hour. */
const quiet = (path: string) => utimes(path, new Date(Date.now() - 3_600_000), new Date(Date.now() - 3_600_000));

it('a write that is killed leaves its file until the next one, which takes it away', async () => {
  const target = await tempFolder(), { child, temp } = await writing(target);
  expect(temp).toMatch(/^\.atelier-.*\.tmp$/);
  await end(child, 'kill');
  expect(await readdir(target)).toEqual([temp]);
  await quiet(join(target, temp));
  await writeAtomic(join(target, 'other.safetensors'), Buffer.from('x'));
  expect(await readdir(target)).toEqual(['other.safetensors']);
});

it('so does the copy that a terminal makes', async () => {
  const target = await tempFolder(), picture = join(await tempFolder(), 'a.png'), { child, temp } = await writing(target);
  await end(child, 'kill');
  await quiet(join(target, temp));
  await writeFile(picture, 'pixels');
  await (await prepareOut(join(target, 'b.png'), 1))(picture, 0);
  expect(await readdir(target)).toEqual(['b.png']);
});

it('a write that is ended in a hurry takes its file with it', async () => {
  const target = await tempFolder(), { child } = await writing(target);
  await end(child, 'exit');
  expect(await readdir(target)).toEqual([]);
});

it('a write of somebody alive stays, however long nothing came; and one of another machine that came just now', async () => {
  const target = await tempFolder(), { child, temp } = await writing(target);
  child.kill('SIGSTOP');
  await quiet(join(target, temp));
  await writeFile(join(target, '.atelier-4000000-s1-1.tmp'), 'x');
  await writeAtomic(join(target, 'a.txt'), Buffer.from('x'));
  expect(await readdir(target)).toEqual(['.atelier-4000000-s1-1.tmp', temp, 'a.txt'].sort());
});

it.skipIf(process.platform !== 'linux')('a process that has the number of a dead writer does not keep its file (needs /proc)', async () => {
  const target = await tempFolder(), temp = join(target, `.atelier-${process.ppid}-s1-1.tmp`);
  await writeFile(temp, 'x');
  await quiet(temp);
  await writeAtomic(join(target, 'a.txt'), Buffer.from('x'));
  expect(await readdir(target)).toEqual(['a.txt']);
});
