// How long it will take and how much memory it needs, told before. One answer of the studio gives the times for any number of steps.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useShallow } from 'zustand/react/shallow';
import type { Estimate } from '../../preload/contract/studio';
import { api } from '../api';
import { qualityMarks } from './choices';
import { useChosenModel } from '../models/chosen';
import { useForm } from './form';
import { missingParts } from './needs';
import { firstSize, hiresOf, secondSize } from './sizes';

interface Forecast { /** Seconds for one picture of so many steps, as the form stands. */ secondsFor: (steps: number) => number; peakBytes: number }

/** null until it is known. A second, larger pass counts; what is found and repainted afterwards cannot be known. */
export function useForecast(): Forecast | null {
  const [sampler, strength, hires] = useForm(useShallow((form) => [form.sampler, form.init ? form.strength : 1, hiresOf(form)] as const));
  const size = useForm(useShallow(firstSize));
  // Of guidance only matters whether there is any: with it the network runs twice a step.
  const cfg = useForm((form) => (form.cfg === 1 ? 1 : 7));
  const first = useEstimate(size, sampler, cfg), second = useEstimate(hires && secondSize(size, hires), hires?.sampler ?? sampler, hires?.cfg ?? cfg);
  if (!first || (hires && !second)) return null;
  const before = Math.max(beside(first), second ? beside(second) : 0);
  return {
    secondsFor: (steps) => before + first.secondsPerStep * Math.ceil(steps * strength) + (hires && second ? second.secondsPerStep * (hires.steps ?? steps) : 0),
    peakBytes: Math.max(first.peakBytes, second?.peakBytes ?? 0),
  };
}

/** What is not steps: opening, decoding. */
const beside = ({ seconds, secondsPerStep }: Estimate): number => Math.max(0, seconds - secondsPerStep * qualityMarks.good);

/** Of one pass of `qualityMarks.good` steps; undefined for none, and until it is known. */
function useEstimate(size: { width: number; height: number } | null, sampler: string, cfg: number): Estimate | undefined {
  const overrides = useForm((form) => form.overrides), entry = useChosenModel();
  const parts = entry && { ...entry.parts, ...overrides }, ready = size !== null && entry !== undefined && missingParts(entry, overrides).length === 0;
  const { data } = useQuery({
    queryKey: ['estimate', entry?.id, size?.width, size?.height, sampler, cfg, parts?.vae, parts?.textEncoders],
    queryFn: () => api.estimate.query({ model: entry?.id ?? '', width: size?.width ?? 0, height: size?.height ?? 0, sampler, cfg, steps: qualityMarks.good, vae: overrides?.vae }),
    enabled: ready, placeholderData: keepPreviousData,
  });
  return ready ? data : undefined;
}
