// The user's settings: a small JSON file in the data folder, replaced as a whole at each change. What is damaged is put aside; what only cannot be
// read just now is left alone, and the last known settings hold until it can.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { Settings } from '../../../preload/contract/studio';
import { AppError, detailOf } from '../../engine/errors';
import { NotAPlainFile, readPlain } from '../../files/plain-file';
import { putAside, writeAtomic } from './disk';
import { withLockAsync } from './lock';

/** The file's fields, with those that only a newer version knows. */
type Fields = Readonly<Record<string, unknown>>;

/** Few handles, a drive that wakes up: most of what keeps a file from being read is over soon. */
const READ_TRIES = 3, RETRY_MS = 50;
/** A change takes a few milliseconds. */
const LOCK_MS = 5_000;
/** What is said of some thousand models. */
const MOST_BYTES = 1 << 20;

export class SettingsStore {
  private readonly path: string;
  private readonly lock: string;
  private fields: Fields = {};
  private damaged: ErrorInfo | null = null;
  private unreadable: AppError | null = null;
  private turn: Promise<unknown> = Promise.resolve();

  /** `settings.json` in the folder; there need not be one. Another process may change it as well. */
  constructor(folder: string) {
    this.path = join(folder, 'settings.json');
    this.lock = join(folder, 'settings.lock');
  }

  /** What the user should know: a damaged file was put aside, or the file cannot be read now. */
  get notice(): ErrorInfo | null { return this.unreadable?.info ?? this.damaged; }

  /** As the file has them; the last known, and the defaults before any were, while it cannot be read. */
  get(): Promise<Settings> {
    return this.inTurn(async () => {
      await this.read();
      return settingsOf(this.fields);
    });
  }

  /**
   * Changes what the patch names, and nothing in between: `patch` sees the settings that the change before it left. Fields that this version does not
   * know stay in the file. Throws request.tooLarge, settings.unreadable, disk.full, disk.failed; then nothing has changed.
   */
  change(patch: (settings: Settings) => Partial<Settings>): Promise<Settings> {
    return this.inTurn(() => withLockAsync(this.lock, LOCK_MS, async () => {
      await this.read();
      if (this.unreadable) throw this.unreadable;
      const fields = { version: 1, ...this.fields, ...patch(settingsOf(this.fields)) }, settings = settingsOf(fields);
      const bytes = Buffer.from(JSON.stringify(fields, null, '\t'));
      if (bytes.length > MOST_BYTES) throw new AppError('request.tooLarge', {});
      await writeAtomic(this.path, bytes);
      this.fields = fields;
      return settings;
    }));
  }

  describe(): { path: string } { return { path: this.path }; }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(work);
    this.turn = done.catch(() => {});
    return done;
  }

  /** Anew each time: people edit it by hand. */
  private async read(): Promise<void> {
    try {
      this.fields = fieldsIn(await readPatiently(this.path));
      this.unreadable = null;
    } catch (error) {
      this.unreadable = error instanceof Damage ? this.startAnew(error) : cannotRead(this.path, error);
    }
  }

  /** What is damaged and cannot be put aside stays, too. */
  private startAnew(damage: Damage): AppError | null {
    try {
      this.damaged = putAside(this.path, 'settings', damage.message);
      this.fields = {};
      return null;
    } catch (error) {
      return cannotRead(this.path, error);
    }
  }
}

/** What no waiting mends. */
class Damage extends Error {}

/** null when there is no file. Throws Damage where something else has its place, and what the system says. */
async function readPatiently(path: string): Promise<string | null> {
  for (let tries = 1; ; tries++) {
    try {
      return (await readPlain(path, { mostBytes: MOST_BYTES })).toString('utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      if (error instanceof NotAPlainFile) throw new Damage('it is no file, or far too large');
      if (tries === READ_TRIES) throw error;
      await sleep(RETRY_MS);
    }
  }
}

function fieldsIn(text: string | null): Fields {
  if (text === null) return {};
  try {
    const fields = JSON.parse(text) as Fields;
    settingsOf(fields);
    return fields;
  } catch (error) {
    throw new Damage(detailOf(error));
  }
}

/** Of a newer version's file all that this one understands, and its own defaults for the rest. Throws what is wrong with one of this version. */
function settingsOf(fields: Fields): Settings {
  const { data, error } = Settings.safeParse(fields);
  if (data) return data;
  if (typeof fields?.version === 'number' && fields.version > 1) return Settings.parse(Object.fromEntries(Object.entries(fields).filter(([name, value]) => isUnderstood(name, value))));
  const issue = error.issues[0];
  throw new Error(`${issue?.path.join('.') || 'the file'}: ${issue?.message}`);
}

const isUnderstood = (name: string, value: unknown): boolean => name in Settings.shape && Settings.shape[name as keyof Settings].safeParse(value).success;

const cannotRead = (path: string, cause: unknown): AppError => new AppError('settings.unreadable', { file: path, detail: detailOf(cause) }, { cause });
