// Detail passes: what is found in the finished picture is repainted by itself and put back, as ADetailer does it (scripts/!adetailer.py): the masks of one
// setting come from the picture that it found, and are repainted one after the other, each with the next seed.
import type { Detail } from '../../../preload/contract/detail';
import type { DetailTarget } from '../../../preload/contract/vocabulary';
import type { JobSpec } from '../../../preload/contract/job';
import type { Notice } from '../../../preload/contract/notice';
import { seedPlus } from '../../../preload/contract/seed';
import { opaque } from '../editing/repaint';
import { float32, type Tensor } from '../tensor';
import { detailMasks, type Found, type Mask } from '../vision/detail';
import type { Picture } from '../vision/picture';

/** What of this kind a picture shows with at least this score, the surest first. */
export type Find = (target: DetailTarget, picture: Picture, confidence: number) => Promise<readonly Found[]>;

/** One of the job's details on the picture that it was found in. */
export interface FoundDetails {
  /** Jobs of one pass, each with the mask [1, 1, H, W] of what it repaints. */
  readonly repaints: readonly { readonly job: JobSpec; readonly mask: Tensor }[];
  readonly notices: readonly Notice[];
}

/** The details of a job, of which each is looked for when the one before it has been repainted. */
export class Details {
  /** What was found for each of them so far, as a stopped job keeps it. */
  readonly found: (readonly Found[])[];
  private readonly job: JobSpec;
  private readonly find: Find;
  private at = 0;

  /** `found`: by an earlier run of this job, in pictures that are gone by now. */
  constructor(job: JobSpec, find: Find = () => { throw new RangeError('nobody looks for details'); }, found: readonly (readonly Found[])[] = []) {
    this.job = job;
    this.find = find;
    this.found = [...found];
  }

  get left(): boolean { return this.at < (this.job.details?.length ?? 0); }

  /** The next one, on `picture` [1, 3 or 4, H, W] in −1…1. */
  async next(picture: Tensor): Promise<FoundDetails> {
    const index = this.at++, detail = this.job.details![index]!, [, , height, width] = picture.dims as [number, number, number, number], size = { width, height };
    const found = this.found[index] ??= await this.find(detail.find, picture8(picture), detail.confidence);
    const masks = detailMasks(found, size, detail);
    if (masks.length === 0) return { repaints: [], notices: [{ code: 'detail.none', data: { why: detail.find } }] };
    return { repaints: masks.flatMap((mask, i) => { const job = repaintJob(this.job, detail, i, size); return job ? [{ job, mask: maskTensor(mask) }] : []; }), notices: [] };
  }
}

/** The job that repaints what is found as the `index`th. null where its prompt says to leave it. */
export function repaintJob(job: JobSpec, detail: Detail, index: number, picture: { width: number; height: number }): JobSpec | null {
  const prompt = promptFor(detail.prompt, job.prompt, index), negative = promptFor(detail.negative, job.negative, index);
  if (/^\s*\[SKIP\]\s*$/.test(prompt)) return null;
  const { area, blur, padding, strength, steps = job.steps, cfg = job.cfg, sampler = job.sampler, schedule = job.schedule, clipSkip = job.clipSkip } = detail;
  const { width = job.width, height = job.height } = area === 'masked' ? detail : { width: wholeSide(picture.width), height: wholeSide(picture.height) };
  return {
    ...job, kind: 'img2img', prompt, negative, strength, steps, cfg, sampler, schedule, clipSkip, width, height,
    seed: seedPlus(job.seed, index), ...(job.variation && { variation: { ...job.variation, seed: seedPlus(job.variation.seed, index) } }),
    inpaint: { invert: false, grow: 0, blur, fill: 'original', area, padding },
    edit: undefined, hires: undefined, outpaint: undefined, seamless: undefined, controls: undefined, reference: undefined, refiner: undefined, details: undefined,
  };
}

/** The last of several goes on for all that follow. */
function promptFor(text: string, own: string, index: number): string {
  const each = text.split(/\s*\[SEP\]\s*/), said = each[Math.min(index, each.length - 1)]!;
  return said === '' ? own : said.replaceAll('[PROMPT]', () => ` ${own} `);
}

const wholeSide = (side: number): number => Math.max(64, Math.floor(side / 8) * 8);

const maskTensor = ({ width, height, data }: Mask): Tensor => float32([1, 1, height, width], Float32Array.from(data, (value) => value / 255));

function picture8(picture: Tensor): Picture {
  const { data, dims } = opaque(picture), [, , height, width] = dims as [number, number, number, number], rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.min(255, Math.max(0, Math.round((data[c * width * height + i]! + 1) * 127.5)));
  return { width, height, rgb };
}
