// `generate`: one request from the command line, through the same queue, worker and library as the window.
import type { ErrorInfo } from '../../preload/contract/errors';
import { invalidRequest } from '../../preload/contract/invalid';
import { JobFields, JobRequest, type JobView } from '../../preload/contract/job';
import { rngOfNoise } from '../../preload/contract/job-versions';
import type { ModelEntry } from '../../preload/contract/model';
import type { PictureRequest } from '../../preload/contract/picture-report';
import type { Seed } from '../../preload/contract/seed';
import { Compat, Rng, samplerNames, scheduleNames } from '../../preload/contract/vocabulary';
import { AppError } from '../engine/errors';
import { findDataDir } from '../services/data/data-folder';
import { openLog } from '../services/log/log';
import { createStudio, type LocalStudio } from '../services/studio';
import { errorText } from '../words';
import { helpFor, parseCommand, type Command } from './args';
import { chooseModel } from './choose-model';
import { editingCompanions, editingFlags, editingFrom, sizeFrom, withoutUnset as given } from './editing-flags';
import { editCompanions, editFlags, editFrom } from './generate-edit';
import { initsAt, openInputs, readLike, suitsOf, type Inputs, type Size } from './generate-inputs';
import { runToEnd } from './run-to-end';
import { isSamplerName, isScheduleName, samplingOf } from './sampler-names';
import { prepareOut, type SaveCopy } from './save-copy';

const command = {
  name: 'generate',
  summary: 'Makes pictures. They land in the library, and where --out says. Ctrl-C cancels within two seconds.',
  flags: {
    from: { kind: 'text', value: 'PICTURE', help: 'as that picture was made, by this or another program; other flags change what they name' },
    prompt: { kind: 'text', value: 'TEXT', help: 'what to paint; (word:1.3) gives a word more weight; what follows a # is left out; \\ makes a sign text: \\# \\( \\[ \\{ \\< \\: \\__ \\AND \\BREAK' },
    negative: { kind: 'text', value: 'TEXT', help: 'what not to paint' },
    model: { kind: 'text', value: 'MODEL', help: 'a .safetensors or .ckpt file, a diffusers folder, a model\'s name, or the beginning of its hash' },
    seed: { kind: 'seed', value: 'N', help: 'the same seed gives the same picture; a new one each time without it' },
    steps: { kind: 'number', value: 'N', help: 'steps of the sampler' },
    sampler: { kind: 'text', value: 'NAME', help: 'sampler, by this or another program\'s name', choices: samplerNames, known: isSamplerName },
    schedule: { kind: 'text', value: 'NAME', help: 'noise schedule', choices: scheduleNames, known: isScheduleName },
    cfg: { kind: 'number', value: 'N', help: 'how closely to follow the prompt; 1 ignores the negative prompt' },
    size: { kind: 'text', value: 'WxH', help: 'pixels, multiples of 8; without it the model\'s own, in the shape of --init' },
    init: { kind: 'text', value: 'FILE|DIR', help: 'a picture to start from, or a folder: one picture is made of each in it' },
    strength: { kind: 'number', value: '0-1', help: 'how much of it to change; 0.6 without it' },
    mask: { kind: 'text', value: 'FILE', help: 'a grey picture over --init: only where it is white, something new is painted' },
    ...editingFlags,
    control: { kind: 'list', value: 'MODEL=FILE', help: 'a ControlNet, T2I-Adapter or IP-Adapter and the picture that it reads; behind it, with commas, preprocessor=NAME (one of `preprocess --list`, with its settings: low=50,resolution=512) where the picture is any, resize=crop|fill|stretch, weight=0-2, start=0-1, end=0-1, mode=balanced|prompt|control, mask=FILE, kind=N' },
    reference: { kind: 'text', value: 'FILE', help: 'a picture whose look the new one takes over; behind it, with commas, mode=reference_only|reference_adain|reference_adain+attn, fidelity=0-1, weight=0-2, start=0-1, end=0-1, resize=crop|fill|stretch' },
    'image-encoder': { kind: 'list', value: 'FILE', help: 'the CLIP vision file that IP-Adapters read by; the right one among your models without it' },
    depth: { kind: 'text', value: 'FILE', help: 'a depth map, lighter is nearer, for depth-to-image models' },
    'image-cfg': { kind: 'number', value: 'N', help: 'how closely to follow --init, for models that edit by instruction; 1.5 without it' },
    ...editFlags,
    vae: { kind: 'text', value: 'FILE', help: 'a VAE in place of the model\'s own, or a TAESD for a fast decode, named as for --model; "own" for the model\'s' },
    'text-encoder': { kind: 'list', value: 'FILE', help: 'a text encoder in place of the model\'s own; SDXL has two' },
    lora: { kind: 'list', value: 'NAME[:TE[:UNET]]', help: 'a LoRA, named as for --model, and its strengths in the text encoders and the U-Net; may be given more than once' },
    refiner: { kind: 'text', value: 'MODEL', help: 'a second model that finishes the picture, named as for --model' },
    'switch-at': { kind: 'number', value: '0-1', help: 'after which share of the noise --refiner takes over; 0.8 without it' },
    prediction: { kind: 'text', value: 'KIND', help: 'what the model predicts, where its file leaves that open', choices: ['eps', 'v'] },
    'vae-tile': { kind: 'number', value: 'PX', help: 'the VAE works in tiles of this side (256 to 2048), for large pictures in little memory' },
    'cfg-rescale': { kind: 'number', value: '0-1', help: 'how far to undo the contrast that a high --cfg adds; 0.7 suits models with zero terminal SNR' },
    rng: { kind: 'text', value: 'KIND', help: 'what draws a seed\'s noise: torch on the CPU, NVIDIA cards, or first the one and then the other', choices: Rng.options },
    compat: { kind: 'text', value: 'PROGRAM', help: 'whose conventions count steps, noise levels and defaults', choices: Compat.options },
    noise: { kind: 'text', value: 'SOURCE', help: '--rng and --compat in one, as earlier versions had it', choices: Object.keys(rngOfNoise) },
    'variation-strength': { kind: 'number', value: '0-1', help: 'how far to go towards the noise of another seed: pictures near --seed\'s' },
    'variation-seed': { kind: 'seed', value: 'N', help: 'that other seed; a new one each time without it' },
    ensd: { kind: 'number', value: 'N', help: 'added to the seed for the noise of the steps (eta noise seed delta)' },
    emphasis: { kind: 'text', value: 'MODE', help: 'whether (word:1.3) keeps the mean of the text embeddings', choices: JobFields.shape.emphasis.unwrap().options },
    'clip-skip': { kind: 'number', value: 'N', help: 'text layers to leave out at the end, counted from 1' },
    style: { kind: 'list', value: 'NAME', help: 'a style of styles.csv in the data folder; may be given more than once' },
    count: { kind: 'number', value: 'N', help: 'pictures, with seeds counting up' },
    out: { kind: 'text', value: 'FILE.png|DIR', help: 'where a copy goes' },
    'data-dir': { kind: 'text', value: 'DIR', help: 'where models, pictures and settings live' },
    json: { kind: 'switch', help: 'one JSON object on stdout' },
  },
} as const satisfies Command;

