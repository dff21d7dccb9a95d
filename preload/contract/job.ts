// A job is plain data: all that a worker needs, storable, embedded in the picture that it makes, and run again from it bit for bit.
import { z } from 'zod';
import { Control, Reference } from './control';
import { Detail, MOST_DETAILS } from './detail';
import { editingRules, Hires, Inpaint, Outpaint } from './editing';
import { ErrorInfo } from './errors';
import { breaks, excludes } from './invalid';
import { slotNames, slotOf, type SlotName, type Slots, type WithModel } from './file-slots';
import { jobVersion, upgradeJob, upgradeRequest } from './job-versions';
import { Notice } from './notice';
import { UnreadableRecord } from './unreadable';
import { isSeed } from './seed';
import { Compat, Rng, SamplerName, ScheduleName } from './vocabulary';

/** SHA-256 in lower-case hex, of a file's or a blob's bytes. */
export const ContentHash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
/** Where a number is out of range, it says so; a text is a seed or is not. */
const Seed = z.union([z.int().min(0).max(Number.MAX_SAFE_INTEGER), z.string().refine(isSeed, breaks('seed', ''))]);
const Share = z.number().min(0).max(1);
const Side = z.int().min(64).max(4096).multipleOf(8);

/** A file by its content; `hash` is null while it is not known. */
export const NamedFile = z.object({
  name: z.string(), hash: ContentHash.nullable(),
  /** Of a LoRA: AutoV3, by which A1111's texts name it. */
  autov3: z.string().regex(/^[0-9a-f]{12}$/).optional(),
});
export type NamedFile = z.infer<typeof NamedFile>;

/** One of `entry` for each file of the table, in lists `listed`; a slot that is not there is refused by its name. */
function slots<T, L = T>(entry: z.ZodType<T, T>, listed: z.ZodType<L, L>, names: readonly SlotName[] = slotNames): z.ZodType<Slots<T, L>, Slots<T, L>> {
  const shape = names.map((name) => {
    const { most } = slotOf(name);
    return [name, (most === undefined ? entry : z.array(listed).max(most)).optional()] as const;
  });
  return z.strictObject(Object.fromEntries(shape)) as z.ZodType<Slots<T, L>, Slots<T, L>>;
}
const withModel = <S extends { model?: unknown }>(files: z.ZodType<S, S>) =>
  files.refine(({ model }) => model !== undefined && model !== null, breaks('missing', 'model')) as unknown as z.ZodType<WithModel<S>, WithModel<S>>;

/** Ids of files that are here, of the slots that somebody may fill. */
export const SlotIds = slots(z.string().nullable(), z.string(), slotNames.filter((name) => !slotOf(name).fromWords));
export type SlotIds = z.infer<typeof SlotIds>;

/** A word or several, as a prompt has them. */
const Words = z.string().min(1).max(1000);
/**
 * A picture that is made as another was, with other words, so that the composition stays (prompt to prompt, Hertz et al. 2022). All else that the job says
 * holds for both.
 */
const Edit = z.object({
  /** Its negative prompt is the job's, where left out. */
  source: z.object({ prompt: z.string().max(100_000), negative: z.string().max(100_000).optional() }),
  /** The share of the steps in which words attend to what they, or those in whose place they stand, attended to in the source. */
  cross: Share.default(0.8),
  /** The same of what the picture's places attend to among themselves: the layout. */
  self: Share.default(0.4),
  /** Of the edited prompt, while `cross` holds, or their own share: how strongly they count; 1 is as they are. */
  words: z.array(z.object({ text: Words, weight: z.number().min(-20).max(20).default(1), cross: Share.optional() })).max(100).optional(),
  /** The pictures differ only where these words attend to, in either; from this share of the most on. */
  blend: z.object({ source: z.array(Words).min(1).max(100), edited: z.array(Words).min(1).max(100), threshold: Share.default(0.3) }).optional(),
});

const Strength = z.number().min(-100).max(100);

/** How a LoRA is used; its file stands in the same place of `files.loras`. */
const LoraUse = z.object({
  /** Strengths in the U-Net and in the text encoders. */
  unet: Strength, text: Strength,
  /** A multiplier for each block that is named: BASE (text encoders), IN00–IN11, M00, OUT00–OUT11. */
  blocks: z.record(z.string().regex(/^(?:BASE|M00|(?:IN|OUT)(?:0\d|1[01]))$/), Strength).optional(),
  /** Shares of the schedule between which the U-Net has it. */
  start: Share.optional(), end: Share.optional(),
  /** Of its factors only so many of the first ranks count (A1111's `dyn`). */
  ranks: z.int().min(1).optional(),
  /** The only pass that has it, where a second one has a prompt of its own: its tags are its own, too, as in A1111. */
  pass: z.enum(['first', 'second']).optional(),
  /** A tag of the prompt calls it up. */
  fromPrompt: z.literal(true).optional(),
});
export type LoraUse = z.infer<typeof LoraUse>;

