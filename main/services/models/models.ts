// The models that the studio knows: those in the data folder, in any folder that was added, single files, and the one that ships with it.
// They stay where they are. Headers are read, weights are not; hashes come in the background.
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, join, resolve, sep } from 'node:path';
import { slotEntries, slotOf, slotsFrom, usualParts, type PartSlot, type SlotName } from '../../../preload/contract/file-slots';
import type { SlotIds } from '../../../preload/contract/job';
import { usualSettings, type ModelEntry, type ModelReport } from '../../../preload/contract/model';
import type { Settings } from '../../../preload/contract/studio';
import { AppError } from '../../engine/errors';
import { stampOf } from '../../files/stamp';
import type { ModelHashes } from './file-hashes';
import { describeModel, entryOf, isListed, modelId, type ModelFile, type ModelNotes } from './describe';
import { BackgroundHashes, type HashCache } from './hashing';
import { isPart, partGone, previewDecoderFor, vaeBeside } from './parts';
import { composeModel, type ModelChoice, type RunnableModel } from './runnable';
import { isModelFolder, isModelName, scanFolders, type Scan } from './scan';

export interface ModelsOptions {
  /** `<data>/models`. */
  readonly folder: string;
  /** The built-in model's file; its notes lie beside it, `.json` for `.safetensors`. */
  readonly builtIn: string;
  readonly settings: { get(): Promise<Settings>; set(patch: Partial<Settings>): Promise<Settings> };
  readonly hashCache: HashCache;
}

export class Models {
  private readonly options: ModelsOptions;
  private readonly hashes: BackgroundHashes;
  private files = new Map<string, ModelFile>();
  private unreachable: Scan['unreachable'] = [];
  private scanned: Promise<void> | null = null;
  private notes: Promise<ModelNotes> | null = null;

  constructor(options: ModelsOptions) {
    this.options = options;
    this.hashes = new BackgroundHashes(options.hashCache);
  }

  /** Own models by name, then the built-in one, then those that only finish pictures, then what cannot be used, with its reason. */
  async list(): Promise<ModelEntry[]> {
    await (this.scanned ??= this.scan());
    const settings = await this.options.settings.get();
    const entries = [...this.files.values()].filter(isListed).map((file) => this.entryOf(file, settings));
    const rank = (entry: ModelEntry) => (!entry.runnable ? 3 : entry.family === 'sdxl-refiner' ? 2 : entry.builtIn ? 1 : 0);
    entries.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    return [...entries, ...this.unreachable.map(folderEntry)];
  }

  async parts(): Promise<ModelEntry[]> {
    await (this.scanned ??= this.scan());
    const settings = await this.options.settings.get();
    return [...this.files.values()].filter(({ entry }) => isPart(entry)).map((file) => this.entryOf(file, settings)).sort((a, b) => a.name.localeCompare(b.name));
  }

  async refresh(): Promise<ModelEntry[]> {
    await this.scanned;
    this.scanned = this.scan();
    return this.list();
  }

  /** A folder joins the settings, and so does a model, file or diffusers folder, from outside the known folders. Throws file.notFound, model.notACheckpoint, weights.*. */
  async add(path: string): Promise<ModelEntry[]> {
    const real = await realpath(resolve(path)).catch((cause: unknown) => { throw notThere(path, cause); });
    const isFolder = (await stat(real)).isDirectory(), isModel = isFolder ? await isModelFolder(real) : isModelName(real);
    const settings = await this.options.settings.get(), { modelFolders, modelFiles } = settings;
    if (isFolder && !isModel) {
      if (!modelFolders.includes(real)) await this.options.settings.set({ modelFolders: [...modelFolders, real] });
      return (await this.refresh()).filter(({ path: file }) => file === real || file.startsWith(real + sep));
    }
    if (!isModel) throw notAModel(real);
    await this.list();
    const file = await this.open(real);
    if (file.error && !isPart(file.entry)) throw file.error;
    if (!this.files.has(file.entry.id)) {
      await this.options.settings.set({ modelFiles: [...modelFiles, real] });
      this.keep(file);
    }
    return [this.entryOf(file, settings)];
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
    const parts = slotEntries<string | null>(ids).map(async ([slot, id]): Promise<[SlotName, ModelFile][]> => (id === null ? [] : [[slot, await this.part(id, slotOf(slot).label, file)]]));
    return composeModel({ file, parts: slotsFrom((await Promise.all(parts)).flat()), prediction: settings.modelSettings[choice.model]?.prediction }, (each) => this.hashes.known(each)?.sha256 ?? null);
  }

