// The user's settings survive restarts, damage and newer versions.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SettingsStore } from '../../../main/services/data/settings';
import { Settings, SettingsPatch } from '../../../preload/contract/studio';
import { tempFolder } from '../../support/pictures';

const defaults = Settings.parse({});

describe('the settings', () => {
  it('are the defaults at first, and what was set after a restart', async () => {
    const folder = await tempFolder(), settings = new SettingsStore(folder);
    expect(await settings.get()).toEqual(defaults);
    expect(await settings.set({ theme: 'dark' })).toEqual({ ...defaults, theme: 'dark' });
    await settings.set({ modelFolders: ['/models/a.b'] });
    const again = new SettingsStore(folder);
    expect(await again.get()).toEqual({ ...defaults, theme: 'dark', modelFolders: ['/models/a.b'] });
    expect(again.notice).toBeNull();
  });

  it('change only in what the window names', async () => {
    const settings = new SettingsStore(await tempFolder());
    await settings.set({ modelFolders: ['/models'], modelCacheBytes: 1e9 });
    await settings.set(SettingsPatch.parse({ theme: 'light' }));
    expect(await settings.get()).toEqual({ ...defaults, modelFolders: ['/models'], modelCacheBytes: 1e9, theme: 'light' });
  });

  it.each([['half a file', '{ "theme": "dark", "modelFol'], ['nothing', ''], ['a wrong value', '{ "theme": "purple" }'], ['a list', '[1]'], ['a newer version', '{ "version": 2 }']])(
    'of %s are put aside, and the defaults hold', async (_, text) => {
      const folder = await tempFolder();
      await writeFile(join(folder, 'settings.json'), text);
      const settings = new SettingsStore(folder);
      expect(await settings.get()).toEqual(defaults);
      expect(settings.notice).toMatchObject({ code: 'file.unreadable', message: expect.stringContaining('settings.json') });
      const kept = (await readdir(folder)).find((name) => name.startsWith('settings.damaged-'))!;
      expect(await readFile(join(folder, kept), 'utf8')).toBe(text);
      expect(settings.notice!.hint).toContain(kept);
      await settings.set({ theme: 'light' });
      expect(new SettingsStore(folder).notice).toBeNull();
    });

  it('may be damaged by hand while the studio runs', async () => {
    const folder = await tempFolder(), settings = new SettingsStore(folder);
    await settings.set({ theme: 'dark' });
    await writeFile(join(folder, 'settings.json'), '{');
    expect(await settings.set({ language: 'de' })).toEqual({ ...defaults, language: 'de' });
    expect(settings.notice).not.toBeNull();
  });

  it('keep what a later version has added', async () => {
    const folder = await tempFolder(), file = join(folder, 'settings.json');
    await writeFile(file, '{ "version": 1, "brush": { "size": 3 } }');
    await new SettingsStore(folder).set({ theme: 'dark' });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ brush: { size: 3 }, theme: 'dark' });
  });
});