/** The fields of a job; `JobSpec` reads those of earlier versions, too. */
export const JobFields = z.object({
  version: z.literal(jobVersion),
  kind: z.enum(['txt2img', 'img2img']),
  /** By content, never by path. A `hash` may be null while a new file is still being hashed; the finished picture has it. */
  files: withModel(slots(NamedFile, NamedFile)),
  prompt: z.string().max(100_000),
  negative: z.string().max(100_000).default(''),
  seed: Seed,
  steps: z.int().min(1).max(200),
  sampler: SamplerName,
  schedule: ScheduleName,
  /** Guidance scale: uncond + cfg·(cond − uncond). At 1 the negative prompt is not evaluated. */
  cfg: z.number().min(0).max(50),
  width: Side,
  height: Side,
  clipSkip: z.int().min(1).max(12).default(1),
  rng: Rng.default('cpu'),
  compat: Compat.default('a1111'),
  /** img2img: the picture to start from, a blob. */
  init: ContentHash.optional(),
  /** img2img: how much of the schedule runs (denoising strength); 1 starts from noise. */
  strength: z.number().min(0).max(1).optional(),
  /** Where `init` is repainted: a grey blob of its shape, white is repainted. */
  mask: ContentHash.optional(),
  /** How `mask` is read, and what is done there; without it, as it stands. */
  inpaint: Inpaint.optional(),
  /** A second, larger pass. */
  hires: Hires.optional(),
  /** The picture goes on at the other side: left at right, top at bottom, or both. */
  seamless: z.enum(['x', 'y', 'both']).optional(),
  /** New ground around `init`. */
  outpaint: Outpaint.optional(),
  /** What of the finished picture is repainted by itself, one after the other. */
  details: z.array(Detail).max(MOST_DETAILS).optional(),
  /** What steers the picture, each by the network in the same place of `files.controls`. */
  controls: z.array(Control).max(16).optional(),
  reference: Reference.optional(),
  /** For depth-to-image models: a grey blob, lighter is nearer. */
  depth: ContentHash.optional(),
  /** How far the guided picture is brought back to the contrast of an unguided one. */
  cfgRescale: z.number().min(0).max(1).optional(),
  /** The autoencoder sees pictures of a longer side than this, in pixels, in tiles of it: less memory, and slightly other pixels. Left out: always whole. */
  vaeTile: z.int().min(256).max(2048).multipleOf(64).optional(),
  /** For models that edit by instruction: guidance towards `init`; 1.5 where left out. */
  imageCfg: z.number().min(0).max(50).optional(),
  /** What the network predicts, where the file leaves it open or is wrong. */
  prediction: z.enum(['eps', 'v']).optional(),
  /** The second model in `files` takes over when this share of the noise levels is done (SDXL's refiner). */
  refiner: z.object({ switchAt: Share }).optional(),
  /** For each of `files.loras`, in the order in which they are put on. An empty list: the tags of the prompt call up nothing. */
  loras: z.array(LoraUse).optional(),
  /** The first noise, on the way to that of another seed: 0 is all `seed`, 1 is all `variation.seed`. */
  variation: z.object({ seed: Seed, strength: Share }).optional(),
  /** ENSD: the steps of samplers that draw noise take it from `seed` + this, not from where the first noise ended. */
  ensd: z.int().min(-(2 ** 32)).max(2 ** 32).optional(),
  /** What brackets in prompts do: emphasis that keeps the mean of the text embeddings ('original', where left out) or not, nothing, or they are text. 'comfy': prompts are in ComfyUI's language, and weighed as there. */
  emphasis: z.enum(['original', 'no_norm', 'ignore', 'none', 'comfy']).optional(),
  edit: Edit.optional(),
  /** The prompts as they were typed, before styles, wildcards and choices were filled in, where that is something else. */
  template: z.object({ prompt: z.string().max(100_000), negative: z.string().max(100_000) }).optional(),
});

