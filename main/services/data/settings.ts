// The user's settings: a small JSON file in the data folder, replaced as a whole at each change.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Conf from 'conf';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { Settings } from '../../../preload/contract/studio';
import { diskError, putAside } from './disk';

const fileName = 'settings.json';

export class SettingsStore {
  /** What the user should know: a damaged file was put aside and the settings are the defaults. */
  notice: ErrorInfo | null = null;
  private readonly folder: string;
  private readonly conf: Conf<Settings>;

  /** Opens `settings.json` in the folder; there need not be one. */
  constructor(folder: string) {
    this.folder = folder;
    this.putAsideIfDamaged();
    this.conf = new Conf<Settings>({ cwd: folder, configName: 'settings', accessPropertiesByDotNotation: false });
  }

  async get(): Promise<Settings> {
    this.putAsideIfDamaged();      // people edit it by hand
    return Settings.parse({ ...this.conf.store });
  }

  /** Changes what the patch names. Fields that this version does not know stay in the file. Throws disk.full, disk.failed. */
  async set(patch: Partial<Settings>): Promise<Settings> {
    const settings = Settings.parse({ ...await this.get(), ...patch });
    try {
      this.conf.set(settings);
    } catch (cause) {
      throw diskError(cause, { folder: this.folder, what: fileName, neededBytes: JSON.stringify(settings).length });
    }
    return settings;
  }

  describe(): { path: string } { return { path: this.conf.path }; }

  private putAsideIfDamaged(): void {
    const path = join(this.folder, fileName), damage = damageOf(path);
    if (damage !== null) this.notice = putAside(path, damage, 'The settings are back to their defaults');
  }
}

/** null when all is well, or when there is no file. */
function damageOf(path: string): string | null {
  try {
    const issue = Settings.safeParse(JSON.parse(readFileSync(path, 'utf8'))).error?.issues[0];
    return issue ? `${issue.path.join('.') || 'the file'}: ${issue.message}` : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    return error instanceof Error ? error.message : String(error);
  }
}
