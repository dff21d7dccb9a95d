// The models that the studio knows: those in the data folder, in any folder that was added, single files, and the one that ships with it.
// They stay where they are. Headers are read, weights are not; hashes come in the background.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { basename, dirname, join, resolve, sep } from 'node:path';
import { slotEntries, slotOf, slotsFrom, usualParts, type PartSlot, type SlotName } from '../../../preload/contract/file-slots';
import type { SlotIds } from '../../../preload/contract/job';
import { usualSettings, type ModelEntry, type ModelReport } from '../../../preload/contract/model';
import type { Settings } from '../../../preload/contract/studio';
import { AppError, toAppError } from '../../engine/errors';
import { stampOf } from '../../files/stamp';
import { unreadable } from '../../files/weight-file';
import { isPassing } from '../../files/system-faults';
import type { ModelHashes } from './file-hashes';
import { builtInUpscalers, upscalerFile } from './built-in-upscalers';
import { KnownWeights } from './known-weights';
import { describeModel, entryOf, isListed, modelId, type Describe, type ModelFile, type ModelNotes } from './describe';
import { BackgroundHashes, type HashCache } from './hashing';
import { isPart, partGone, previewDecoderFor, vaeBeside } from './parts';
import { composeModel, knownFile, saidOf, type KnownBeside, type ModelChoice, type Said, type RunnableModel } from './runnable';
import { isModelFolder, isModelName, scanFolders, type Scan } from './scan';
import { foldersApart } from './which-model';

export interface ModelsOptions {
  /** `<data>/models`. */
  readonly folder: string;
  /** The built-in model's file; its notes lie beside it, `.json` for `.safetensors`. */
  readonly builtIn: string;
  readonly settings: { get(): Promise<Settings>; change(patch: (settings: Settings) => Partial<Settings>): Promise<Settings> };
  readonly hashCache: HashCache;
  /** Where files are looked into; here where nothing is said. */
  readonly describe?: Describe;
}

/** A file as it is listed, with what it says of itself. */
export interface AnyFile extends Said { readonly entry: ModelEntry; readonly hashes: ModelHashes | null }

export class Models {
  private readonly options: ModelsOptions;
  private readonly hashes: BackgroundHashes;
  private readonly describe: Describe;
  private readonly weights = new KnownWeights();
  private readonly upscalers: ReadonlyMap<string, number>;
  private files = new Map<string, ModelFile>();
  private unreachable: Scan['unreachable'] = [];
  private scanned: Promise<void> | null = null;
  private nextScan: Promise<void> | null = null;
  private notes: Promise<ModelNotes> | null = null;

  constructor(options: ModelsOptions) {
    this.options = options;
    this.upscalers = builtInUpscalers(dirname(options.builtIn));
    this.hashes = new BackgroundHashes(options.hashCache);
    this.describe = options.describe ?? describeModel;
  }

  /** Own models by name, then the built-in one, then those that only finish pictures, then what cannot be used, with its reason. */
  async list(): Promise<ModelEntry[]> {
    await this.firstScan();
    const settings = await this.options.settings.get();
    const entries = [...this.files.values()].filter(isListed).map((file) => this.entryOf(file, settings));
    const rank = (entry: ModelEntry) => (!entry.runnable ? 3 : entry.family === 'sdxl-refiner' ? 2 : entry.builtIn ? 1 : 0);
    entries.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    return [...withFolders(entries), ...this.unreachable.map(folderEntry)];
  }

  async parts(): Promise<ModelEntry[]> {
    await this.firstScan();
    const settings = await this.options.settings.get();
    return withFolders([...this.files.values()].filter(({ entry }) => isPart(entry)).map((file) => this.entryOf(file, settings)).sort((a, b) => Number(a.builtIn) - Number(b.builtIn) || a.name.localeCompare(b.name)));
  }

  async refresh(): Promise<ModelEntry[]> {
    await this.rescan();
    return this.list();
  }

