// The user's settings survive restarts, damage, newer versions and moments in which they cannot be read.
import { execFile, execFileSync } from 'node:child_process';
import fs, { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hold, letGo } from '../../../main/services/data/lock';
import { SettingsStore } from '../../../main/services/data/settings';
import { Settings, SettingsPatch } from '../../../preload/contract/studio';
import { bundleProgram } from '../../support/bundle-program';
import { tempFolder } from '../../support/pictures';

const defaults = Settings.parse({});
const set = (settings: SettingsStore, patch: Partial<Settings>) => settings.change(() => patch);
const keptIn = async (folder: string) => (await readdir(folder)).find((name) => name.startsWith('settings.damaged-'))!;
afterEach(() => { vi.restoreAllMocks(); });

describe('the settings', () => {
  it('are the defaults at first, and what was set after a restart', async () => {
    const folder = await tempFolder(), settings = new SettingsStore(folder);
    expect(await settings.get()).toEqual(defaults);
    expect(await set(settings, { theme: 'dark' })).toEqual({ ...defaults, theme: 'dark' });
    await set(settings, { modelFolders: ['/models/a.b'] });
    const again = new SettingsStore(folder);
    expect(await again.get()).toEqual({ ...defaults, theme: 'dark', modelFolders: ['/models/a.b'] });
    expect(again.notice).toBeNull();
  });

  it('change only in what the window names', async () => {
    const settings = new SettingsStore(await tempFolder());
    await set(settings, { modelFolders: ['/models'], modelCacheBytes: 1e9 });
    await set(settings, SettingsPatch.parse({ theme: 'light' }));
    expect(await settings.get()).toEqual({ ...defaults, modelFolders: ['/models'], modelCacheBytes: 1e9, theme: 'light' });
  });

  it('keep every change of many at once, each made from what the one before left', async () => {
    const folder = await tempFolder(), settings = new SettingsStore(folder);
    await Promise.all(Array.from({ length: 20 }, (_, i) => settings.change(({ modelFolders }) => ({ modelFolders: [...modelFolders, `/${i}`] }))));
    expect((await new SettingsStore(folder).get()).modelFolders).toEqual(Array.from({ length: 20 }, (_, i) => `/${i}`));
  });

  it('keep every change of several processes', { timeout: 300_000 }, async () => {
    const folder = await tempFolder(), { program, folder: built } = await bundleProgram('tests/support/settings-child.ts');
    onTestFinished(() => rm(built, { recursive: true }));
    const names = ['one', 'two', 'three'];
    await Promise.all(names.map((name) => promisify(execFile)(process.execPath, [program, folder, name, '15'])));
    const { modelFiles } = await new SettingsStore(folder).get();
    for (const name of names) expect(modelFiles.filter((file) => file.startsWith(`/${name}/`))).toEqual(Array.from({ length: 15 }, (_, i) => `/${name}/${i}`));
  });

  it('are changed though another process hangs in a change of its own, or no lock can be had', { timeout: 60_000 }, async () => {
    const folder = await tempFolder(), settings = new SettingsStore(folder), lock = hold(join(folder, 'settings.lock'));
    expect(await set(settings, { theme: 'dark' })).toMatchObject({ theme: 'dark' });
    if (lock instanceof Object) letGo(lock);
    await rm(join(folder, 'settings.lock'));
    await mkdir(join(folder, 'settings.lock'));
    expect(await set(settings, { theme: 'light' })).toMatchObject({ theme: 'light' });
  });

  it('of more than any person has are put aside', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'settings.json'), ' '.repeat(9 << 20));
    expect(await new SettingsStore(folder).get()).toEqual(defaults);
    expect(await keptIn(folder)).toBeDefined();
  });

  it.each([['half a file', '{ "theme": "dark", "modelFol'], ['nothing', ''], ['a wrong value', '{ "theme": "purple" }'], ['a list', '[1]'], ['null', 'null']])(
    'of %s are put aside, and the defaults hold', async (_, text) => {
      const folder = await tempFolder();
      await writeFile(join(folder, 'settings.json'), text);
      const settings = new SettingsStore(folder);
      expect(await settings.get()).toEqual(defaults);
      expect(settings.notice).toMatchObject({ code: 'data.damaged', data: { why: 'settings', file: join(folder, 'settings.json') } });
      const kept = await keptIn(folder);
      expect(await readFile(join(folder, kept), 'utf8')).toBe(text);
      expect(settings.notice!.data).toMatchObject({ kept });
      await set(settings, { theme: 'light' });
      const again = new SettingsStore(folder);
      expect([(await again.get()).theme, again.notice]).toEqual(['light', null]);
    });

  it.each([['a folder', (path: string) => mkdir(path)], ['a pipe', async (path: string) => { execFileSync('mkfifo', [path]); }]])('with %s in their place are the defaults, and it is put aside', async (_, put) => {
    const folder = await tempFolder();
    await put(join(folder, 'settings.json'));
    const settings = new SettingsStore(folder);
    expect(await set(settings, { theme: 'dark' })).toEqual({ ...defaults, theme: 'dark' });
    expect(settings.notice!.data).toMatchObject({ kept: await keptIn(folder) });
  });

  it('may be damaged by hand while the studio runs', async () => {
    const folder = await tempFolder(), settings = new SettingsStore(folder);
    await set(settings, { theme: 'dark' });
    await writeFile(join(folder, 'settings.json'), '{');
    expect(await set(settings, { language: 'de' })).toEqual({ ...defaults, language: 'de' });
    expect(settings.notice).not.toBeNull();
  });

  it('keep what a later version has added, also of a model', async () => {
    const folder = await tempFolder(), file = join(folder, 'settings.json');
    await writeFile(file, '{ "version": 1, "brush": { "size": 3 }, "modelSettings": { "m": { "prediction": "v", "lora": "a" } } }');
    const settings = new SettingsStore(folder);
    await settings.change(({ modelSettings }) => ({ theme: 'dark', modelSettings: { ...modelSettings, n: { vae: null } } }));
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ version: 1, brush: { size: 3 }, theme: 'dark', modelSettings: { m: { prediction: 'v', lora: 'a' }, n: { vae: null } } });
  });

  it('of a newer version are understood as far as they can be, and stay that version\'s', async () => {
    const folder = await tempFolder(), file = join(folder, 'settings.json');
    await writeFile(file, '{ "version": 2, "theme": { "day": "light" }, "modelFolders": ["/models"] }');
    const settings = new SettingsStore(folder);
    expect(await set(settings, { language: 'de' })).toEqual({ ...defaults, modelFolders: ['/models'], language: 'de' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ version: 2, theme: { day: 'light' }, modelFolders: ['/models'], language: 'de' });
    expect(settings.notice).toBeNull();
  });
});

