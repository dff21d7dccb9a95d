// Every error there is: its code, the HTTP status that answers with it, and the values that its words name. The words are in resources/locales.
import { z } from 'zod';
import { Problem, dims } from './problems';

const text = z.string();
const number = z.number();
const names = z.array(z.string());
/** An absolute path; its words show the name alone. */
const file = z.string();
const files = z.array(file);
/** What the system or a library said, in its own language. */
const detail = z.string();

type Shape = Readonly<Record<string, z.ZodType>>;
type Values<S extends Shape> = { [K in keyof S]: z.output<S[K]> };
type OneOf<S extends Shape, W extends Readonly<Record<string, Shape>>> = { [K in keyof W & string]: { [N in 'why' | keyof S | keyof W[K]]: N extends 'why' ? K : N extends keyof S ? z.output<S[N]> : N extends keyof W[K] ? z.output<W[K][N]> : never } }[keyof W & string];

export interface ErrorSpec<D = unknown> {
  /** 4xx: what was asked or a file is at fault; 5xx: this machine, or Atelier. */
  readonly status: number;
  readonly data: z.ZodType<D>;
  /** Names of the values; of a code with several faults, by `why`. */
  readonly values: readonly string[] | Readonly<Record<string, readonly string[]>>;
}

function error<S extends Shape>(status: number, shape: S): ErrorSpec<Values<S>> {
  return { status, data: z.object(shape) as unknown as z.ZodType<Values<S>>, values: Object.keys(shape) };
}

/** A code with several faults, told apart by `why`, which also chooses the words. */
function oneOf<S extends Shape, W extends Readonly<Record<string, Shape>>>(status: number, shared: S, whys: W): ErrorSpec<OneOf<S, W>> {
  const options = Object.entries(whys).map(([why, own]) => z.object({ why: z.literal(why), ...shared, ...own }));
  return {
    status, data: z.union(options) as unknown as z.ZodType<OneOf<S, W>>,
    values: Object.fromEntries(Object.entries(whys).map(([why, own]) => [why, [...Object.keys(shared), ...Object.keys(own)]])),
  };
}

/** Another error, as a part of this one. */
const inner = z.object({ code: text, data: z.record(text, z.any()) });
const part = z.enum(['vae', 'text-encoder']);
const key = text, entry = text, storage = text, most = number, sizeBytes = number, expectedBytes = number;

