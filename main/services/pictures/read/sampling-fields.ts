// Sampler and schedule among the fields of a text.
import type { ScheduleName } from '../../../../preload/contract/vocabulary';
import { asText, type Fields, type Parse } from './fields';
import { readSampler, readSchedule, type SamplerReading } from './names';

export const asSampler: Parse<SamplerReading> = (value) => readSampler(asText(value) ?? '') ?? undefined;
export const asSchedule: Parse<ScheduleName> = (value) => readSchedule(asText(value) ?? '') ?? undefined;

/** What is only near to one of ours stays in the text's words as well. */
export function takeSampler(left: Fields, ...keys: string[]): SamplerReading | undefined {
  const key = keys.find((each) => left.peek(asSampler, each)), found = key === undefined ? undefined : left.peek(asSampler, key);
  if (found?.exact) left.take(asSampler, key!);
  return found;
}
