// A job is plain data: all that a worker needs, storable, embedded in the picture that it makes, and run again from it bit for bit.
import { z } from 'zod';
import { ErrorInfo } from './errors';
import { slotNames, slotOf, type SlotName, type Slots, type WithModel } from './file-slots';
import { jobVersion, upgradeJob, upgradeRequest } from './job-versions';
import { Notice } from './notice';
import { Compat, Rng, SamplerName, ScheduleName } from './vocabulary';

/** SHA-256 in lower-case hex, of a file's or a blob's bytes. */
export const ContentHash = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex');
const Seed = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const Share = z.number().min(0).max(1);
const Side = z.int().min(64).max(4096).refine((n) => n % 8 === 0, { message: 'must be a multiple of 8' });

/** A file by its content; `hash` is null while it is not known. */
export const NamedFile = z.object({ name: z.string(), hash: ContentHash.nullable() });
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
  files.refine(({ model }) => model !== undefined && model !== null, { message: 'there must be one', path: ['model'] }) as unknown as z.ZodType<WithModel<S>, WithModel<S>>;

/** Ids of files that are here, of the slots that somebody may fill. */
export const SlotIds = slots(z.string().nullable(), z.string(), slotNames.filter((name) => !slotOf(name).fromWords));
export type SlotIds = z.infer<typeof SlotIds>;

/** The fields of a job; `JobSpec` reads those of earlier versions, too. */
export const JobFields = z.object({
  version: z.literal(jobVersion, { error: ({ input }) => `is ${JSON.stringify(input)}, and this Atelier knows jobs up to version ${jobVersion}: a newer one reads it` }),
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
  /** For depth-to-image models: a grey blob, lighter is nearer. */
  depth: ContentHash.optional(),
  /** How far the guided picture is brought back to the contrast of an unguided one. */
  cfgRescale: z.number().min(0).max(1).optional(),
  /** For models that edit by instruction: guidance towards `init`; 1.5 where left out. */
  imageCfg: z.number().min(0).max(50).optional(),
  /** What the network predicts, where the file leaves it open or is wrong. */
  prediction: z.enum(['eps', 'v']).optional(),
  /** The second model in `files` takes over when this share of the noise levels is done (SDXL's refiner). */
  refiner: z.object({ switchAt: Share }).optional(),
  /** The first noise, on the way to that of another seed: 0 is all `seed`, 1 is all `variation.seed`. */
  variation: z.object({ seed: Seed, strength: Share }).optional(),
  /** ENSD: the steps of samplers that draw noise take it from `seed` + this, not from where the first noise ended. */
  ensd: z.int().min(-(2 ** 32)).max(2 ** 32).optional(),
  /** What brackets in prompts do: emphasis that keeps the mean of the text embeddings ('original', where left out) or not, nothing, or they are text. 'comfy': prompts are in ComfyUI's language, and weighed as there. */
  emphasis: z.enum(['original', 'no_norm', 'ignore', 'none', 'comfy']).optional(),
  /** The prompts as they were typed, before styles, wildcards and choices were filled in, where that is something else. */
  template: z.object({ prompt: z.string().max(100_000), negative: z.string().max(100_000) }).optional(),
});

/** A job of any version, as one of the present. A newer version is refused by its number. */
export const JobSpec = z.preprocess(upgradeJob, JobFields.refine((job) => job.kind !== 'img2img' || (job.init !== undefined && job.strength !== undefined), {
  message: 'an img2img job needs `init` and `strength`', path: ['init'],
}).refine((job) => job.mask === undefined || job.init !== undefined, { message: 'a mask needs the picture that it lies on (`init`)', path: ['mask'] })
  .refine((job) => (job.refiner === undefined) === (job.files.refiner === undefined), { message: 'a refiner is a file and when it takes over', path: ['refiner'] }));
export type JobSpec = z.infer<typeof JobSpec>;

/** SDXL's refiner was trained for the last fifth. */
export const USUAL_SWITCH = 0.8;

/** What somebody asks for: a job without what the studio fills in. One job is made per picture. */
export const RequestFields = z.object({
  /** Ids of files that are here. A part that is left out: what the model's settings say, else a VAE of the model's name beside it, else its own; null, or no file of a list: its own. */
  files: withModel(SlotIds),
  prompt: z.string().max(100_000), negative: z.string().max(100_000).default(''),
  /** null: a new seed each time. Picture i of `count` has seed + i; with a variation all have one seed, and the variation's counts up. */
  seed: Seed.nullable().default(null),
  steps: JobFields.shape.steps, sampler: SamplerName, schedule: ScheduleName, cfg: JobFields.shape.cfg,
  width: Side, height: Side,
  clipSkip: z.int().min(1).max(12).default(1),
  rng: Rng.default('cpu'),
  compat: Compat.default('a1111'),
  init: ContentHash.optional(),
  strength: z.number().min(0).max(1).default(0.6),
  mask: JobFields.shape.mask, depth: JobFields.shape.depth,
  cfgRescale: JobFields.shape.cfgRescale, imageCfg: JobFields.shape.imageCfg,
  /** Left out: what the model's settings say, else the model itself. */
  prediction: JobFields.shape.prediction,
  /** When the refiner takes over, where `files` has one. */
  refiner: z.object({ switchAt: Share.default(USUAL_SWITCH) }).optional(),
  variation: z.object({ seed: Seed.nullable().default(null), strength: Share }).optional(),
  ensd: JobFields.shape.ensd, emphasis: JobFields.shape.emphasis,
  /** Names of styles (styles.csv) to put on the prompts. */
  styles: z.array(z.string()).optional(),
  count: z.int().min(1).max(64).default(1),
});
export const JobRequest = z.preprocess(upgradeRequest<z.input<typeof RequestFields>>, RequestFields);
export type JobRequest = z.infer<typeof JobRequest>;

export const JobState = z.enum(['queued', 'loading', 'running', 'decoding', 'saving', 'done', 'failed', 'cancelled']);
export type JobState = z.infer<typeof JobState>;

/** A job as the window sees it. */
export const JobView = z.object({
  id: z.string(),
  spec: JobSpec,
  /** Jobs asked for together; `index` of `size`, from 0. */
  batch: z.object({ id: z.string(), index: z.int(), size: z.int() }),
  state: JobState,
  /** Steps done, of `spec.steps` or fewer in img2img. */
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
  notice: z.enum(['worker.restarted']).nullable(),
  /** What it does without: a tag that is not supported yet, a wildcard that is not there. */
  remarks: z.array(Notice),
  createdAt: z.number(), startedAt: z.number().nullable(), endedAt: z.number().nullable(),
});
export type JobView = z.infer<typeof JobView>;

/** What the queue tells everyone who listens. A new listener gets 'snapshot' first. */
export const QueueEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), jobs: z.array(JobView) }),
  z.object({ type: z.literal('job'), job: JobView }),
  z.object({ type: z.literal('worker'), state: z.enum(['starting', 'ready', 'died']) }),
  /** What is in the way of all jobs, or that nothing is any more. The queue goes on by itself. */
  z.object({ type: z.literal('paused'), why: ErrorInfo.nullable() }),
]);
export type QueueEvent = z.infer<typeof QueueEvent>;
