// The studio: all services, put together over one data folder. Both hosts and the terminal use it.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../../package.json';
import type { Studio } from '../api/studio';
import type { ErrorInfo } from '../../preload/contract/errors';
import type { MachineInfo, Settings } from '../../preload/contract/studio';
import { openCleanUp, type CleanUp, type CleanUpTimes } from './clean-up';
import { Blobs, type PictureBytes } from './data/blobs';
import { Notices } from './data/notices';
import { findDataDir, openDataFolder } from './data/data-folder';
import { openInTurn } from './database/in-turn';
import { Estimates } from './machine/estimates';
import type { SpawnWorker } from './workers/spawn';
import { processor, totalBytes } from './machine/hardware';
import { Library } from './library/library';
import type { Recovery } from './library/recovery';
import { builtInModel, Models } from './models/models';
import { ModelReader } from './models/reader/reader';
import { PictureReader, type SpawnPictureReader } from './pictures/reader/reader';
import { reportOnJob } from './pictures/report';
import { localsOf, readingOf } from './pictures/request';
import { PromptReader, type SpawnPromptReader } from './prompts/reader/reader';
import { KeptSteps } from './queue/kept-steps';
import { calledUp } from './queue/prompt-loras';
import { Queue, type QueueTimes } from './queue/queue';
import { SettingsStore } from './data/settings';
import { signIn, untilAlone } from './data/sole-user';
import { openLog, type Log } from './log/log';
import { reportOn } from './log/report';
import { hearWindow } from './log/window-faults';
import { WorkerHost } from './workers/host';
import { logWorker } from './workers/log-worker';
import { WorkerMemory, type MemoryOptions } from './workers/memory';

export interface StudioOptions {
  /** Where everything lives that the studio makes. By default the system's place for it. */
  readonly dataDir?: string;
  /** The package's `resources`. */
  readonly resourcesDir?: string;
  /** The worker's bundle. */
  readonly workerEntry?: string;
  readonly spawnWorker?: SpawnWorker;
  readonly spawnReader?: SpawnPictureReader;
  readonly spawnPromptReader?: SpawnPromptReader;
  /** Takes up what an earlier session left unfinished, unless another process uses the folder. The terminal works on its own jobs alone. */
  readonly resume?: boolean;
  readonly queueTimes?: QueueTimes;
  readonly workerMemory?: MemoryOptions;
  /** By default one of the folder's own. */
  readonly log?: Log;
  /** Told at the start what the person should know of their folder. */
  readonly tell?: (notice: ErrorInfo) => void;
  readonly cleanUpTimes?: CleanUpTimes;
}

/** The router's studio, and what a host needs besides. */
export interface LocalStudio extends Studio {
  readonly dataDir: string;
  readonly log: Log;
  readonly cleanUp: Pick<CleanUp, 'run'>;
  readonly models: Studio['models'] & Pick<Models, 'known'>;
  readonly blobs: {
    /** Keeps an input picture, which need not be in memory. Throws picture.unreadable, disk.*, and what its pieces throw. */
    add(bytes: PictureBytes, sizeBytes?: number): Promise<{ hash: string; width: number; height: number }>;
    /** Its file and media type. Throws picture.notFound. */
    open(hash: string): Promise<{ path: string; type: string }>;
  };
  /** Its PNG, also where its record cannot be read. Throws picture.notFound. */
  picturePath(pictureId: string): Promise<string>;
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
  const log = options.log ?? openLog(folder.root, 'studio', { tell: options.tell });
  log.info('studio.started', { version, node: process.versions.node, electron: process.versions.electron, platform: process.platform, arch: process.arch });
  const session = signIn(folder.sessions);
  const settings = new SettingsStore(folder.root);
  await settings.get();
  const database = await openInTurn(folder.database, session);
  const host = new WorkerHost(options.workerEntry ?? join(root, 'out/main/worker.js'), options.spawnWorker);
  logWorker(host, log.of('worker'));
  const memory = new WorkerMemory(host, options.workerMemory);
  const reader = new PictureReader(join(root, 'out/main/pictures.js'), log.of('reader'), { spawn: options.spawnReader });
  const library = new Library(folder, database.pictures, reader, version);
  const blobs = new Blobs(folder.blobs, reader, join(folder.trash, 'blobs'));
  const modelReader = new ModelReader(join(root, 'out/main/models.js'), log.of('reader'));
  const models = new Models({ describe: modelReader.describe, folder: folder.models, builtIn: builtInModel(options.resourcesDir ?? join(root, 'resources')), settings, hashCache: database.hashes });
  const estimates = new Estimates(database.timings, processor().cores);
  const prompts = new PromptReader(join(root, 'out/main/prompts.js'), folder.root, log.of('reader'), { spawn: options.spawnPromptReader });
  const queue = new Queue({
    host, memory, models, estimates, steps: new KeptSteps(folder.steps, log), log,
    jobs: { ...database.jobs, cancelMany: (ids, at) => library.reserve.use(() => database.jobs.cancelMany(ids, at)) },
    prompts, embeddingsPath: join(folder.models, 'embeddings'),
    blobPath: (hash) => blobs.path(hash),
    pictureSize: async (hash) => reader.check(await blobs.path(hash), ''),
    save: (pixels, job, seconds, id) => library.trash.withRoom(() => library.save(pixels, job, seconds, id)),
    isMade: (id) => library.isMade(id),
  }, options.queueTimes);
  const cacheBytes = ({ modelCacheBytes }: Settings) => modelCacheBytes ?? CACHE_SHARE * totalBytes();
  const tellSettings = () => settings.get().then((now) => host.send({ type: 'settings', cacheBytes: cacheBytes(now) }))
    .catch((error: unknown) => log.error('settings.untold', { error }));
  host.on('ready', () => void tellSettings());