type Values = ReturnType<typeof parseCommand<typeof command.flags>>['values'];
interface Made extends Size { path: string; id: string; seed: Seed; seconds: number }

const cancelledCode = 130;

/** Exit code 130 when it was cancelled. Throws what made a picture fail. */
export async function runGenerate(args: string[]): Promise<number> {
  const { values, help } = parseCommand(command, args);
  if (help) {
    process.stdout.write(`${helpFor(command)}\n`);
    return 0;
  }
  const began = performance.now();
  checkCombination(values);
  const inits = await initsAt(values.init), save = await prepareOut(values.out, (values.count ?? 1) * inits.length);
  const dataDir = findDataDir(values['data-dir']);
  const tell = (info: ErrorInfo): void => { process.stderr.write(errorText(info)); };
  const studio = await createStudio({ dataDir, log: openLog(dataDir, 'terminal', { tell }), tell });
  try {
    const like = values.from === undefined ? undefined : await readLike(studio, values.from, values);
    const model = await chooseModel(studio.models, values.model ?? like?.files?.model ?? undefined);
    const requests: JobRequest[] = [], asked: JobView[] = [];
    let suits: ModelEntry['suits'];
    for (const [i, init] of inits.entries()) {
      const inputs = await openInputs(studio, { ...values, init });
      if (i === 0 && !like) suits = await suitsOf(studio, model.id, values.prompt ?? '', inputs.files?.loras);
      requests.push(requestFrom(values, model, { ...inputs, ...(suits && { suits }) }, like));
    }
    for (const request of requests) asked.push(...await studio.queue.enqueue(request));
    const { jobs, fault } = await runToEnd(studio, asked);
    const pictures = await collect(studio, jobs, save);
    const failure = fault ?? jobs.find((job) => job.error)?.error;
    if (!values.json) process.stdout.write(pictures.map(({ path }) => `${path}\n`).join(''));
    if (failure) throw AppError.fromInfo(failure);
    if (values.json) process.stdout.write(`${JSON.stringify({ pictures, seconds: (performance.now() - began) / 1000 })}\n`);
    return jobs.some((job) => job.state === 'cancelled') ? cancelledCode : 0;
  } finally {
    await studio.close();
  }
}