describe.each(['EACCES', 'EMFILE', 'EIO'])('settings whose file cannot be read just now (%s)', (code) => {
  const unreadable = () => vi.spyOn(fs, 'open').mockRejectedValue(Object.assign(new Error(`${code}: open`), { code }));
  const text = '{ "version": 1, "theme": "dark" }';

  it('stay as they are: the last known hold, a change is refused, and all is well when it is over', async () => {
    const folder = await tempFolder(), file = join(folder, 'settings.json');
    await writeFile(file, text);
    const settings = new SettingsStore(folder);
    await settings.get();
    unreadable();
    expect((await settings.get()).theme).toBe('dark');
    await expect(set(settings, { language: 'de' })).rejects.toMatchObject({ code: 'settings.unreadable' });
    expect(settings.notice).toMatchObject({ code: 'settings.unreadable', data: { file } });
    vi.restoreAllMocks();
    expect(await readFile(file, 'utf8')).toBe(text);
    expect((await readdir(folder)).filter((name) => name !== 'settings.lock')).toEqual(['settings.json']);
    expect(await set(settings, { language: 'de' })).toEqual({ ...defaults, theme: 'dark', language: 'de' });
    expect(settings.notice).toBeNull();
  });

  it('are the defaults until they can be read, at a start in that moment', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'settings.json'), text);
    unreadable();
    const settings = new SettingsStore(folder);
    expect(await settings.get()).toEqual(defaults);
    vi.restoreAllMocks();
    expect((await settings.get()).theme).toBe('dark');
  });

  it('are read at once when it was a matter of a moment', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, 'settings.json'), text);
    vi.spyOn(fs, 'open').mockRejectedValueOnce(Object.assign(new Error(code), { code }));
    const settings = new SettingsStore(folder);
    expect([(await settings.get()).theme, settings.notice]).toEqual(['dark', null]);
  });
});