  const notices = new Notices(() => [...folder.notices, ...database.notices, settings.notice, heldNotice(queue.countHeld())]);
  for (const { about } of notices.list()) {
    log.warn('folder.notice', { about });
    options.tell?.(about);
  }

  let recovery: Promise<Recovery | null> = Promise.resolve(null);
  const recover = (): void => {
    recovery = library.recover().finally(() => queue.tellAll()).catch((error: unknown) => {
      log.error('library.unchecked', { error });
      return null;
    });
  };
  if (options.resume || database.isNew) recover();
  queue.start({ resume: false });
  let hasTakenUp = false;
  const takeUp = (before: number): void => {
    try {
      if (hasTakenUp) recover();      // another process may have left a picture without its record
      hasTakenUp = true;
      queue.takeUp({ before });
    } catch (error) {
      log.error('jobs.untaken', { error });
    }
  };
  const stopWaiting = options.resume ? untilAlone(session, takeUp) : null;

  const machine = async (): Promise<MachineInfo> => {
    const { name, cores } = processor();
    const { residentBytes: usedByWorkerBytes, mappedBytes: mappedByWorkerBytes } = await memory.held();
    return { provider: 'cpu', cores, cpu: name, memory: { totalBytes: totalBytes(), usedByWorkerBytes, mappedByWorkerBytes }, version, dataDir: folder.root, notices: notices.list() };
  };

  const cleanUp = openCleanUp({ folder, log, session, database, library, blobs, queue, recovery: () => recovery }, options.cleanUpTimes);
  if (options.resume) cleanUp.start();

  return {
    dataDir: folder.root, log, cleanUp, queue, library, models, blobs: { add: (bytes, sizeBytes) => blobs.putPicture(bytes, sizeBytes), open: (hash) => blobs.open(hash) },
    prompts: { loras: async (request) => calledUp(request, await models.known()) },
    styles: { list: () => prompts.styles() },
    pictures: {
      read: async (blob) => {
        const files = await models.known();
        return readingOf(await reader.report(await blobs.path(blob), localsOf(files)), files);
      },
      control: async ({ image, ...making }) => ({ picture: `data:image/webp;base64,${Buffer.from(await reader.control(await blobs.path(image), making)).toString('base64')}` }),
      readJob: async (job) => {
        const files = await models.known();
        return readingOf(reportOnJob(job, localsOf(files)), files);
      },
    },
    machine,
    report: async (about) => reportOn(about, await machine(), log),
    windowFailed: hearWindow(log.of('window')),
    dismissNotice: async (id) => notices.dismiss(id),
    estimate: async (request) => estimates.estimate(request, await models.runnable(request)),
    settings: {
      get: () => settings.get(),
      set: async (patch) => {
        // By model, so that two windows may each say something of another one.
        const changed = await settings.change(({ modelSettings }) => ({ ...patch, ...(patch.modelSettings && { modelSettings: { ...modelSettings, ...patch.modelSettings } }) }));
        await tellSettings();
        return changed;
      },
    },
    picturePath: (id) => library.path(id),
    thumbnailPath: (id) => library.thumbnail(id),
    close: async () => {
      stopWaiting?.();
      await cleanUp.close();
      memory.close();
      await Promise.all([queue.close(), reader.close(), prompts.close(), modelReader.close()]);
      await models.close();
      await recovery;
      database.close();
      session.signOut();
      log.info('studio.closed');
      if (!options.log) log.close();
    },
  };
}

const heldNotice = (count: number): ErrorInfo | null => (count === 0 ? null : { code: 'jobs.held', data: { count } });
