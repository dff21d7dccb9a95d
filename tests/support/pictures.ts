// Pictures, jobs and data folders for tests of what is kept on disk.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished } from 'vitest';
import { openDataFolder, type DataFolder } from '../../main/services/data/data-folder';
import { openDatabase, type Database } from '../../main/services/database/database';
import { checkPicture } from '../../main/files/decode-picture';
import { Library } from '../../main/services/library/library';
import { encodeThumbnail } from '../../main/services/pictures/encode';
import { readChunks, wholePngSize, writeChunk } from '../../main/files/png-chunks';
import type { Pixels } from '../../main/worker/protocol';
import { JobSpec } from '../../preload/contract/job';
import { Compat, Rng, samplerNames, scheduleNames } from '../../preload/contract/vocabulary';

/** Removed when the test ends. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atelier-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Reads pictures in this process. */
export const readHere = { check: checkPicture, thumbnail: async (path: string) => encodeThumbnail(await readFile(path)) };

export interface OpenLibrary { folder: DataFolder; database: Database; library: Library }

/** As at a start of the studio, on a folder of any state. */
export async function openLibrary(root: string): Promise<OpenLibrary> {
  const folder = await openDataFolder(root);
  const database = openDatabase(folder.database);
  onTestFinished(() => database.close());
  return { folder, database, library: new Library(folder, database.pictures, readHere, '1.2.3') };
}

export const job = (patch: Partial<JobSpec> = {}): JobSpec => JobSpec.parse({
  kind: 'txt2img', files: { model: { name: 'mini', hash: 'ab'.repeat(32) } }, prompt: 'a red house on grass', seed: 42, steps: 20, sampler: 'euler', schedule: 'karras',
  cfg: 7, width: 64, height: 64, ...patch,
});

/** All of a picture's bytes but what is its own: two runs of one job give the same. */
export function withoutOwn(png: Uint8Array): Buffer {
  return Buffer.concat([...readChunks(png)].filter(({ data }) => !data.toString('latin1').startsWith('atelier-picture\0')).map(({ type, data }) => writeChunk(type, data)));
}

/** Not flat, so that its PNG has a size to speak of. */
export function noise(width = 64, height = 64, seed = 1): Pixels {
  let state = seed;
  return { width, height, rgb: Uint8Array.from({ length: width * height * 3 }, () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16) };
}

const hex64 = fc.stringMatching(/^[0-9a-f]{64}$/);
const words = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme', maxLength: 60 }), fc.lorem(),
  fc.constantFrom('', 'Negative prompt: x', 'a, b: c\nSteps: 1, Size: 2x2, Seed: 3', '\0', '\ud800', '日本語 🎨', '"quoted"', ' x\n'));
const share = fc.double({ min: 0, max: 1, noNaN: true }).map((value) => value + 0);
const side = fc.integer({ min: 8, max: 512 }).map((eighths) => eighths * 8);

const file = fc.record({ name: words, hash: fc.option(hex64) });

export const anyJob: fc.Arbitrary<JobSpec> = fc.record({
  files: fc.record({ model: file, refiner: file, vae: file, textEncoders: fc.array(file, { minLength: 1, maxLength: 2 }), embeddings: fc.array(file, { minLength: 1, maxLength: 3 }) }, { requiredKeys: ['model'] }),
  prompt: words, negative: words, seed: fc.maxSafeNat(), steps: fc.integer({ min: 1, max: 200 }),
  sampler: fc.constantFrom(...samplerNames), schedule: fc.constantFrom(...scheduleNames), cfg: fc.double({ min: 0, max: 50, noNaN: true }).map((cfg) => cfg + 0), switchAt: share,
  width: side, height: side, clipSkip: fc.integer({ min: 1, max: 12 }), rng: fc.constantFrom(...Rng.options), compat: fc.constantFrom(...Compat.options),
  start: fc.option(fc.record({ init: hex64, strength: share, mask: hex64 }, { requiredKeys: ['init', 'strength'] })),
  more: fc.record({
    depth: hex64, cfgRescale: share, imageCfg: fc.double({ min: 0, max: 50, noNaN: true }).map((cfg) => cfg + 0), prediction: fc.constantFrom('eps', 'v'),
    variation: fc.record({ seed: fc.maxSafeNat(), strength: share }),
    ensd: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), emphasis: fc.constantFrom('original', 'no_norm', 'ignore', 'none', 'comfy'),
    template: fc.record({ prompt: words, negative: words }),
    edit: fc.record({ source: fc.record({ prompt: words, negative: words }), cross: share, self: share }),
  }, { requiredKeys: [] }),
}).map(({ start, more: { edit, ...more }, switchAt, ...rest }) => JobSpec.parse({ kind: start ? 'img2img' : 'txt2img', ...rest, ...start, ...more, ...(edit && !start && { edit }), ...(rest.files.refiner && { refiner: { switchAt } }) }));

/** What holds whatever happened before a start: nothing half, no record without its file, no file without its record. Returns the ids. */
export async function expectSound({ folder, database, library }: OpenLibrary): Promise<string[]> {
  await library.recover();
  const onDisk = await readdir(folder.root, { recursive: true });
  expect(onDisk.filter((file) => file.endsWith('.tmp')), 'left by crashed writes').toEqual([]);
  const pictures = onDisk.filter((file) => file.startsWith('pictures') && file.endsWith('.png')).map((file) => join(folder.root, file));
  for (const path of pictures) expect(wholePngSize(await readFile(path)), path).not.toBeNull();
  const { pictures: records } = await library.page({ before: null, limit: 100_000 });
  expect(records.map(({ path }) => path).sort()).toEqual(pictures.sort());
  for (const { id } of records) expect((await readFile(await library.thumbnail(id))).length).toBeGreaterThan(0);
  expect(database.pictures.count()).toBe(records.length);
  return records.map(({ id }) => id);
}
