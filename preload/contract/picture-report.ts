// What `inspect` says of a picture: the program that made it, its job in our names, and which models it needs that are not here.
import { z } from 'zod';
import { JobFields, NamedFile, RequestFields, SlotIds } from './job';
import { ModelKind } from './model';
import { Compat, PictureSource, Rng, SamplerName, ScheduleName } from './vocabulary';

/** As the text says it: the hash may be any of the community's, of any length. */
const NamedModel = z.object({ name: z.string(), hash: z.string().nullable() });

/**
 * A job as a text tells it: the names are JobSpec's, the ranges are not checked, and what the text leaves open is absent. Jobs of our own
 * have all their fields.
 */
const PictureJob = z.looseObject({
  prompt: z.string(),
  negative: z.string(),
  steps: z.number().optional(),
  sampler: SamplerName.optional(),
  schedule: ScheduleName.optional(),
  cfg: z.number().optional(),
  /** A string of digits above 2^53, where numbers are no longer exact. */
  seed: z.union([z.number(), z.string()]).optional(),
  width: z.number().optional(),
  height: z.number().optional(),
  clipSkip: z.number().optional(),
  rng: Rng.optional(),
  compat: Compat.optional(),
  /** Denoising strength. A1111 has one number for img2img and for the second pass, so with `hires` both have it. */
  strength: z.number().optional(),
  cfgRescale: z.number().optional(),
  imageCfg: z.number().optional(),
  prediction: z.enum(['eps', 'v']).optional(),
  model: NamedModel.optional(),
  vae: z.string().optional(),
  /** Only our own jobs name these by content. */
  vaeHash: z.string().nullable().optional(),
  textEncoders: z.array(NamedFile).optional(),
  refiner: z.object({ model: NamedModel, switchAt: z.number() }).optional(),
  variation: z.object({ seed: z.union([z.number(), z.string()]), strength: z.number() }).optional(),
  ensd: z.number().optional(),
  emphasis: JobFields.shape.emphasis,
  template: JobFields.shape.template,
  /** In the order in which they are applied; those that the prompt calls up by `<lora:…>` are among them. `textWeight` only where it differs. */
  loras: z.array(z.object({ name: z.string(), weight: z.number(), textWeight: z.number().optional() })),
  /** The second pass: `scale` of the first one's size, or a size of its own. What is absent is as in the first pass. */
  hires: z.object({
    scale: z.number(), width: z.number(), height: z.number(), steps: z.number(), upscaler: z.string(), strength: z.number(), sampler: SamplerName,
    schedule: ScheduleName, cfg: z.number(), model: NamedModel, prompt: z.string(), negative: z.string(),
  }).partial().optional(),
  /** What has no place in our job, under the names that the text has for it. */
  extra: z.record(z.string(), z.unknown()),
});
export type PictureJob = z.infer<typeof PictureJob>;

/** A model that a picture was made with. */
const Resource = z.object({ kind: ModelKind, name: z.string(), hash: z.string().nullable() });
export type Resource = z.infer<typeof Resource>;

/** `job` is null when the picture says nothing (`source` none). */
export const PictureReport = z.object({
  kind: z.literal('picture'), source: PictureSource, job: PictureJob.nullable(),
  /** Models of the job that are not among the local ones. */
  missing: z.array(Resource),
});
export type PictureReport = z.infer<typeof PictureReport>;

/** What to ask for, to make a picture like it: prompts in our words, models by the ids of local ones. What the picture leaves open is absent. */
export const PictureRequest = RequestFields.omit({ count: true, styles: true, files: true }).extend({ files: SlotIds }).partial();
export type PictureRequest = z.infer<typeof PictureRequest>;

/** A picture of any program, read to be made again. */
export const PictureReading = z.object({
  report: PictureReport,
  /** null when the picture says nothing. */
  request: PictureRequest.nullable(),
  /** Names of models that are here and in the request, but whose files are others than the picture's: the hash differs. */
  otherVersions: z.array(z.string()),
  /** Fields of the job that we cannot do (`loras`, `hires`), or whose value is out of range. */
  leftOut: z.array(z.string()),
});
export type PictureReading = z.infer<typeof PictureReading>;
