// Pipes, devices, links to anywhere and round in circles: what lies in the data folder hangs nothing, and nothing from outside is read or served.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fs, { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { isPlain, readPlain } from '../../main/files/plain-file';
import { walk } from '../../main/files/walk';
import { openModel } from '../../main/files/model-folder';
import { serverSecret } from '../../main/server/secret';
import { languageIn } from '../../main/services/data/language';
import { SettingsStore } from '../../main/services/data/settings';
import { signIn } from '../../main/services/data/sole-user';
import { readTextFile } from '../../main/services/pictures/report-text';
import { reportOnPicture } from '../../main/services/pictures/report';
import { openEmbeddings } from '../../main/worker/embeddings/embeddings';
import { Settings } from '../../preload/contract/studio';
import { folderOf, randomCheckpoint } from '../support/checkpoints';
import { Blobs } from '../../main/services/data/blobs';
import { scanFolders } from '../../main/services/models/scan';
import { openPromptFiles } from '../../main/services/prompts/prompt-files';
import { failing } from '../support/failing-calls';
import { job, noise, openLibrary, readHere, tempFolder } from '../support/pictures';

const pipe = async (path: string): Promise<void> => { execFileSync('mkfifo', [path]); };
const socket = async (path: string): Promise<void> => {
  const server = createServer().listen(path);
  onTestFinished(() => { server.close(); });
  await new Promise((resolve) => { server.once('listening', resolve); });
};
const linkTo = (target: string) => (path: string): Promise<void> => symlink(target, path);
const secret = async (): Promise<string> => {
  const path = join(await tempFolder(), 'secret.png');
  await writeFile(path, 'a secret of somebody');
  return path;
};

/** What no file of ours is. */
const strange: [string, (path: string) => Promise<void>][] = [
  ['a pipe', pipe], ['a socket', socket], ['a device without an end', linkTo('/dev/zero')], ['a folder', async (path) => { await mkdir(path); }],
  ['a link to itself', async (path) => symlink(path, path)], ['a link to /', linkTo('/')], ['a link to a file outside', async (path) => symlink(await secret(), path)],
];

describe.each(strange)('%s', (_, put) => {
  it('is not read', async () => {
    const folder = await tempFolder(), path = join(folder, 'a');
    await put(path);
    expect(await isPlain(path, folder)).toBe(false);
    await expect(readPlain(path, { within: folder })).rejects.toThrow();
  });

  it('in the library\'s folder keeps no start, and is no picture', async () => {
    const root = await tempFolder(), open = await openLibrary(root), { id } = await open.library.save(noise(), job(), 1);
    await put(join(root, 'pictures/a.png'));
    await mkdir(join(root, 'thumbnails/zz'));
    await put(join(root, 'thumbnails/zz/a.webp'));
    const again = await openLibrary(root);
    await again.library.recover();
    expect((await again.library.page({ before: null, limit: 9 })).pictures.map((picture) => picture.id)).toEqual([id]);
  });

  it('in the place of a picture is not served', async () => {
    const root = await tempFolder(), { library } = await openLibrary(root), { id, path } = await library.save(noise(), job(), 1);
    expect(await library.path(id)).toBe(path);
    await rm(path);
    await put(path);
    await rm(await library.thumbnail(id).catch(() => ''), { force: true });
    await expect(library.path(id)).rejects.toMatchObject({ code: 'picture.notFound' });
    await expect(library.thumbnail(id)).rejects.toMatchObject({ code: 'picture.notFound' });
  });

  it('in the place of an input picture is not served', async () => {
    const folder = await tempFolder(), hash = 'ab'.repeat(32);
    await mkdir(join(folder, 'ab'));
    await put(join(folder, 'ab', hash));
    await expect(new Blobs(folder, readHere).open(hash)).rejects.toMatchObject({ code: 'picture.notFound' });
  });

  it('among wildcards is left out and told, where it was called', async () => {
    const root = await tempFolder(), prompts = openPromptFiles(root);
    await mkdir(join(root, 'wildcards'));
    await writeFile(join(root, 'wildcards/colour.txt'), 'red');
    for (const name of ['a.txt', 'b.yaml']) await put(join(root, 'wildcards', name));
    const { job: made } = await prompts.prepare(job({ prompt: 'a __colour__ house __a__' }));
    expect(made.prompt).toContain('a red house');
  });

  it('in the place of styles.csv is refused by name', async () => {
    const root = await tempFolder(), prompts = openPromptFiles(root), path = join(root, 'styles.csv');
    await put(path);
    await expect(prompts.styles()).rejects.toMatchObject({ code: 'text.unreadable', data: { file: expect.stringContaining('styles.csv') } });
  });
});

