// Where the studio keeps what it makes: one folder, found or made at start.
import { chmod, mkdir, readdir, stat, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { AppError, detailOf } from '../../engine/errors';
import { putAside } from './disk';
import { sweepTemps, sweepTempsIn } from './temps';

export interface DataFolder {
  readonly root: string;
  /** The user's own model files, besides other folders that they add. */
  readonly models: string;
  /** Finished pictures, by year and month. The truth of what is in the library. */
  readonly pictures: string;
  /** Made from the pictures, and made again when missing. */
  readonly thumbnails: string;
  /** Input pictures, named by their hash. */
  readonly blobs: string;
  /** Pictures that were removed from the library. */
  readonly trash: string;
  /** How far jobs have come. */
  readonly steps: string;
  /** What happened, for whoever looks into a fault. */
  readonly logs: string;
  /** One file for each process that uses the folder. */
  readonly sessions: string;
  /** The database's file. */
  readonly database: string;
  /** Room that is let go on a full disk. */
  readonly reserve: string;
  /** What lay in the place of a folder, and was put aside. */
  readonly notices: readonly ErrorInfo[];
  describe(): Promise<{ root: string; freeBytes: number; totalBytes: number }>;
}

/** The given folder (`--data-dir`), else ATELIER_DATA, else the system's place for an app's data. Absolute. */
export function findDataDir(given?: string, env: NodeJS.ProcessEnv = process.env, platform: NodeJS.Platform = process.platform): string {
  const chosen = given || env.ATELIER_DATA;
  if (chosen) return resolve(chosen);
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'Atelier');      // not roaming: pictures are many
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Atelier');
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'atelier');
}

/** Makes what is missing and removes what crashed writes left. Throws disk.failed when the folder cannot be made. */
export async function openDataFolder(root: string): Promise<DataFolder> {
  const at = (name: string): string => join(root, name);
  const folders = { models: at('models'), pictures: at('pictures'), thumbnails: at('thumbnails'), blobs: at('blobs'), trash: at('trash'), sessions: at('sessions'), steps: at('steps'), logs: at('logs') };
  const notices: ErrorInfo[] = [];
  try {
    await mkdir(root, { recursive: true, mode: OWNER_ONLY });
    await keepToOwner(root);
    for (const folder of Object.values(folders)) {
      await clearWay(folder, notices);
      await mkdir(folder, { recursive: true, mode: OWNER_ONLY });
    }
    for (const folder of await innerFolders(folders)) await clearWay(folder, notices);
    for (const folder of [folders.pictures, folders.thumbnails, folders.blobs]) await sweepTemps(folder);
    for (const folder of [root, folders.trash, folders.steps]) await sweepTempsIn(folder);
  } catch (cause) {
    throw new AppError('data.folder', { folder: root, detail: detailOf(cause) }, { cause });
  }
  const describe = async () => {
    const { bavail, blocks, bsize } = await statfs(root);
    return { root, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  };
  return { root, ...folders, database: at('atelier.db'), reserve: at('reserve'), notices, describe };
}

/** A link that leads nowhere stays: its drive may come back. */
async function clearWay(folder: string, notices: ErrorInfo[]): Promise<void> {
  if (await stat(folder).then((found) => !found.isDirectory(), () => false)) notices.push(putAside(folder, 'other', 'it is no folder'));
}

/** What lies where folders of ours belong: by the first digits of a hash or an id, and by year and month. */
async function innerFolders({ pictures, thumbnails, blobs }: Pick<DataFolder, 'pictures' | 'thumbnails' | 'blobs'>): Promise<string[]> {
  const named = async (folder: string, names: RegExp): Promise<string[]> => (await readdir(folder).catch(() => [])).filter((name) => names.test(name)).map((name) => join(folder, name));
  const years = await named(pictures, /^\d{4}$/), byHash = await Promise.all([thumbnails, blobs].map((folder) => named(folder, /^[0-9a-f]{2}$/)));
  return [...years, ...(await Promise.all(years.map((year) => named(year, /^\d\d$/)))).flat(), ...byHash.flat()];
}

const OWNER_ONLY = 0o700;

/** Pictures, prompts and the secret that lets in are nobody else's. A drive without such rights stays as it is. */
async function keepToOwner(root: string): Promise<void> {
  const isOpen = ((await stat(root)).mode & 0o077) !== 0;
  if (isOpen && process.platform !== 'win32') await chmod(root, OWNER_ONLY).catch(() => {});
}