function checkCombination(values: Values): void {
  if (values.prompt === undefined && values.from === undefined) throw new AppError('usage', { why: 'prompt' });
  for (const [flag, base] of companions) {
    if (isGiven(values[flag]) && !isGiven(values[base])) throw new AppError('usage', { why: 'companion', flag: `--${flag}`, base: `--${base}` });
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== false && !(Array.isArray(value) && value.length === 0);

/** Flags that mean nothing without another. */
const companions = [['strength', 'init'], ['mask', 'init'], ...editingCompanions, ...editCompanions, ['switch-at', 'refiner'], ['variation-seed', 'variation-strength']] as const;

/** Flags first, then what suits the model. Throws request.invalid naming the flag whose value is out of range. */
export function requestFrom(values: Values, model: ModelEntry, { init, mask, depth, controls, reference, files, loras, suits }: Inputs = {}, like: PictureRequest = {}): JobRequest {
  const editing = editingFrom(values, (mask?.hash ?? like.mask) !== undefined, like);
  const parsed = JobRequest.safeParse({
    ...model.defaults, ...suits, ...like, files: { ...like.files, ...files, model: model.id },
    ...given({ prompt: values.prompt, negative: values.negative, seed: values.seed }),
    ...given({ steps: values.steps, cfg: values.cfg }), ...samplingOf(values.sampler, values.schedule),
    ...(values.size !== undefined ? sizeFrom(values.size) : init && editing.outpaint ? sizeAround(init, editing.outpaint as object) : init ? sizeLike(init, model.nativeSize) : { ...model.nativeSize, ...given({ width: like.width, height: like.height }) }),
    ...editFrom(values, like),
    ...editing, ...(values.outpaint !== undefined && { strength: 0.8 }),
    ...given({
      init: init?.hash, strength: values.strength, mask: mask?.hash, depth: depth?.hash, controls, reference, imageCfg: values['image-cfg'], vaeTile: values['vae-tile'], cfgRescale: values['cfg-rescale'],
      prediction: values.prediction, ...rngOfNoise[values.noise ?? ''], ...given({ rng: values.rng, compat: values.compat }), ensd: values.ensd, emphasis: values.emphasis, clipSkip: values['clip-skip'], count: values.count, styles: values.style.length > 0 ? values.style : undefined,
      loras,
      refiner: files?.refiner ? { switchAt: values['switch-at'] } : undefined,
      variation: values['variation-strength'] === undefined ? undefined : { strength: values['variation-strength'], seed: values['variation-seed'] },
    }),
  });
  if (parsed.success) return parsed.data;
  const error = invalidRequest(parsed.error);
  throw AppError.fromInfo('field' in error.data ? { ...error, data: { ...error.data, field: flagOf(error.data.field) } } as ErrorInfo : error);
}

/** Flags that are not called as their fields are. */
const flagNames: Readonly<Record<string, string>> = {
  'inpaint.invert': 'mask-invert', 'inpaint.grow': 'mask-grow', 'inpaint.blur': 'mask-blur', 'inpaint.padding': 'padding', 'hires.width': 'hires-size (width)', 'hires.height': 'hires-size (height)',
};

/** The flag behind a field of the request. */
function flagOf(field: string): string {
  if (field === 'width' || field === 'height') return `--size (${field})`;
  const [, list, key] = /^(control|detail|lora|reference)(?:s\.\d+)?\.(.+)$/.exec(field) ?? [];
  if (list !== undefined) return `--${list} (${key})`;
  const name = flagNames[field] ?? field.replace(/^(?:files|refiner)\./, '').replace('.', '-');
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The picture with its new ground, up to the next multiples of 8. */
function sizeAround({ width, height }: Size, margins: object): Size {
  const { left = 0, right = 0, top = 0, bottom = 0 } = margins as Partial<Record<'left' | 'right' | 'top' | 'bottom', number>>;
  return { width: Math.ceil((width + left + right) / 8) * 8, height: Math.ceil((height + top + bottom) / 8) * 8 };
}

/** As many pixels as suit the model, in the shape of the picture to start from. */
function sizeLike(init: Size, native: Size): Size {
  const scale = Math.sqrt((native.width * native.height) / (init.width * init.height));
  const side = (length: number): number => Math.min(4096, Math.max(64, Math.round((length * scale) / 8) * 8));
  return { width: side(init.width), height: side(init.height) };
}

async function collect(studio: LocalStudio, jobs: readonly JobView[], save: SaveCopy): Promise<Made[]> {
  const made: Made[] = [];
  for (const [index, { pictureId, settings }] of jobs.entries()) {
    if (!pictureId || settings.kind === 'upscale') continue;
    const { path, width, height, seconds } = await studio.library.get(pictureId);
    made.push({ path: await save(path, index), id: pictureId, seed: settings.seed, width, height, seconds });
  }
  return made;
}
