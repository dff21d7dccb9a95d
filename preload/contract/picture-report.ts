// What `inspect` says of a picture: the program that made it, its job in our names, and which models it needs that are not here.
import { z } from 'zod';
import { JobFields, NamedFile, RequestFields, SlotIds } from './job';
import { ModelKind } from './model';
import { Control } from './control';
import { Detail } from './detail';
import { Compat, fillNames, PictureSource, Rng, SamplerName, ScheduleName } from './vocabulary';

/** As the text says it: the hash may be any of the community's, of any length; `folder` below the models' own, from programs that tell it. */
const NamedModel = z.object({ name: z.string(), hash: z.string().nullable(), folder: z.string().optional() });
export type NamedModel = z.infer<typeof NamedModel>;

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
  /** As written; a string of digits where numbers are not exact, and negative as torch takes them. */
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
  edit: JobFields.shape.edit,
  template: JobFields.shape.template,
  /** In the order in which they are applied; those that the prompt calls up by `<lora:…>` are among them. `textWeight` only where it differs. */
  loras: z.array(z.object({
    name: z.string(), weight: z.number(), textWeight: z.number().optional(), hash: z.string().nullable().optional(),
    /** As in our jobs. */
    blocks: z.record(z.string(), z.number()).optional(), start: z.number().optional(), end: z.number().optional(), ranks: z.number().optional(),
    pass: z.enum(['first', 'second']).optional(), fromPrompt: z.literal(true).optional(),
  })),
  /** The second pass: `scale` of the first one's size, or a size of its own. What is absent is as in the first pass. */
  hires: z.object({
    scale: z.number(), width: z.number(), height: z.number(), steps: z.number(), upscaler: z.string(), strength: z.number(), sampler: SamplerName,
    schedule: ScheduleName, cfg: z.number(), model: NamedModel, prompt: z.string(), negative: z.string(),
  }).partial().optional(),
  seamless: JobFields.shape.seamless,
  /** What of the finished picture was found and repainted. What is absent is as usual. */
  details: z.array(Detail.partial().extend({ find: Detail.shape.find })).optional(),
  /** What steered it. Only our own jobs name the pictures. */
  controls: z.array(Control.partial().extend({ model: NamedModel })).optional(),
  /** How a mask was read that only our own jobs name, and what was done there. */
  inpaint: z.object({
    invert: z.boolean(), grow: z.number(), blur: z.number(), fill: z.enum(fillNames), area: z.enum(['whole', 'masked']), padding: z.number(), soft: z.record(z.string(), z.number()),
  }).partial().optional(),
  /**
   * Fields of a ComfyUI graph that are not known, or not for certain, and the node that makes them so. `picture`: the nodes that put out pictures of
   * several samplers, of which the first is the one that is read.
   */
  notKnown: z.array(z.object({ field: z.string(), node: z.string(), class: z.string() })).optional(),
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
  /** Files that the picture may mean as well as the one in the request: same name or short hash, other or unknown contents. As short as tells them apart. */
  severalFit: z.array(z.object({ slot: z.string(), name: z.string(), taken: z.string(), others: z.array(z.string()) })),
  /** Fields of the job that we cannot do (`loras`, `hires`), or whose value is out of range. */
  leftOut: z.array(z.string()),
});
export type PictureReading = z.infer<typeof PictureReading>;
