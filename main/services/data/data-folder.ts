// Where the studio keeps what it makes: one folder, found or made at start.
import { mkdir, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { AppError } from '../../engine/errors';
import { sweepTemps } from './disk';

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
  /** The database's file. */
  readonly database: string;
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
  const folders = { models: at('models'), pictures: at('pictures'), thumbnails: at('thumbnails'), blobs: at('blobs'), trash: at('trash') };
  try {
    for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
    for (const folder of [folders.pictures, folders.thumbnails, folders.blobs]) await sweepTemps(folder);
  } catch (cause) {
    throw new AppError('disk.failed', {
      message: `The data folder ${root} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'Choose a folder that you may write to, with --data-dir or in ATELIER_DATA.',
      data: { folder: root }, cause,
    });
  }
  const describe = async () => {
    const { bavail, blocks, bsize } = await statfs(root);
    return { root, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  };
  return { root, ...folders, database: at('atelier.db'), describe };
}