/** A job of any version, as one of the present. A newer version is refused by its number. */
export const JobSpec = z.preprocess(upgradeJob, JobFields
  .refine((job) => job.kind !== 'img2img' || job.init !== undefined, breaks('missing', 'init'))
  .refine((job) => job.kind !== 'img2img' || job.strength !== undefined, breaks('missing', 'strength'))
  .refine((job) => job.edit === undefined || job.kind === 'txt2img', excludes('edit', 'init'))
  .refine((job) => job.edit === undefined || job.reference === undefined, excludes('reference', 'edit'))
  .refine((job) => job.mask === undefined || job.init !== undefined, breaks('missing', 'init'))
  .superRefine(editingRules)
  .refine((job) => job.vaeTile === undefined || job.seamless === undefined, excludes('vaeTile', 'seamless'))
  .refine((job) => (job.controls ?? []).length === (job.files.controls ?? []).length, breaks('pair', 'controls'))
  .refine((job) => (job.loras ?? []).length === (job.files.loras ?? []).length, breaks('pair', 'loras'))
  .refine((job) => (job.refiner === undefined) === (job.files.refiner === undefined), breaks('pair', 'refiner')));
export type JobSpec = z.infer<typeof JobSpec>;

/** Sides of tiles in which a picture is made larger, in pixels of what is read. */
const Tile = z.int().min(64).max(2048).multipleOf(8);
/** Of a picture that was made larger: its file is read whole at times. */
export const MOST_UPSCALED = { side: 16_384, pixels: 2 ** 25 } as const;

/** A job that makes a picture larger, and needs no model but an upscaler. */
export const UpscaleFields = z.object({
  version: z.literal(jobVersion),
  kind: z.literal('upscale'),
  files: z.strictObject({ upscaler: NamedFile }),
  /** The picture, a blob. */
  init: ContentHash,
  scale: z.number().min(1).max(8),
  /** Of the picture that comes of it, in pixels. */
  width: z.int().min(1).max(MOST_UPSCALED.side), height: z.int().min(1).max(MOST_UPSCALED.side),
  /** Other tiles give slightly other pixels. */
  tile: Tile,
});
export type UpscaleJob = z.infer<typeof UpscaleFields>;

/** What the queue does, whatever it is; `JobSpec` is the kind that paints. */
export type AnyJob = JobSpec | UpscaleJob;
/** A union that goes by the kind, so that what is wrong is named as of that kind. */
export const AnyJob = z.unknown().transform((value, context): AnyJob => {
  const kind = (value as { kind?: unknown } | null)?.kind, parsed = (kind === 'upscale' ? UpscaleSpec : JobSpec).safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: value } as (typeof context.issues)[number]);
  return z.NEVER;
});
const UpscaleSpec = z.preprocess(upgradeJob, UpscaleFields);

/** `scale` left out: the upscaler's own. */
export const UpscaleRequest = z.object({ upscaler: z.string(), init: ContentHash, scale: UpscaleFields.shape.scale.optional(), tile: Tile.default(256) });
export type UpscaleRequest = z.infer<typeof UpscaleRequest>;

/** SDXL's refiner was trained for the last fifth. */
export const USUAL_SWITCH = 0.8;

/** As somebody types it. Half of a surrogate pair has no form in UTF-8, and NUL ends a text of the database: stored, they would be other text. Jobs of earlier versions may have them. */
const PromptText = JobFields.shape.prompt.refine((text) => !/[\0\p{Surrogate}]/u.test(text), breaks('text', ''));

/** What somebody asks for: a job without what the studio fills in. One job is made per picture. */
export const RequestFields = z.object({
  /** Ids of files that are here. A part that is left out: what the model's settings say, else a VAE of the model's name beside it, else its own; null, or no file of a list: its own. */
  files: withModel(SlotIds),
  prompt: PromptText, negative: PromptText.default(''),
  /** null: a new seed each time. Picture i of `count` has seed + i; with a variation all have one seed, and the variation's counts up. */
  seed: Seed.nullable().default(null),
  steps: JobFields.shape.steps, sampler: SamplerName, schedule: ScheduleName, cfg: JobFields.shape.cfg,
  width: Side, height: Side,
  clipSkip: z.int().min(1).max(12).default(1),
  rng: Rng.default('cpu'),
  compat: Compat.default('a1111'),
  init: ContentHash.optional(),
  strength: z.number().min(0).max(1).default(0.6),
  mask: JobFields.shape.mask, inpaint: JobFields.shape.inpaint, outpaint: JobFields.shape.outpaint, seamless: JobFields.shape.seamless, depth: JobFields.shape.depth, controls: JobFields.shape.controls, reference: JobFields.shape.reference,
  details: z.array(Detail.extend({ prompt: PromptText.default(''), negative: PromptText.default('') })).max(MOST_DETAILS).optional(),
  cfgRescale: JobFields.shape.cfgRescale, imageCfg: JobFields.shape.imageCfg, vaeTile: JobFields.shape.vaeTile,
  hires: Hires.extend({ prompt: PromptText.optional(), negative: PromptText.optional() }).optional(),
  /** Left out: what the model's settings say, else the model itself. */
  prediction: JobFields.shape.prediction,
  /** For each of `files.loras`; those that the prompt calls up come by themselves. Left out, each is used whole. */
  loras: z.array(LoraUse.omit({ fromPrompt: true })).optional(),
  /** When the refiner takes over, where `files` has one. */
  refiner: z.object({ switchAt: Share.default(USUAL_SWITCH) }).optional(),
  variation: z.object({ seed: Seed.nullable().default(null), strength: Share }).optional(),
  ensd: JobFields.shape.ensd, emphasis: JobFields.shape.emphasis,
  edit: JobFields.shape.edit,
  /** Names of styles (styles.csv) to put on the prompts. */
  styles: z.array(z.string()).optional(),
  count: z.int().min(1).max(64).default(1),
});
export const JobRequest = z.preprocess(upgradeRequest<z.input<typeof RequestFields>>, RequestFields);
export type JobRequest = z.infer<typeof JobRequest>;

