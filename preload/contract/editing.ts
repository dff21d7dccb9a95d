// Settings of what changes pictures that are there, and makes them larger: the same in a job and in a request.
import { z } from 'zod';
import { breaks, exceeds, excludes } from './invalid';
import { fillNames, SamplerName, ScheduleName, upscalerNames } from './vocabulary';

/**
 * A1111's soft inpainting, a form of differential diffusion (Levin & Fried 2023, arXiv:2306.00950): how grey the mask is says how much may change. With ComfyUI's
 * conventions only that there is one counts.
 */
export const SoftInpaint = z.object({
  /** Above 1 more of the original is kept at high noise levels, below 1 at low ones. */
  bias: z.number().min(0).max(8).default(1),
  /** How strongly grey parts stay the original. */
  preservation: z.number().min(0).max(8).default(0.5),
  /** Makes up for the contrast that a mean of latents loses. */
  contrast: z.number().min(1).max(32).default(4),
  /** How far the mask, and not only the difference, says what of the new picture is taken. */
  influence: z.number().min(0).max(1).default(0),
  /** The difference of latents from which on more than half of it is taken, and how abruptly. */
  threshold: z.number().min(0).max(8).default(0.5),
  edge: z.number().min(0).max(8).default(2),
});
export type SoftInpaint = z.infer<typeof SoftInpaint>;

const Margin = z.int().min(0).max(2048);

/** How a mask is read and what is done where it is white. Without it, as it stands: to the pixel, from the picture as it is. */
export const Inpaint = z.object({
  invert: z.boolean().default(false),
  /** Pixels of the mask; below 0 it shrinks. */
  grow: z.int().min(-256).max(256).default(0),
  /** Standard deviation in pixels of the mask. */
  blur: z.number().min(0).max(256).default(0),
  fill: z.enum(fillNames).default('original'),
  /** 'masked': the part around the mask, at the job's size, put back into the picture, which keeps its own. */
  area: z.enum(['whole', 'masked']).default('whole'),
  /** Pixels around the mask that are shown to the model then. */
  padding: z.int().min(0).max(1024).default(32),
  soft: SoftInpaint.optional(),
});
export type Inpaint = z.infer<typeof Inpaint>;

/** Pixels of new ground on each side of a picture, which keeps its own. Its mask is that ground, and how it is filled and shown `Inpaint` says. */
export const Outpaint = z.object({
  left: Margin.default(0), right: Margin.default(0), top: Margin.default(0), bottom: Margin.default(0),
  /** Pixels of the picture along the new edge that change with it, so that one goes over into the other. */
  overlap: z.int().min(0).max(256).default(16),
  /** How much a second pass along the seam may change; 0 is none. */
  seam: z.number().min(0).max(1).default(0.4),
});
export type Outpaint = z.infer<typeof Outpaint>;

/** A second pass over the picture made larger ("hires fix"). What is left out is as in the first. */
export const Hires = z.object({
  /** Of the first pass's sides, or `width` and `height` in its place. */
  scale: z.number().min(1).max(8).optional(),
  width: z.int().min(64).max(4096).optional(), height: z.int().min(64).max(4096).optional(),
  /** Where the job has no file for it. */
  upscaler: z.enum(upscalerNames).default('latent'),
  strength: z.number().min(0).max(1).default(0.7),
  steps: z.int().min(1).max(200).optional(),
  sampler: SamplerName.optional(), schedule: ScheduleName.optional(),
  cfg: z.number().min(0).max(50).optional(),
  prompt: z.string().max(100_000).optional(), negative: z.string().max(100_000).optional(),
});
export type Hires = z.infer<typeof Hires>;

interface Edited { width: number; height: number; files: { upscaler?: unknown }; init?: string | undefined; mask?: string | undefined; outpaint?: Outpaint | undefined; inpaint?: Inpaint | undefined; hires?: Hires | undefined }

/** What these settings need of the rest of a job. */
export function editingRules(job: Edited, context: z.core.$RefinementCtx): void {
  const refuse = (rule: { path: string[]; params: object }): void => { context.addIssue({ code: 'custom', input: job, ...rule }); };
  if (job.inpaint && job.mask === undefined && !job.outpaint) refuse(breaks('missing', 'mask'));
  if (job.outpaint) {
    const { left, right, top, bottom } = job.outpaint;
    if (job.init === undefined) refuse(breaks('missing', 'init'));
    if (job.mask !== undefined) refuse(excludes('outpaint', 'mask'));
    if (left + right + top + bottom === 0) refuse(breaks('missing', 'outpaint.right'));
  }
  if (!job.hires && job.files.upscaler) refuse(breaks('missing', 'hires.scale'));
  if (!job.hires) return;
  const { scale, width, height } = job.hires;
  if ((width === undefined) !== (height === undefined)) refuse(breaks('missing', width === undefined ? 'hires.width' : 'hires.height'));
  if (scale === undefined && width === undefined) refuse(breaks('missing', 'hires.scale'));
  if (job.mask !== undefined || job.outpaint) refuse(excludes('hires', job.outpaint ? 'outpaint' : 'mask'));
  const largest = 4096 / Math.max(job.width, job.height);
  if (width === undefined && scale !== undefined && scale > largest) refuse(exceeds('hires.scale', Math.floor(largest * 100) / 100));
}