describe.each(strange)('%s in the place of', (_, put) => {
  const putAt = async (root: string, ...names: string[]) => {
    const path = join(root, ...names);
    await mkdir(dirname(path), { recursive: true });
    await put(path);
    return path;
  };

  it('the settings hangs no start, which asks them for the language', async () => {
    const root = await tempFolder();
    await putAt(root, 'settings.json');
    expect(await languageIn(root)).toBe('en');
    expect(await new SettingsStore(root).get()).toEqual(Settings.parse({}));
  });

  it.each(['settings.lock', 'settings.damaged'])('%s hangs no change of them', async (name) => {
    const root = await tempFolder(), store = new SettingsStore(root);
    await putAt(root, name);
    expect(await store.change(() => ({ theme: 'dark' }))).toMatchObject({ theme: 'dark' });
  });

  it('the server\'s secret is no secret', async () => {
    const root = await tempFolder();
    await putAt(root, 'server-secret');
    expect((await serverSecret(root)).secret).toMatch(/^[\w-]{43}$/);
  });

  it.each(['door', '1-ab.lock'])('another session (%s) keeps nobody out', async (name) => {
    const root = await tempFolder();
    await putAt(root, name);
    const session = signIn(root);
    expect(session.ownsBefore()).toBe(Infinity);
    session.signOut();
  });

  it('the mark of the last look at the pictures hangs no look', async () => {
    const root = await tempFolder(), open = await openLibrary(root);
    await open.library.save(noise(), job(), 1);
    await putAt(root, 'pictures-seen');
    expect(await open.library.recover()).toMatchObject({ dropped: 0, adopted: 0 });
  });

  it.skipIf(!existsSync('/dev/shm'))('a picture on another drive is removed from the library (needs /dev/shm)', async () => {
    const root = await tempFolder(), drive = await mkdtemp('/dev/shm/atelier-test-');
    onTestFinished(() => rm(drive, { recursive: true }));
    await symlink(drive, join(root, 'pictures'));
    const { library, folder } = await openLibrary(root), [{ id, path }, other] = [await library.save(noise(), job(), 1), await library.save(noise(8, 8), job(), 1)];
    await rm(path);
    await put(path);
    await library.remove(id);
    await library.remove(other.id);
    expect([(await library.page({ before: null, limit: 9 })).total, await fs.readdir(folder.trash)]).toEqual([0, [basename(other.path)]]);
  });

  it('a model, or what lies beside its networks, is refused', async () => {
    const root = await tempFolder(), path = await putAt(root, 'a.safetensors');
    await expect(openModel(path)).rejects.toMatchObject({ code: expect.stringMatching(/^(?:file|model|weights)\./) });
    const folder = await folderOf(await randomCheckpoint());
    await rm(join(folder, 'scheduler'), { recursive: true, force: true });
    await putAt(folder, 'scheduler/scheduler_config.json');
    await putAt(folder, 'unet/diffusion_pytorch_model.safetensors.index.json');
    expect((await openModel(folder)).tensors.size).toBeGreaterThan(0);
  });

  it('trained words, and pictures that may hold some, is called by its name alone', async () => {
    const root = await tempFolder();
    for (const name of ['a.safetensors', 'b.pt', 'c.png']) await putAt(root, name);
    await openEmbeddings(root, { encode: () => [] });
  });

  it('a picture to report on, or a text beside one, is refused', async () => {
    const root = await tempFolder(), path = await putAt(root, 'a.png'), text = await putAt(root, 'a.txt');
    await expect(reportOnPicture(path)).rejects.toMatchObject({ code: expect.stringMatching(/^(?:picture\.unreadable|file\.notFound)$/) });
    if (_ !== 'a link to a file outside') expect(await readTextFile(text)).toBeNull();
  });
});

describe('a record that leads out of the library', () => {
  it.each(['../../secret.png', '/etc/passwd'])('to %s serves and removes nothing', async (file) => {
    const root = await tempFolder(), open = await openLibrary(root), { id } = await open.library.save(noise(), job(), 1), outside = join(root, '../secret.png');
    await writeFile(outside, 'a secret');
    onTestFinished(() => rm(outside, { force: true }));
    const db = new Libsql(join(root, 'atelier.db'));
    db.prepare('UPDATE pictures SET file = ? WHERE id = ?').run(file, id);
    db.close();
    for (const refused of [open.library.path(id), open.library.remove(id)]) await expect(refused).rejects.toMatchObject({ code: 'picture.notFound' });
    expect(await readFile(outside, 'utf8')).toBe('a secret');
  });
});

