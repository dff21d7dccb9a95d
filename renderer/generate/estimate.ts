// How long it will take and how much memory it needs, told before. One answer of the studio gives the times for any number of steps.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useShallow } from 'zustand/react/shallow';
import { api } from '../api';
import { qualityMarks } from './choices';
import { useChosenModel } from '../models/chosen';
import { useForm } from './form';
import { missingParts } from './needs';

interface Forecast { /** Seconds for one picture of so many steps, as the form stands. */ secondsFor: (steps: number) => number; peakBytes: number }

/** null until it is known. */
export function useForecast(): Forecast | null {
  const [model, width, height, sampler] = useForm(useShallow((form) => [form.model, form.width, form.height, form.sampler] as const));
  // Of guidance only matters whether there is any: with it the network runs twice a step.
  const cfg = useForm((form) => (form.cfg === 1 ? 1 : 7));
  const share = useForm((form) => (form.init ? form.strength : 1));
  const overrides = useForm((form) => form.overrides);
  const entry = useChosenModel();
  const parts = entry && { ...entry.parts, ...overrides }, ready = entry !== undefined && missingParts(entry, overrides).length === 0;
  const { data } = useQuery({
    queryKey: ['estimate', model, width, height, sampler, cfg, parts?.vae, parts?.textEncoders],
    queryFn: () => api.estimate.query({ model: model ?? '', width, height, sampler, cfg, steps: qualityMarks.good, vae: overrides?.vae }),
    enabled: ready, placeholderData: keepPreviousData,
  });
  if (!ready || !data) return null;
  const before = Math.max(0, data.seconds - data.secondsPerStep * qualityMarks.good);
  return { secondsFor: (steps) => before + data.secondsPerStep * Math.ceil(steps * share), peakBytes: data.peakBytes };
}