export const errorCodes = {
  // files and folders
  /** `named`: by somebody just now, who is shown the whole path. */
  'file.notFound': oneOf(404, { file }, { gone: {}, named: {} }),
  'file.unreadable': oneOf(422, { file, detail }, { folder: {}, permission: {}, drive: {} }),
  'folder.notFound': error(404, { folder: file }),
  'folder.unreadable': error(422, { folder: file, detail }),
  /** Only the first `most` were looked at. */
  'folder.tooLarge': error(422, { folder: file, most: number }),
  'folder.noModel': oneOf(422, { folder: file }, { none: {}, several: { names, count: number } }),
  'folder.noCases': error(404, { folder: file }),

  // weights
  'weights.notSafetensors': oneOf(422, { file }, { pickle: {}, gguf: {}, onnx: {}, archive: {}, text: {}, html: {}, lfs: {}, unknown: {} }),
  'weights.truncated': oneOf(422, { file }, {
    empty: {}, zeros: {}, header: { sizeBytes, expectedBytes }, tensors: { sizeBytes, expectedBytes, key },
    storage: { sizeBytes, expectedBytes, storage }, pickle: { offset: number }, zip: { sizeBytes },
  }),
  'weights.badHeader': oneOf(422, { file }, {
    tooLong: { length: number, most }, notJson: { detail }, notObject: {}, twice: { key }, metadata: {}, metadataText: { key }, entry: { key }, noDtype: { key }, shape: { key },
    longName: { length: number }, tensors: { most }, nested: {}, values: { most }, pickle: { detail, offset: number }, steps: { most }, entrySize: { entry, sizeBytes },
    version: {}, zipTwice: { entry }, zipSize: { sizeBytes }, zipPlace: {}, zip64: {}, zip: {}, zipNoSize: { entry }, zipEntry: { entry }, embedding: {},
  }),
  'weights.badOffsets': oneOf(422, { file }, {
    noRange: { key }, size: { key, got: number, want: number, dtype: text, shape: dims }, overlap: { key, other: key }, behind: { key, offset: number, sizeBytes },
    hole: { key, other: key, bytes: number }, firstHole: { key, bytes: number }, rest: { bytes: number },
    noStorage: { storage }, storageSize: { storage, got: number, want: number }, unnamed: {}, behindStorage: { key, shape: dims, sizeBytes }, zip: { entry },
  }),
  'weights.unsupportedLayout': oneOf(422, { file }, { bigEndian: {}, strides: { key, shape: dims, strides: dims }, packed: { entry }, notEmbedding: {}, noWord: { name: text } }),
  /** A tensor in a pickle that is not a row of numbers. */
  'weights.tensorForm': oneOf(422, { file }, { meta: {}, sparse: {}, quantized: {}, nested: {}, wrapped: {} }),
  'weights.unsupportedDtype': oneOf(422, { file, key, dtype: text }, { unknown: {}, wholeNumbers: { shape: dims } }),
  'weights.notFloats': error(422, { dtype: text }),
  /** `form`: whose form the weights are in; `key`: the tensor that tells. */
  'weights.foreignForm': error(422, { file, form: text, key }),
  'weights.forbiddenGlobal': error(422, { file, global: text }),
  'weights.missingTensor': error(422, { file, key }),
  'weights.shapeMismatch': error(422, { file, key, got: dims, want: dims }),
  'weights.notFinite': oneOf(422, {}, {
    answer: {}, tensor: { file, key, index: number }, models: { files }, embedding: { file }, layer: { key, shape: dims },
  }),

  // networks of the user's
  'onnx.unreadable': oneOf(422, { file }, { notOnnx: {}, cut: { sizeBytes, expectedBytes }, large: { most }, outside: { entry }, missing: { entry } }),
  /** What a network takes and gives, where its file and the catalogue do not tell. `form`: sizes, for people. */
  'onnx.contract': oneOf(422, { file }, {
    unknown: { names }, name: { name: text, names }, task: { task: text, want: text }, json: { detail }, inputs: { names }, input: { form: text }, outputs: { names }, output: { form: text }, notFinite: {},
  }),

  // models
  'model.notFound': oneOf(404, {}, {
    id: { id: text }, gone: { file }, slot: { slot: text, model: text }, none: { flag: text }, several: { flag: text, name: text, names }, unknown: { flag: text, name: text, names }, alone: { flag: text, name: text },
    meant: { flag: text, name: text, meant: text }, ofPicture: { file, name: text },
  }),
  'model.notACheckpoint': oneOf(422, { file }, {
    picture: {}, zip: {}, pickle: {}, empty: {}, other: {}, none: {}, kind: { kind: text }, folder: { part: text },
  }),
  /** The process that looked into it ended over it. */
  'model.unreadable': oneOf(422, { file }, { late: { seconds: number }, memory: { bytes: number }, ended: { detail } }),
  'model.unsupported': oneOf(422, { file }, { family: { family: text }, unknown: {}, variant: { family: text }, edm: {}, cosxl: {}, prediction: { from: text, said: text }, upscaler: { key }, operation: { operation: text } }),
  'model.incomplete': error(422, { file, family: text, problem: Problem, count: number }),
  'model.lacks': error(422, { file, parts: z.array(part) }),
  'model.lacksNetwork': oneOf(422, { file }, { unet: {}, text: {}, vae: {}, textProjection: {}, taesdDecoder: {}, taesdEncoder: {}, encoder: {} }),
  'model.needs': oneOf(422, { model: text }, { parts: { parts: text }, depth: {} }),
  'model.wrongPart': oneOf(422, { file }, { vae: {}, text: {}, openclip: {}, taesd: {}, slot: { slot: text, kind: text } }),
  'model.partsClash': error(422, { files }),
  'model.shard': error(404, { file, folder: file, count: number }),
  'model.drives': error(422, { roots: names }),

  // model tools
  'lora.misfit': error(422, { layer: text, got: z.array(dims), want: dims }),
  'lora.broken': oneOf(422, { file, layer: text }, { half: {}, rank: {} }),
  /** `lora` and `model` are names. */
  'lora.otherBase': error(422, { lora: text, made: text, model: text, family: text }),
  'lora.changesNothing': oneOf(422, { file, model: file }, { noLora: {}, incomplete: { layer: text }, family: { layer: text } }),
  'merge.noThird': error(400, {}),
  'merge.lora': error(422, { file }),
  'merge.strangers': error(422, { files, missing: number, count: number, names }),
  'merge.misfit': oneOf(422, { files, names }, { all: {}, layers: { count: number }, inputs: {} }),
  'merge.blocks': oneOf(400, {}, { name: { name: text }, value: { name: text, value: text }, count: { count: number }, json: { detail } }),
  'extract.equal': error(422, { files }),
  'extract.nothing': error(422, { file }),
  'extract.strangers': error(422, { files, count: number, names }),
  'extract.misfit': error(422, { files, key, shapes: z.array(dims) }),
  'tool.overSource': error(400, { file }),

  'upscale.tooLarge': error(422, { width: number, height: number, most: number }),

  // requests and jobs
  'edit.unfit': oneOf(422, {}, { word: { word: text }, sourceWord: { word: text }, parts: {} }),
  'request.invalid': oneOf(400, { field: text }, {
    type: { want: text }, low: { want: number }, high: { want: number }, long: { want: number }, short: { want: number }, step: { want: number }, choice: { names },
    unknown: { names }, missing: {}, pair: {}, apart: { other: text }, text: {}, seed: {}, path: {}, format: {}, version: { known: number },
  }),
  /** From here to `longHead`: what HTTP itself finds wrong with one. */
  'request.unreadable': error(400, {}),
  'request.method': error(405, {}),
  'request.late': error(408, {}),
  'request.tooLarge': error(413, {}),
  'request.type': error(415, {}),
  'request.longHead': error(431, {}),
  'job.refiner': error(400, { refiner: text, model: text, xl: text }),
  'control.notRead': error(422, { file }),
  'control.faceId': error(422, { file }),
  /** `wanted`: the name or width of the image tower that it reads by. */
  'control.tower': oneOf(422, { file, wanted: text }, { missing: {}, other: { tower: file } }),
  'control.noPicture': error(422, { control: text }),
  'control.otherBase': error(422, { file, family: text, model: text }),
  'control.kind': error(400, { file, kind: number, kinds: number }),
  'job.noDepth': error(400, {}),
  'job.emptyMask': error(400, {}),
  'job.largeCanvas': error(400, { width: number, height: number, most: number }),
  'job.longPrompt': error(400, {}),
  'job.notFound': error(404, { id: text }),
  'job.unreadable': oneOf(422, { id: text }, { newer: {}, damaged: {} }),
  /** A text file of the user's. */
  'text.unreadable': oneOf(422, { file }, { permission: { detail }, notPlain: { detail }, long: { most } }),
  /** The process that read the texts in `folder` ended over them. */
  'prompts.unreadable': oneOf(422, { folder: file }, { late: { seconds: number }, memory: { bytes: number }, ended: { detail } }),
  'style.notFound': error(404, { name: text }),
  /** It may be another process's, which uses the same data folder. */
  'job.held': error(409, {}),
  'jobs.held': error(409, { count: number }),
  'job.cancelled': error(409, {}),
  'pass.unreadable': oneOf(422, { file }, { format: {}, damaged: {}, facts: { detail } }),
  'pass.stale': error(409, { field: text }),
  'preprocessor.unknown': error(400, { name: text, names }),
  /** Stored by a version that kept an error's sentences. */
  'job.earlier': error(500, { message: text, hint: text }),

  // pictures
  /** `name`: '' where it has none, such as a picture from the clipboard. */
  'picture.unreadable': oneOf(422, {}, {
    format: { name: text, detail }, cutOff: {}, late: { name: text, seconds: number }, memory: { name: text, bytes: number },
    ended: { name: text, detail }, closing: { name: text },
  }),
  'picture.tooLarge': error(413, { most }),
  /** Its file in the library is cut short. */
  'picture.damaged': error(422, { file }),
  /** `name`: '' where it has none. */
  'picture.noPerson': error(422, { name: text }),
  'picture.notFound': oneOf(404, {}, { id: { id: text }, file: { file }, blob: { hash: text }, notPlain: { file }, outside: { file } }),
  /** What the database says of a picture. */
  'record.unreadable': oneOf(422, { file }, { newer: {}, damaged: {} }),
  /** Its file is written, and `error` kept its record from being. */
  'picture.unrecorded': error(507, { error: inner }),

  // this machine
  'disk.full': oneOf(507, { folder: file, what: text, neededBytes: number }, { known: { freeBytes: number }, unknown: {} }),
  'disk.failed': error(507, { folder: file, what: text, detail }),
  /** `what`: a file or folder that was to be opened. */
  'disk.silent': error(503, { what: text, detail }),
  'machine.exhausted': oneOf(503, { what: text }, { handles: {}, allHandles: {}, memory: {}, processes: {} }),
  /** A file that the command line names. */
  'input.unreadable': error(422, { flag: text, file, error: inner }),
  'disk.out': oneOf(507, { file }, { full: {}, failed: { detail } }),
  'data.folder': error(507, { folder: file, detail }),
  'data.damaged': oneOf(500, { file, detail, kept: text }, { settings: {}, database: {}, secret: {}, other: {} }),
  /** It waits as `kept` for the version that made it. */
  'data.newer': error(500, { file, version: number, kept: text }),
  'log.unwritable': error(507, { file, detail }),
  'database.damaged': error(500, { file, detail }),
  'settings.unreadable': error(503, { file, detail }),
  'memory.exhausted': oneOf(507, {}, { open: { network: text }, run: { network: text }, worker: { peakBytes: number }, workerUnmeasured: {} }),
  'worker.died': oneOf(500, {}, { signal: { signal: text, stderr: text }, code: { exit: number, stderr: text } }),
  'worker.notStarting': error(500, { detail }),
  'worker.failed': oneOf(500, { network: text, detail }, { open: {}, run: {} }),
  'reader.notStarting': error(500, { detail }),
  'studio.closing': error(503, {}),
  'studio.unreachable': error(503, { detail }),
  'port.inUse': error(400, { port: number }),
  'auth.missing': error(401, {}),
  /** A code that lets a browser in, and does not. */
  'auth.code': oneOf(401, {}, { used: {}, otherUser: {} }),
  'server.secret': error(500, { file, detail }),
  'server.busy': error(503, { most }),
  'auth.refused': oneOf(403, {}, { page: {}, origin: { origin: text }, host: { host: text } }),
  'address.unknown': error(404, {}),

  // the terminal
  usage: oneOf(400, {}, {
    command: { name: text, names }, commandMeant: { name: text, meant: text }, flag: { flag: text, command: text }, flagMeant: { flag: text, command: text, meant: text },
    switch: { flag: text, value: text }, noValue: { flag: text, example: text }, choice: { flag: text, value: text, names }, choiceMeant: { flag: text, value: text, meant: text },
    number: { flag: text, value: text }, weight: { flag: text, value: text }, seed: { flag: text, value: text }, words: { command: text, word: text }, positional: { command: text, positional: text }, missing: { flag: text, example: text },
    companion: { flag: text, base: text }, control: { value: text }, prompt: {}, upscale: {}, size: { value: text }, sides: { value: text }, detail: { value: text, names }, out: { value: text }, outModel: { value: text }, rank: { flag: text, value: number }, lora: { value: text },
    third: {}, from: { file }, noPictures: { folder: file }, outFolder: { value: text }, cases: { prefix: text, folder: file, names }, port: { value: text }, server: { detail },
  }),

  /** A fault of ours; `detail` is what was thrown. */
  internal: error(500, { detail }),
} as const;
