// The studio: all services, put together over one data folder. Both hosts and the terminal use it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../../package.json';
import type { Studio } from '../api/studio';
import type { Settings } from '../../preload/contract/studio';
import { toAppError } from '../engine/errors';
import { Blobs } from './data/blobs';
import { findDataDir, openDataFolder } from './data/data-folder';
import { openDatabase } from './database/database';
import { Estimates } from './machine/estimates';
import type { SpawnWorker } from './workers/spawn';
import { processor, residentBytes, totalBytes } from './machine/hardware';
import { Library } from './library/library';
import { builtInModel, Models } from './models/models';
import { PictureReader, type SpawnReader } from './pictures/reader/reader';
import { reportOnJob } from './pictures/report';
import { localsOf, readingOf } from './pictures/request';
import { openPromptFiles } from './prompts/prompt-files';
import { Queue } from './queue/queue';
import { SettingsStore } from './data/settings';
import { signIn } from './data/sole-user';
import { WorkerHost } from './workers/host';

export interface StudioOptions {
  /** Where everything lives that the studio makes. By default the system's place for it. */
  readonly dataDir?: string;
  /** The package's `resources`. */
  readonly resourcesDir?: string;
  /** The worker's bundle. */
  readonly workerEntry?: string;
  readonly spawnWorker?: SpawnWorker;
  readonly spawnReader?: SpawnReader;
  /** Takes up what an earlier session left unfinished, unless another process uses the folder. The terminal works on its own jobs alone. */
  readonly resume?: boolean;
}

/** The router's studio, and what a host needs besides. */
export interface LocalStudio extends Studio {
  readonly dataDir: string;
  readonly blobs: {
    /** Keeps an input picture. Throws picture.unreadable, disk.*. */
    add(bytes: Uint8Array): Promise<{ hash: string; width: number; height: number }>;
    /** Its file and media type. Throws picture.notFound. */
    open(hash: string): Promise<{ path: string; type: string }>;
  };
  /** Throws picture.notFound. */
  thumbnailPath(pictureId: string): Promise<string>;
  /** Ends the worker, keeps what waits for the next session, finishes what is being saved. */
  close(): Promise<void>;
}

/** Two folders above both the source and the bundle: main/services/…, out/main/…. */
const root = fileURLToPath(new URL('../..', import.meta.url));
/** Of the machine's memory, for models that are kept between jobs. */
const CACHE_SHARE = 0.4;

export async function createStudio(options: StudioOptions = {}): Promise<LocalStudio> {
  const folder = await openDataFolder(findDataDir(options.dataDir));
  const settings = new SettingsStore(folder.root);
  const database = openDatabase(folder.database);
  const session = signIn(join(folder.root, 'sessions'));
  const host = new WorkerHost(options.workerEntry ?? join(root, 'out/main/worker.js'), options.spawnWorker);
  const reader = new PictureReader(join(root, 'out/main/pictures.js'), { spawn: options.spawnReader });
  const library = new Library(folder, database.pictures, reader, version);
  const blobs = new Blobs(folder.blobs, reader);
  const models = new Models({ folder: folder.models, builtIn: builtInModel(options.resourcesDir ?? join(root, 'resources')), settings, hashCache: database.hashes });
  const estimates = new Estimates(database.timings, processor().cores);
  const prompts = openPromptFiles(folder.root);
  const queue = new Queue({
    host, models, estimates, jobs: database.jobs,
    prompts, embeddingsPath: join(folder.models, 'embeddings'),
    blobPath: (hash) => blobs.path(hash),
    save: (pixels, job, seconds) => library.save(pixels, job, seconds),
  });
  const cacheBytes = ({ modelCacheBytes }: Settings) => modelCacheBytes ?? CACHE_SHARE * totalBytes();
  const tellSettings = async () => host.send({ type: 'settings', cacheBytes: cacheBytes(await settings.get()) });
  host.on('ready', () => void tellSettings());
  for (const notice of [settings.notice, database.notice]) if (notice) console.error(`${notice.message}. ${notice.hint ?? ''}`);

  const recovering = options.resume ? library.recover().catch((error: unknown) => console.error(`The library could not be checked: ${toAppError(error).message}`)) : null;
  queue.start({ resume: options.resume === true && session.alone });

  return {
    dataDir: folder.root, queue, library, models, blobs: { add: (bytes) => blobs.putPicture(bytes), open: (hash) => blobs.open(hash) },
    styles: { list: () => prompts.styles() },
    pictures: {
      read: async (blob) => {
        const files = await models.known();
        return readingOf(await reader.report(await blobs.path(blob), localsOf(files)), files);
      },
      readJob: async (job) => {
        const files = await models.known();
        return readingOf(reportOnJob(job, localsOf(files)), files);
      },
    },
    machine: async () => {
      const { name, cores } = processor();
      const usedByWorkerBytes = host.pid === undefined ? 0 : await residentBytes(host.pid) ?? 0;
      return { provider: 'cpu', cores, cpu: name, memory: { totalBytes: totalBytes(), usedByWorkerBytes }, version, dataDir: folder.root };
    },
    estimate: async (request) => estimates.estimate(request, await models.runnable(request)),
    settings: {
      get: () => settings.get(),
      set: async (patch) => {
        const changed = await settings.set(patch);
        await tellSettings();
        return changed;
      },
    },
    thumbnailPath: (id) => library.thumbnail(id),
    close: async () => {
      await Promise.all([queue.close(), reader.close()]);
      await models.close();
      await recovering;
      database.close();
      session.signOut();
    },
  };
}
