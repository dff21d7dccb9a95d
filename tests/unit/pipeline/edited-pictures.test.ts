// Edits by words on the demo checkpoint: what the pictures show.
import { describe, expect, test } from 'vitest';
import type { JobSpec } from '../../../preload/contract/job';
import type { SamplerName } from '../../../preload/contract/vocabulary';
import { samplers } from '../../../main/engine/sampling/samplers';
import type { Tensor } from '../../../main/engine/tensor';
import type { Pixels } from '../../../main/worker/protocol';
import { demoJob, demoPath, meanColor, paint } from '../../support/demo';
import { randomFamilyCheckpoint, tinyFamilies } from '../../support/checkpoints';
import { fingerprint } from '../../support/pass-cases';
import { ssim } from '../../support/ssim';
import { runWholeJob } from '../../support/whole-jobs';
import { refusalOf } from '../../support/words';

type Edit = NonNullable<JobSpec['edit']>;
const edit = (prompt: string, patch: Partial<Edit> = {}): Pick<JobSpec, 'edit'> => ({ edit: { source: { prompt }, cross: 0.8, self: 0.4, ...patch } });
const job = (patch: Partial<JobSpec>): JobSpec => demoJob({ steps: 12, ...patch });
const wall = [0.3, 0.5, 0.7, 0.68] as const;
/** −1 all red … 1 all blue. */
const blueness = ({ r, b }: { r: number; b: number }): number => (b - r) / (b + r);
const whole = (patch: Partial<JobSpec>, model = demoPath): Promise<Tensor> => runWholeJob(demoJob({ steps: 3, width: 64, height: 64, ...patch }), { model });
const bits = async (patch: Partial<JobSpec>, model = demoPath): Promise<string> => fingerprint(await whole(patch, model));

test('a house gets another colour and stays where it is, which the same seed with other words does not', async () => {
  const house = 'a red house on the left on grass', other = 'a blue house on grass', place = [0.1, 0.62, 0.4, 0.72] as const;
  const source = await paint(job({ prompt: house, seed: 5 })), edited = await paint(job({ prompt: other, seed: 5, ...edit(house) })), plain = await paint(job({ prompt: other, seed: 5 }));
  expect(ssim(source, edited)).toBeGreaterThan(0.88);                     // 0.93
  expect(ssim(source, plain)).toBeLessThan(0.7);                          // 0.65
  expect(blueness(meanColor(source, place))).toBeLessThan(-0.3);
  expect(blueness(meanColor(edited, place))).toBeGreaterThan(0.3);
});

test('an edited picture is far more like its source than pictures of two seeds are', async () => {
  // Wider than the model was trained for, so that seeds are free in what they make of it.
  const wide = (patch: Partial<JobSpec>): JobSpec => job({ steps: 8, width: 192, ...patch }), sources: Pixels[] = [], edited: Pixels[] = [];
  for (const seed of [1, 2, 3]) {
    sources.push(await paint(wide({ prompt: 'a red house', seed })));
    edited.push(await paint(wide({ prompt: 'a blue house', seed, ...edit('a red house') })));
  }
  const kept = sources.map((source, i) => ssim(source, edited[i]!)), seeds = sources.flatMap((a, i) => sources.slice(i + 1).map((b) => ssim(a, b)));
  expect(Math.min(...kept)).toBeGreaterThan(Math.max(...seeds) + 0.1);    // 0.88, 0.88, 0.86 and 0.67, 0.71, 0.67
  for (const picture of edited) expect(blueness(meanColor(picture, wall))).toBeGreaterThan(0.2);
});

test('the more a word weighs, the more of it there is', async () => {
  const words = 'a red and blue house on grass', shares: number[] = [];
  for (const weight of [-1, 0, 1, 2, 4]) shares.push(blueness(meanColor(await paint(job({ prompt: words, ...edit(words, { cross: 1, words: [{ text: 'blue', weight }] }) })), wall)));
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)! - shares[0]!).toBeGreaterThan(0.2);               // −0.15 … 0.10
});

test('a blend leaves what is away from its words as it was', async () => {
  const house = 'a red house on grass at sunset', other = 'a blue house on grass', sky = [0, 0, 1, 0.25] as const;
  const source = await paint(job({ prompt: house })), edited = await paint(job({ prompt: other, ...edit(house) }));
  const blended = await paint(job({ prompt: other, ...edit(house, { blend: { source: ['house'], edited: ['house'], threshold: 0.5 } }) }));
  const away = (picture: typeof source): number => { const a = meanColor(source, sky), b = meanColor(picture, sky); return Math.abs(a.r - b.r) + Math.abs(a.g - b.g) + Math.abs(a.b - b.b); };
  expect(away(blended)).toBeLessThan(away(edited) / 4);
  expect(blueness(meanColor(blended, wall))).toBeGreaterThan(0.2);
});

describe('to the bit', () => {
  const source = 'a red house on grass', prompt = 'a blue house on grass';
  // dpm_adaptive chooses its steps by the error of both pictures.
  test.each(Object.keys(samplers).filter((name) => name !== 'dpm_adaptive') as SamplerName[])('%s: taking nothing is the picture of the edited prompt alone, and the same words give the source', async (sampler) => {
    const alone = await bits({ sampler, prompt });
    expect(await bits({ sampler, prompt, ...edit(source, { cross: 0, self: 0 }) })).toEqual(alone);
    expect(await bits({ sampler, prompt, ...edit(prompt) })).toEqual(alone);
  });
  test.each(['sd2', 'sdxl', 'sdxl-refiner'] as const)('a random %s, too', async (family) => {
    const model = await randomFamilyCheckpoint(tinyFamilies[family]);
    const alone = await bits({ prompt }, model);
    expect(await bits({ prompt, ...edit(source, { cross: 0, self: 0 }) }, model)).toEqual(alone);
    expect(await bits({ prompt, ...edit(source, { cross: 1, self: 1, words: [{ text: 'blue', weight: 3 }] }) }, model)).not.toEqual(alone);
  });
  test('without guidance, with prompts of two lengths, and with prompts that change from step to step', async () => {
    // One row in place of two is multiplied by another kernel: here the last digit differs.
    const [alone, beside] = [await whole({ prompt, cfg: 1 }), await whole({ prompt, cfg: 1, ...edit(source, { cross: 0, self: 0 }) })];
    expect(Math.max(...alone.data.map((value, i) => Math.abs(value - beside.data[i]!)))).toBeLessThan(1e-4);
    const long = await bits({ prompt, ...edit(`${source} BREAK by the sea`) }), turning = await bits({ prompt: 'a [blue:green:0.5] house', ...edit('a red house', { words: [{ text: 'green', weight: 2 }] }) });
    expect(long).not.toBe(turning);
  });
});

test.each<[string, Partial<JobSpec>, object]>([
  ['a weighed word that is not there', { prompt: 'a blue house', ...edit('a red house', { words: [{ text: 'boat', weight: 2 }] }) }, { why: 'word', word: 'boat' }],
  ['a blend around a word that the source has not', { prompt: 'a blue house', ...edit('a red house', { blend: { source: ['blue'], edited: ['blue'], threshold: 0.3 } }) }, { why: 'sourceWord', word: 'blue' }],
  ['AND', { prompt: 'a blue house AND a boat', ...edit('a red house') }, { why: 'parts' }],
])('%s is refused by name', async (_, patch, data) => {
  expect(await refusalOf(paint(job(patch)))).toMatchObject({ code: 'edit.unfit', data });
});