export const JobState = z.enum(['queued', 'loading', 'running', 'decoding', 'saving', 'done', 'failed', 'cancelled']);
export type JobState = z.infer<typeof JobState>;

/** All of a job but its texts, which may be long. */
const PaintSettings = JobFields.omit({ prompt: true, negative: true, template: true, edit: true }).extend({ hires: Hires.omit({ prompt: true, negative: true }).optional(), details: z.array(Detail.omit({ prompt: true, negative: true })).optional() });
export type PaintSettings = z.infer<typeof PaintSettings>;
export const JobSettings = z.union([PaintSettings, UpscaleFields]);
export type JobSettings = z.infer<typeof JobSettings>;

/** A job as lists and events tell it: light, whatever its texts are. */
export const JobView = z.object({
  id: z.string(),
  /** The prompt's first 200 characters; '' where there is none. */
  title: z.string(),
  settings: JobSettings,
  /** Jobs asked for together; `index` of `size`, from 0. */
  batch: z.object({ id: z.string(), index: z.int(), size: z.int() }),
  state: JobState,
  /** Steps done, of `settings.steps` or fewer in img2img; of a job that makes a picture larger, tiles. */
  step: z.int(), steps: z.int(),
  secondsPerStep: z.number().nullable(),
  /** For the whole job, decode included. null until it can be known. */
  secondsLeft: z.number().nullable(),
  /** The latest preview as a data URL, or null. */
  preview: z.string().nullable(),
  pictureId: z.string().nullable(),
  error: ErrorInfo.nullable(),
  /** Tries so far; above 1 when the worker died and the job was taken up again. */
  attempt: z.int(),
  /** What the studio did about a fault, e.g. 'worker.restarted'. The window words it. */
  notice: z.enum(['worker.restarted', 'folder.shared']).nullable(),
  /** What it does without: a tag that is not supported yet, a wildcard that is not there. The first 20. */
  remarks: z.array(Notice),
  createdAt: z.number(), startedAt: z.number().nullable(), endedAt: z.number().nullable(),
});
export type JobView = z.infer<typeof JobView>;
/** With all that it is made from. */
export type JobDetail = JobView & { spec: AnyJob };

/** In the order in which they run; `next`: where the next page begins. */
export interface JobPage { jobs: JobView[]; next: string | null; total: number }

/** Jobs by what they do, however many: those that wait, all that have not ended, or those that wait and cannot be read. `after` and `upTo`: of those, the ones behind the first and no further than the second. */
export const CancelMany = z.object({ which: z.enum(['waiting', 'unfinished', 'unreadable']), after: z.string().optional(), upTo: z.string().optional() });
export type CancelMany = z.infer<typeof CancelMany>;

/** Jobs that wait and cannot be read, the first hundred, and how many there are. They may be cancelled. */
const Unreadable = z.object({ unreadable: z.array(UnreadableRecord), unreadableCount: z.int() });

/** What the queue tells everyone who listens. A new listener gets 'snapshot' first, and 'waiting' soon after. */
export const QueueEvent = z.discriminatedUnion('type', [
  /** Of those that wait the first hundred. */
  Unreadable.extend({ type: z.literal('snapshot'), jobs: z.array(JobView) }),
  z.object({ type: z.literal('job'), job: JobView }),
  /** How many wait, and which of them is the next. */
  z.object({ type: z.literal('waiting'), count: z.int(), next: JobView.nullable() }),
  Unreadable.extend({ type: z.literal('unreadable') }),
  z.object({ type: z.literal('worker'), state: z.enum(['starting', 'ready', 'died']) }),
  /** What is in the way of all jobs, or that nothing is any more. The queue goes on by itself. */
  z.object({ type: z.literal('paused'), why: ErrorInfo.nullable() }),
]);
export type QueueEvent = z.infer<typeof QueueEvent>;
