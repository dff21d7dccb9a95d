// What will be asked for next: one store, kept in this browser, so that it is there again after a reload.
import { create } from 'zustand';
import { persist } from 'zustand/middleware';
import type { ModelEntry } from '../../preload/contract/model';
import type { SamplerName, ScheduleName } from '../../preload/contract/vocabulary';
import { isSampler, isSchedule, sizeFor } from './choices';

/** A picture to start from: a blob that the studio holds. */
interface StartPicture { hash: string; width: number; height: number; /** Small data URL, to show it here. */ thumbnail: string | null }

export interface FormValues {
  prompt: string; negative: string;
  model: string | null;
  width: number; height: number;
  steps: number; cfg: number; sampler: SamplerName; schedule: ScheduleName; clipSkip: number;
  seedMode: 'new' | 'keep'; seed: number;
  init: StartPicture | null; strength: number;
  count: number;
  advanced: boolean;
}

const initialForm: FormValues = {
  prompt: '', negative: '', model: null, width: 512, height: 512, steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras', clipSkip: 1,
  seedMode: 'new', seed: 0, init: null, strength: 0.6, count: 1, advanced: false,
};

export const useForm = create<FormValues>()(persist(() => initialForm, { name: 'atelier.form', version: 1, merge: (stored) => mended(stored) }));

export const setForm = (patch: Partial<FormValues>) => useForm.setState(patch);

/** Chooses a model, with the settings and the size that suit it. The aspect stays. */
export function chooseModel(model: ModelEntry): void {
  const { width, height } = useForm.getState();
  const { steps, cfg, sampler, schedule } = model.defaults;
  setForm({
    model: model.id, ...sizeFor(width / height, model.nativeSize),
    ...(steps !== undefined && { steps }), ...(cfg !== undefined && { cfg }),
    ...(isSampler(sampler) && { sampler }), ...(isSchedule(schedule) && { schedule }),
  });
}

/** What was stored by this or another version: values of the right type are taken over, the rest start afresh. */
function mended(stored: unknown): FormValues {
  const old = (stored ?? {}) as Record<string, unknown>;
  const kept = Object.entries(initialForm).filter(([key, value]) => typeof old[key] === typeof value || key === 'model' || key === 'init').map(([key]) => [key, old[key] ?? null]);
  const form = { ...initialForm, ...Object.fromEntries(kept) } as FormValues;
  return { ...form, sampler: isSampler(form.sampler) ? form.sampler : initialForm.sampler, schedule: isSchedule(form.schedule) ? form.schedule : initialForm.schedule };
}
