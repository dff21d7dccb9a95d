// What will be asked for next: one store, kept in this browser, so that it is there again after a reload.
import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { Detail } from '../../preload/contract/detail';
import type { PartSlot } from '../../preload/contract/file-slots';
import type { JobRequest, LoraUse, SlotIds } from '../../preload/contract/job';
import { rngOfNoise } from '../../preload/contract/job-versions';
import type { ModelEntry } from '../../preload/contract/model';
import { isSeed, type Seed } from '../../preload/contract/seed';
import type { Compat, Rng, SamplerName, ScheduleName } from '../../preload/contract/vocabulary';
import { isCompat, isRng, isSampler, isSchedule, sizeFor } from './choices';

/** A blob that the studio holds. */
export interface InputPicture { hash: string; width: number; height: number; /** Small data URL, to show it here. */ thumbnail: string | null }

/** A picture to start from, and where it may change. */
interface StartPicture extends InputPicture { mask?: InputPicture }

/** What a picture was made with and no control shows, in place of what is kept for its model (AUTOMATIC1111's "override settings"). */
export type Overrides = Pick<JobRequest, 'prediction' | 'ensd' | 'emphasis'> & Pick<SlotIds, PartSlot>;

/** A LoRA that no tag of the prompt calls up. Its name tells it where its file is gone. */
export interface ChosenLora { id: string; name: string; use: LoraUse }

type ControlUse = NonNullable<JobRequest['controls']>[number];
/** A network that steers, and the picture that it reads, which is still to come where it is null. `key` tells two of one network apart. */
export interface ChosenControl { key: string; id: string; name: string; picture: InputPicture | null; mask: InputPicture | null; settings: Omit<ControlUse, 'image' | 'mask'> }

export interface ChosenReference { picture: InputPicture; settings: Omit<NonNullable<JobRequest['reference']>, 'image'> }
export const usualReference: ChosenReference['settings'] = { mode: 'reference_only', weight: 1, fidelity: 0.5, start: 0, end: 1, resize: 'crop' };

export type InpaintValues = NonNullable<JobRequest['inpaint']>;

export type EditValues = NonNullable<JobRequest['edit']>;

export interface FormValues {
  prompt: string; negative: string;
  model: string | null;
  width: number; height: number;
  steps: number; cfg: number; sampler: SamplerName; schedule: ScheduleName; clipSkip: number;
  /** What draws the noise, and whose conventions count. */
  rng: Rng; compat: Compat;
  /** `nearby`: variation strength, 0–1, around a kept seed. `variationSeed` null: a new one each time. */
  seedMode: 'new' | 'keep'; seed: Seed; nearby: number; variationSeed: Seed | null;
  /** The id of the model that finishes the picture, from `switchAt` on. */
  refiner: string | null; switchAt: number;
  /** In the order in which they are put on. */
  loras: readonly ChosenLora[];
  controls: readonly ChosenControl[];
  reference: ChosenReference | null;
  init: StartPicture | null; strength: number;
  /** How its mask is read; null: as it stands. */
  inpaint: InpaintValues | null;
  /** The picture whose composition stays, while the prompt is another; null: none. */
  edit: EditValues | null;
  /** New ground around it. */
  outpaint: NonNullable<JobRequest['outpaint']> | null;
  seamless: 'off' | NonNullable<JobRequest['seamless']>;
  /** A second, larger pass, by the upscaler of this id or as `hires` says. */
  hires: NonNullable<JobRequest['hires']> | null; upscaler: string | null;
  /** What of the finished picture is repainted by itself. */
  details: Detail[] | null;
  /** For the variants that read them: depth-to-image, and editing by instruction. */
  depth: InputPicture | null; imageCfg: number;
  cfgRescale: number;
  /** Names, in the order in which they are put on. */
  styles: readonly string[];
  count: number;
  advanced: boolean;
  overrides: Overrides | null;
}

export const initialForm: FormValues = {
  prompt: '', negative: '', model: null, width: 512, height: 512, steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras', clipSkip: 1,
  rng: 'cpu', compat: 'a1111', seedMode: 'new', seed: 0, nearby: 0, variationSeed: null, refiner: null, switchAt: 0.8, init: null, strength: 0.6, inpaint: null, outpaint: null, seamless: 'off', edit: null, hires: null, upscaler: null, details: null,
  loras: [], controls: [], reference: null,
  depth: null, imageCfg: 1.5, cfgRescale: 0, styles: [], count: 1, advanced: false, overrides: null,
};

/** Fields that may hold nothing. */
const nullable = ['model', 'init', 'depth', 'variationSeed', 'refiner', 'overrides', 'inpaint', 'outpaint', 'edit', 'hires', 'upscaler', 'details', 'reference'];

export const useForm = create<FormValues>()(persist(() => initialForm, { name: 'atelier.form', version: 1, merge: (stored) => mended(stored) }));

export const setForm = (patch: Partial<FormValues>) => useForm.setState(patch);

/** Chooses a model, with the settings and the size that suit it. The aspect stays. */
export function chooseModel(model: ModelEntry): void {
  const { width, height } = useForm.getState();
  const { steps, cfg, sampler, schedule } = model.defaults;
  setForm({
    model: model.id, overrides: null, cfgRescale: 0, imageCfg: initialForm.imageCfg, ...(model.variant === 'pix2pix' && { strength: 1 }), ...sizeFor(width / height, model.nativeSize),
    steps, cfg, ...(isSampler(sampler) && { sampler }), ...(isSchedule(schedule) && { schedule }),
  });
}

/** What was stored by this or another version: values of the right type are taken over, the rest start afresh. */
function mended(stored: unknown): FormValues {
  const form1 = (stored ?? {}) as Record<string, unknown>, old: Record<string, unknown> = { ...rngOfNoise[String(form1['noise'])], overrides: form1['carried'], ...form1 };
  const kept = Object.entries(initialForm).filter(([key, value]) => typeof old[key] === typeof value || nullable.includes(key)).map(([key]) => [key, old[key] ?? null]);
  const form = { ...initialForm, ...Object.fromEntries(kept) } as FormValues;
  const listOr = <T>(value: unknown, none: T): T => (Array.isArray(value) ? value as T : none);
  return {
    ...form, styles: listOr(form.styles, []), loras: listOr(form.loras, []), controls: listOr(form.controls, []), overrides: withoutSteering(form.overrides), details: listOr(form.details, null), seed: isSeed(old['seed']) ? old['seed'] : initialForm.seed,
    rng: isRng(form.rng) ? form.rng : initialForm.rng, compat: isCompat(form.compat) ? form.compat : initialForm.compat, sampler: isSampler(form.sampler) ? form.sampler : initialForm.sampler, schedule: isSchedule(form.schedule) ? form.schedule : initialForm.schedule,
  };
}

/** What was kept there has fields of its own by now. */
function withoutSteering(overrides: (Overrides & { steering?: unknown }) | null): Overrides | null {
  const { steering: _, ...rest } = overrides ?? {};
  return Object.keys(rest).length > 0 ? rest : null;
}