describe('a walk through a folder', () => {
  it('looks into each real folder once, whatever leads round in circles', async () => {
    const root = await tempFolder();
    await mkdir(join(root, 'a/b'), { recursive: true });
    await writeFile(join(root, 'a/b/c'), '');
    for (const [target, path] of [['.', 'self'], ['..', 'a/up'], ['../..', 'a/b/top'], ['a', 'again']] as const) await symlink(join(root, path, '..', target), join(root, path));
    const { files, cutAt } = await walk(root);
    expect([files.map((file) => file.split('/').at(-1)), cutAt]).toEqual([['c'], null]);
  });

  it('follows links out of it only where they may lead there', async () => {
    const root = await tempFolder(), drive = await tempFolder();
    await writeFile(join(drive, 'model'), '');
    await symlink(drive, join(root, 'drive'));
    expect([(await walk(root)).files, (await walk(root, { outside: true })).files]).toEqual([[], ['drive/model']]);
  });

  it('ends at a number, and says so', async () => {
    const root = await tempFolder();
    for (let i = 0; i < 30; i++) await writeFile(join(root, String(i)), '');
    const { files, cutAt } = await walk(root, { most: 20 });
    expect([files.length, cutAt]).toEqual([20, 20]);
    expect((await walk('/', { outside: true, most: 500 })).cutAt).toBe(500);
  });
});

describe.each([['EMFILE', 'machine.exhausted'], ['ESTALE', 'disk.silent']])('what cannot be looked at just now (%s)', (code, ours) => {
  const folderWith = async (put: (path: string) => Promise<unknown>): Promise<string> => {
    const root = await tempFolder();
    await put(join(root, 'away'));
    await writeFile(join(root, 'here.safetensors'), '');
    return root;
  };

  it('is no plain file that is not there', async () => {
    const root = await folderWith((path) => writeFile(path, ''));
    failing(code, 'open', 'away');
    await expect(isPlain(join(root, 'away'), root)).rejects.toMatchObject({ code: ours, data: { what: join(root, 'away') } });
    expect(await isPlain(join(root, 'here.safetensors'), root)).toBe(true);
  });

  it.each<[string, 'readdir' | 'stat', (path: string) => Promise<unknown>]>([
    ['folder', 'readdir', (path) => mkdir(path)], ['link to a drive', 'stat', async (path) => symlink(await tempFolder(), path)],
  ])('below a folder, as a %s, ends a walk unless somebody listens', async (_, call, put) => {
    const root = await folderWith(put), told: string[] = [];
    failing(code, call, 'away');
    await expect(walk(root, { outside: true })).rejects.toMatchObject({ code: ours, data: { what: join(root, 'away') } });
    expect((await walk(root, { outside: true, away: (path) => { told.push(path); } })).files).toEqual(['here.safetensors']);
    expect(told).toEqual([join(root, 'away')]);
    const { files, unreachable } = await scanFolders([root]);
    expect([files.length, unreachable.map(({ error }) => error.code)]).toEqual([1, [ours]]);
  });

  it('keeps wildcards from being taken for none', async () => {
    const root = await tempFolder();
    await mkdir(join(root, 'wildcards/away'), { recursive: true });
    failing(code, 'readdir', 'away');
    await expect(openPromptFiles(root).prepare(job({ prompt: '__colour__' }))).rejects.toMatchObject({ code: ours });
  });

  it.each(['colour.txt', 'colour.yaml'])('keeps a list of wildcards (%s) from being taken for an empty one', async (file) => {
    const root = await tempFolder(), prompts = openPromptFiles(root), asked = job({ prompt: 'a __colour__ house' });
    await mkdir(join(root, 'wildcards'));
    await writeFile(join(root, 'wildcards', file), '- red');
    failing(code, 'open', file);
    await expect(prompts.prepare(asked)).rejects.toMatchObject({ code: ours });
    vi.restoreAllMocks();
    expect((await prompts.prepare(asked)).job.prompt).toContain('red');
  });
});

it('a data folder of which a part is a link to another drive works as before', async () => {
  const root = await tempFolder(), drive = await mkdtemp(join(tmpdir(), 'atelier-drive-'));
  onTestFinished(() => rm(drive, { recursive: true }));
  await openLibrary(root);
  for (const name of ['pictures', 'thumbnails', 'blobs']) {
    await rename(join(root, name), join(drive, name));
    await symlink(join(drive, name), join(root, name));
  }
  const open = await openLibrary(root), { id } = await open.library.save(noise(), job(), 1);
  expect(await open.library.path(id)).toContain('pictures');
  await expect(open.library.thumbnail(id)).resolves.toBeDefined();
  const again = await openLibrary(root);
  expect(await again.library.recover()).toMatchObject({ adopted: 0, dropped: 0 });
});