  /** A folder joins the settings, and so does a model, file or diffusers folder, from outside the known folders. Throws file.notFound, model.notACheckpoint, weights.*. */
  async add(path: string): Promise<ModelEntry[]> {
    const real = await fs.realpath(resolve(path)).catch((cause: unknown) => { throw notThere(path, cause); });
    const isFolder = (await fs.stat(real)).isDirectory(), isModel = isFolder ? await isModelFolder(real) : isModelName(real);
    const { settings } = this.options;
    if (isFolder && !isModel) {
      await settings.change(({ modelFolders }) => ({ modelFolders: withPath(modelFolders, real) }));
      return (await this.refresh()).filter(({ path: file }) => file === real || file.startsWith(real + sep));
    }
    if (!isModel) throw notAModel(real);
    await this.list();
    const file = await this.open(real);
    if (file.error && !isPart(file.entry)) throw file.error;
    if (!this.files.has(file.entry.id)) {
      await settings.change(({ modelFiles }) => ({ modelFiles: withPath(modelFiles, real) }));
      this.keep(file);
    }
    return [this.entryOf(file, await settings.get())];
  }

  /** The same as `inspect FILE` says; hashes once they are known. */
  async inspect(id: string): Promise<ModelReport> {
    const file = await this.find(id);
    if (!file.identity) throw file.error!;
    return { ...file.identity, hashes: this.hashes.known(file) };
  }

  /** Throws model.notFound, and what `composeModel` throws. */
  async runnable(choice: ModelChoice): Promise<RunnableModel> {
    const file = await this.find(choice.model);
    const settings = await this.options.settings.get(), usual = this.entryOf(file, settings).parts;
    const { model: _model, ...said } = choice, ids: Pick<SlotIds, PartSlot> = { ...usual, ...defined(said) };
    const parts = slotEntries<string | null>(ids).map(async ([slot, id]): Promise<[SlotName, ModelFile][]> => (id === null ? [] : [[slot, await this.part(id, slot, file)]]));
    return composeModel({ file, parts: slotsFrom((await Promise.all(parts)).flat()), weightsOf: (each) => this.weights.of(each), prediction: settings.modelSettings[choice.model]?.prediction }, (each) => this.hashes.known(each)?.sha256 ?? null);
  }

  /** A file of its own in a job's slot; `scale`: of an upscaler, as far as its names tell. Throws model.notFound, model.wrongPart, and why the file cannot be read. */
  async file(id: string, slot: SlotName): Promise<KnownBeside> {
    const file = await this.find(id), { kinds } = slotOf(slot);
    if (!file.identity) throw file.error!;
    const { kind, scale = null } = file.identity;
    if (!kinds.includes(kind)) throw new AppError('model.wrongPart', { why: 'slot', file: file.path, slot, kind });
    return { ...knownFile(file, slot, this.hashes.known(file)?.sha256 ?? null), ...saidOf(file), scale };
  }

  /** Every file, adapters too, with its hashes as far as these are known. */
  async known(): Promise<AnyFile[]> {
    await this.firstScan();
    return [...this.files.values()].map((file) => ({ entry: file.entry, hashes: this.hashes.known(file), ...saidOf(file) }));
  }

  /** Hashes this one next. null when its file is gone. */
  async allHashes(id: string): Promise<ModelHashes | null> {
    const file = await this.find(id).catch(() => null);
    return file && this.hashes.now(file);
  }

  /** The path of a TAESD that shows the steps of models of this family, or null. */
  async previewDecoder(family: string): Promise<string | null> {
    await this.firstScan();
    return previewDecoderFor(family, this.files.values());
  }

  /** The same of all its bytes alone. */
  async hash(id: string): Promise<string | null> {
    return (await this.allHashes(id))?.sha256 ?? null;
  }

  close(): Promise<void> { return this.hashes.close(); }

  /** Throws model.notFound naming what it is for, and why the file cannot be read. */
  private async part(id: string, slot: SlotName, model: ModelFile): Promise<ModelFile> {
    const file = await this.find(id).catch((cause: unknown) => { throw partGone(slot, model.entry.name, cause); });
    if (!file.identity) throw file.error!;
    return file;
  }

  private async find(id: string): Promise<ModelFile> {
    await this.firstScan();
    if (!this.files.has(id)) await this.rescan();               // it may have been put there since
    const known = this.files.get(id);
    const away = this.unreachable.find(({ error }) => isPassing(error.code));
    if (!known && away) throw away.error;                        // it may lie there
    if (!known) throw new AppError('model.notFound', { why: 'id', id });
    const file = await this.open(known.path);
    if (file !== known) this.keep(file);
    return file;
  }

  /** One that fails is made again by whoever asks next. */
  private firstScan(): Promise<void> {
    this.scanned ??= this.scan().catch((error: unknown) => {
      this.scanned = null;
      throw error;
    });
    return this.scanned;
  }