  /** Every file, adapters too, with its hashes as far as these are known. */
  async known(): Promise<{ entry: ModelEntry; hashes: ModelHashes | null }[]> {
    await (this.scanned ??= this.scan());
    return [...this.files.values()].map((file) => ({ entry: file.entry, hashes: this.hashes.known(file) }));
  }

  /** The path of a TAESD that shows the steps of models of this family, or null. */
  async previewDecoder(family: string): Promise<string | null> {
    await (this.scanned ??= this.scan());
    return previewDecoderFor(family, this.files.values());
  }

  /** Hashes this one next. null when its file is gone. */
  async hash(id: string): Promise<string | null> {
    const file = await this.find(id).catch(() => null);
    return file && ((await this.hashes.now(file))?.sha256 ?? null);
  }

  close(): Promise<void> { return this.hashes.close(); }

  /** Throws model.notFound naming what it is for, and why the file cannot be read. */
  private async part(id: string, what: string, model: ModelFile): Promise<ModelFile> {
    const file = await this.find(id).catch((cause: unknown) => { throw partGone(what, model.entry.name, cause); });
    if (!file.weights) throw file.error!;
    return file;
  }

  private async find(id: string): Promise<ModelFile> {
    await (this.scanned ??= this.scan());
    if (!this.files.has(id)) await this.refresh();               // it may have been put there since
    const known = this.files.get(id);
    if (!known) throw new AppError('model.notFound', { message: `There is no model ${id}`, hint: 'Choose another model; its file may have been moved or deleted.' });
    const file = await this.open(known.path);
    if (file !== known) this.keep(file);
    return file;
  }

  private async scan(): Promise<void> {
    const { modelFolders, modelFiles } = await this.options.settings.get();
    const found = await scanFolders([this.options.folder, ...modelFolders]);
    const builtIn = await realpath(this.options.builtIn).catch(() => this.options.builtIn);
    const single = await Promise.all(modelFiles.map((path) => realpath(path).catch(() => path)));
    const files = new Map<string, ModelFile>();
    for (const path of new Set([builtIn, ...single, ...found.files])) {
      const file = await this.open(path, path === builtIn).catch(() => null);       // it went away while we looked, or long ago
      if (file) files.set(file.entry.id, file);
    }
    this.files = files;
    this.unreachable = found.unreachable;
    for (const file of files.values()) if (file.entry.runnable) this.hashes.later(file);
  }

  /** From memory while the file is unchanged. Throws model.notFound when it is not there. */
  private async open(path: string, builtIn = this.files.get(modelId(path))?.entry.builtIn ?? false): Promise<ModelFile> {
    const stamp = await stampOf(path);
    if (!stamp) throw new AppError('model.notFound', { message: `${basename(path)} is not there any more`, hint: 'Choose another model, or put the file back.', data: { file: path } });
    const known = this.files.get(modelId(path));
    if (known?.sizeBytes === stamp.sizeBytes && known.mtimeMs === stamp.mtimeMs) return known;
    return describeModel(path, stamp, builtIn, builtIn ? await (this.notes ??= readNotes(path)) : {});
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

export const readNotes = async (model: string): Promise<ModelNotes> => JSON.parse(await readFile(model.replace(/\.safetensors$/, '.json'), 'utf8')) as ModelNotes;

export const builtInModel = (resourcesDir: string): string => join(resourcesDir, 'models', 'atelier-mini.safetensors');

const defined = <T extends object>(fields: T): T => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

/** A folder that cannot be read stands in the list with its reason, where its models would be. */
const folderEntry = ({ folder, error }: Scan['unreachable'][number]): ModelEntry => ({
  id: modelId(folder), kind: null, name: basename(folder), path: folder, sizeBytes: 0, hash: null, family: null, variant: null, prediction: null, predictionDoubtful: false, runnable: false, lacks: [], besideVae: null, parts: { vae: null, textEncoders: [] },
  error: error.toInfo(), nativeSize: { width: 512, height: 512 }, examples: [], defaults: usualSettings, builtIn: false,
});

const notThere = (path: string, cause: unknown) => new AppError('file.notFound', {
  message: `${path} is not there`, hint: 'Check the path. The file may have been moved, or its drive is not connected.', data: { file: path }, cause,
});
const notAModel = (path: string) => new AppError('model.notACheckpoint', {
  message: `${basename(path)} is no model file that Atelier reads`, hint: 'Choose a .safetensors or .ckpt file, a diffusers folder, or a folder that has some.', data: { file: path },
});
