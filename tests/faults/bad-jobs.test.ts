// Bad input at the moment that somebody uses it: each ends with a clear error that names the file and says what to do, and the next job runs.
import { copyFile, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobRequest } from '../../preload/contract/job';
import { openWeightFile } from '../../main/files/weight-file';
import { demoJob, demoPath, paint } from '../support/demo';
import { refusalOf, wordsFor } from '../support/words';

let folder: string;
beforeAll(async () => { folder = await mkdtemp(join(tmpdir(), 'atelier-bad-')); });
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The demo checkpoint under another name, damaged. */
async function damaged(name: string, damage: (path: string) => Promise<void>): Promise<string> {
  const path = join(folder, name);
  await copyFile(demoPath, path);
  await damage(path);
  return path;
}
const job = demoJob({ steps: 2 });
const failing = (modelPath: string) => paint(job, { modelPath }).then(() => { throw new Error('it made a picture'); }, wordsFor);

describe('a model that', () => {
  it('was not downloaded to its end is named, with what to do', async () => {
    const path = await damaged('half.safetensors', (file) => truncate(file, 9_000_000));
    expect(await failing(path)).toMatchObject({ code: 'weights.truncated', message: expect.stringContaining('half.safetensors'), hint: expect.stringContaining('again') });
  });

  it('holds NaN is found out by its answer, and the broken tensor is named', async () => {
    const tensor = 'model.diffusion_model.middle_block.0.in_layers.2.weight';
    const { offset } = (await openWeightFile(demoPath)).tensors.get(tensor)!;
    const path = await damaged('nan.safetensors', async (file) => {
      const handle = await open(file, 'r+');
      await handle.write(Uint8Array.of(0x00, 0x7e), 0, 2, offset + 20);                   // a half-precision NaN, little-endian
      await handle.close();
    });
    expect(await failing(path)).toMatchObject({
      code: 'weights.notFinite', message: expect.stringMatching(/nan\.safetensors.*middle_block\.0\.in_layers\.2\.weight/), data: { index: 10 }, hint: expect.any(String),
    });
  });

  it('is no model at all, or is not there', async () => {
    const path = join(folder, 'page.safetensors');
    await writeFile(path, '<!doctype html><title>404</title>');
    expect(await failing(path)).toMatchObject({ message: expect.stringContaining('page.safetensors'), hint: expect.any(String) });
    expect(await failing(join(folder, 'gone.safetensors'))).toMatchObject({ code: 'file.notFound', message: expect.stringContaining('gone.safetensors') });
  });

  it('was replaced by another file between two jobs is read anew', async () => {
    const path = await damaged('mine.safetensors', () => Promise.resolve());
    await paint(job, { modelPath: path });
    await truncate(path, 1_000_000);
    expect(await failing(path)).toMatchObject({ code: 'weights.truncated' });
  });
});

it('a picture to start from that is none is named, and nothing else is lost', async () => {
  const path = join(folder, 'notes.png');
  await writeFile(path, 'not a picture');
  const run = paint(demoJob({ kind: 'img2img', init: '0'.repeat(64), strength: 0.5 }), { initPath: path });
  expect(await refusalOf(run)).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('notes.png'), hint: expect.any(String) });
  expect((await paint(job)).width).toBe(128);
});

it.each([
  ['width', { width: 100 }], ['height', { height: 8192 }], ['steps', { steps: 0 }], ['cfg', { cfg: -1 }], ['sampler', { sampler: 'magic' }], ['strength', { strength: 1.5 }], ['count', { count: 1000 }],
])('a request with a wrong %s is refused by that name', (field, patch) => {
  const request = { model: 'm', prompt: 'a cat', steps: 20, sampler: 'euler', schedule: 'normal', cfg: 7, width: 512, height: 512, ...patch };
  const { success, error } = JobRequest.safeParse(request);
  expect(success).toBe(false);
  expect(error?.issues[0]?.path).toEqual([field]);
});
