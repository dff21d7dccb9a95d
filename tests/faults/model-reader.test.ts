// Model files that end the process that looks into them: it is said of which, the others are listed, and the studio's own process pays nothing.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { stampOf } from '../../main/files/stamp';
import { describeModel } from '../../main/services/models/describe';
import { builtInModel, Models } from '../../main/services/models/models';
import { ModelReader } from '../../main/services/models/reader/reader';
import { Settings } from '../../preload/contract/studio';
import { zeroFile } from '../support/checkpoints';
import { memoryLog } from '../support/log';
import { tempFolder } from '../support/pictures';
import { refusalOf } from '../support/words';

const real = join(import.meta.dirname, '../../out/main/models.js'), builtIn = builtInModel(join(import.meta.dirname, '../../resources'));
const readers: ModelReader[] = [];
const open = (entry: string, limits: ConstructorParameters<typeof ModelReader>[2] = {}): ModelReader => {
  const reader = new ModelReader(entry, memoryLog(), limits);
  readers.push(reader);
  return reader;
};
afterEach(() => Promise.all(readers.splice(0).map((reader) => reader.close())));

/** A pickle of as many dictionaries as are read before it is refused. */
const pickle = (steps: number): Buffer => Buffer.concat([Buffer.from([0x80, 2]), Buffer.alloc(steps, '}'), Buffer.from('.')]);

describe('the process that looks into model files', () => {
  it('answers as this one would', async () => {
    const folder = await tempFolder(), broken = join(folder, 'broken.safetensors'), evil = join(folder, 'evil.ckpt'), reader = open(real);
    await writeFile(broken, 'no model');
    await writeFile(evil, 'cos\nsystem\n.');
    for (const path of [builtIn, broken, evil]) {
      const stamp = (await stampOf(path))!;
      expect(await reader.describe(path, stamp, false, {})).toEqual(await describeModel(path, stamp, false, {}));
    }
  });

  it('may run out of memory over one, which is said of that one alone', async () => {
    const folder = await tempFolder(), own = join(folder, 'own.safetensors');
    await copyFile(builtIn, own);
    await writeFile(join(folder, 'heavy.ckpt'), pickle(1_900_000));
    const reader = open(real, { heapMb: 120 }), settings = Settings.parse({});
    const models = new Models({ folder, builtIn, describe: reader.describe, settings: { get: async () => settings, change: async () => settings }, hashCache: { get: () => null, set: () => {} } });
    onTestFinished(() => models.close());
    const listed = await models.list();
    expect(listed.map(({ name, runnable, error }) => [name, runnable, error?.code])).toEqual([['own', true, undefined], ['Atelier Mini', true, undefined], ['heavy', false, 'model.unreadable']]);
    expect(await refusalOf(models.runnable({ model: listed[2]!.id }))).toMatchObject({ code: 'model.unreadable', message: expect.stringContaining('heavy.ckpt'), hint: expect.stringContaining('again') });
    expect((await models.runnable({ model: listed[0]!.id })).path).toBe(own);
  });

  it('that does not start is done without', async () => {
    const stamp = (await stampOf(builtIn))!;
    expect(await open(join(await tempFolder(), 'gone.js')).describe(builtIn, stamp, true, {})).toMatchObject({ entry: { runnable: true } });
  });
});

it('a file of more tensors than any model has is refused by their number', async () => {
  const folder = await tempFolder(), path = join(folder, 'many.safetensors');
  await mkdir(folder, { recursive: true });
  await writeFile(path, zeroFile(Array.from({ length: 50_001 }, (_, i) => ({ name: `t${i}`, dtype: 'F16', shape: [1] }))));
  expect((await describeModel(path, (await stampOf(path))!, false, {})).entry.error).toMatchObject({ code: 'weights.badHeader', data: { why: 'tensors', most: 50_000 } });
});
