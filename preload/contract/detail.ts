// Detail passes: what is found in the finished picture is repainted by itself, larger than it lies there. ADetailer's settings, names and defaults
// (adetailer/args.py).
import { z } from 'zod';
import { detailTargets, SamplerName, ScheduleName, usualDetail } from './vocabulary';

const Share = z.number().min(0).max(1);
const Side = z.int().min(64).max(4096).multipleOf(8);

const detailOrders = ['found', 'left to right', 'centre to edge', 'area'] as const;
const detailUnions = ['none', 'merge', 'invert'] as const;

/** What is left out of the sampling is the job's own. */
export const Detail = z.object({
  find: z.enum(detailTargets),
  /** The job's own where it is empty, and where it says [PROMPT]; [SEP] parts one for each that is found, and [SKIP] leaves that as it is. */
  prompt: z.string().max(100_000).default(usualDetail.prompt), negative: z.string().max(100_000).default(usualDetail.negative),
  /** What scores less is left alone. */
  confidence: Share.default(usualDetail.confidence),
  /** Shares of the picture's area: what is smaller or larger is left alone. */
  minRatio: Share.default(usualDetail.minRatio), maxRatio: Share.default(usualDetail.maxRatio),
  /** So many of the largest; 0 for all. */
  largest: z.int().min(0).max(100).default(usualDetail.largest),
  order: z.enum(detailOrders).default(usualDetail.order),
  /** Of the mask, to the right and up, in pixels. */
  xOffset: z.int().min(-4096).max(4096).default(usualDetail.xOffset), yOffset: z.int().min(-4096).max(4096).default(usualDetail.yOffset),
  /** Grows the mask by a square of so many pixels; below 0 it shrinks. */
  dilateErode: z.int().min(-256).max(256).default(usualDetail.dilateErode),
  /** One mask for all that is found, or for all else. */
  together: z.enum(detailUnions).default(usualDetail.together),
  /** Standard deviation in pixels of the mask's edge. */
  blur: z.number().min(0).max(256).default(usualDetail.blur),
  strength: Share.default(usualDetail.strength),
  /** 'masked': the part around the mask, at the size below; 'whole': all of the picture, at its own. */
  area: z.enum(['masked', 'whole']).default(usualDetail.area),
  padding: z.int().min(0).max(1024).default(usualDetail.padding),
  /** What a part is repainted at: the job's size, where it is left out. */
  width: Side.optional(), height: Side.optional(),
  steps: z.int().min(1).max(200).optional(), cfg: z.number().min(0).max(50).optional(),
  sampler: SamplerName.optional(), schedule: ScheduleName.optional(), clipSkip: z.int().min(1).max(12).optional(),
});
export type Detail = z.infer<typeof Detail>;

/** One after the other, each on what the one before it left; as many as ADetailer can be set to. */
export const MOST_DETAILS = 10;