  /** One at a time: whoever asks while one runs shares the next, which sees what has come since. */
  private rescan(): Promise<void> {
    this.nextScan ??= Promise.resolve(this.scanned).catch(() => {}).then(() => {
      this.nextScan = null;
      this.scanned = null;
      return this.firstScan();
    });
    return this.nextScan;
  }

  private async scan(): Promise<void> {
    const { modelFolders, modelFiles } = await this.options.settings.get();
    const found = await scanFolders([this.options.folder, ...modelFolders]);
    const builtIn = await fs.realpath(this.options.builtIn).catch(() => this.options.builtIn);
    const single = await Promise.all(modelFiles.map((path) => fs.realpath(path).catch(() => path)));
    const files = new Map<string, ModelFile>(), unreachable = [...found.unreachable];
    for (const path of new Set([builtIn, ...this.upscalers.keys(), ...single, ...found.files])) {
      try {
        const file = await this.open(path, path === builtIn);
        files.set(file.entry.id, file);
      } catch (cause) {
        const error = toAppError(cause);
        if (error.code !== 'model.notFound') unreachable.push({ folder: path, error });      // else it went away while we looked, or long ago
      }
    }
    this.files = files;
    this.unreachable = unreachable;
    for (const file of files.values()) if (file.entry.runnable) this.hashes.later(file);
  }

  /** From memory while the file is unchanged. Throws model.notFound when it is not there. */
  private async open(path: string, builtIn = this.files.get(modelId(path))?.entry.builtIn ?? false): Promise<ModelFile> {
    const stamp = await stampOf(path);
    if (!stamp) throw new AppError('model.notFound', { why: 'gone', file: path });
    const known = this.files.get(modelId(path));
    if (known?.sizeBytes === stamp.sizeBytes && known.mtimeMs === stamp.mtimeMs && known.config === stamp.config && !isPassing(known.error?.code)) return known;
    const scale = this.upscalers.get(path);
    if (scale !== undefined) return upscalerFile(path, stamp, scale);
    return this.describe(path, stamp, builtIn, builtIn ? await (this.notes ??= readNotes(path)) : {});
  }

  private keep(file: ModelFile): void {
    this.files.set(file.entry.id, file);
    if (file.entry.runnable) this.hashes.later(file);
  }

  private entryOf(file: ModelFile, settings: Settings): ModelEntry {
    const besideVae = vaeBeside(file.path, this.files);
    return { ...entryOf(file, this.hashes.known(file)?.sha256 ?? null, settings), besideVae, parts: usualParts(besideVae, settings.modelSettings[file.entry.id]) };
  }
}

export const readNotes = async (model: string): Promise<ModelNotes> => JSON.parse(await fs.readFile(model.replace(/\.safetensors$/, '.json'), 'utf8')) as ModelNotes;

export const builtInModel = (resourcesDir: string): string => join(resourcesDir, 'models', 'atelier-mini.safetensors');

const withPath = (paths: readonly string[], path: string): string[] => [...new Set([...paths, path])];

const defined = <T extends object>(fields: T): T => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

/** With the folders that tell files of one name apart. */
function withFolders(entries: readonly ModelEntry[]): ModelEntry[] {
  const byName = new Map<string, ModelEntry[]>(), folders = new Map<ModelEntry, string>();
  for (const entry of entries) byName.set(entry.name.toLowerCase(), [...byName.get(entry.name.toLowerCase()) ?? [], entry]);
  for (const alike of byName.values()) foldersApart(alike.map(({ path }) => path)).forEach((folder, i) => folders.set(alike[i]!, folder));
  return entries.map((entry) => (folders.get(entry) ? { ...entry, folder: folders.get(entry) } : entry));
}

/** A folder or file that cannot be looked at stands in the list with its reason, where its models would be. */
const folderEntry = ({ folder, error }: Scan['unreachable'][number]): ModelEntry => ({
  id: modelId(folder), kind: null, name: basename(folder), path: folder, sizeBytes: 0, hash: null, family: null, variant: null, prediction: null, predictionDoubtful: false, runnable: false, lacks: [], besideVae: null, parts: { vae: null, textEncoders: [] },
  error: error.info, nativeSize: { width: 512, height: 512 }, examples: [], defaults: usualSettings, builtIn: false,
});

const notThere = (path: string, cause: unknown): AppError => {
  const why = unreadable(path, cause);
  return why.code === 'file.notFound' ? new AppError('file.notFound', { why: 'named', file: path }, { cause }) : why;
};
const notAModel = (path: string) => new AppError('model.notACheckpoint', { why: 'other', file: path });
