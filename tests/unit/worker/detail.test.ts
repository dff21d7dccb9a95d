// Jobs whose picture is looked at, and what is found in it repainted, on the worker's side: the demo checkpoint, a photograph to start from, and the networks
// that come along.
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Detail } from '../../../preload/contract/detail';
import { JobSpec } from '../../../preload/contract/job';
import { repaintJob } from '../../../main/engine/pipeline/detail';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { runJob, type Made } from '../../../main/worker/run-job';
import { scratchFolder } from '../../support/checkpoints';
import { demoJob, demoPath } from '../../support/demo';
import { runPaths } from '../../support/run-message';

const side = 256, models = new ModelCache(ortRuntime({ threads: 1 }));
afterAll(() => models.releaseAll());
/** The photographs, and a mask of one corner: all else of them stays as it is until details come. */
let astronaut: string, cat: string, corner: string;
beforeAll(async () => {
  const folder = scratchFolder(), picture = async (name: string): Promise<string> => {
    const path = join(folder, `${name}.png`);
    await sharp(new URL(`../../pictures/${name}.jpg`, import.meta.url).pathname).resize(side, side).png().toFile(path);
    return path;
  };
  [astronaut, cat, corner] = [await picture('astronaut'), await picture('chelsea'), join(folder, 'corner.png')];
  await sharp(Uint8Array.from({ length: side * side }, (_, i) => (i % side < 8 && i < 8 * side ? 255 : 0)), { raw: { width: side, height: side, channels: 1 } }).png().toFile(corner);
});

const jobOf = (details: readonly object[], changes: object = {}): JobSpec => JobSpec.parse({
  ...demoJob({ steps: 4, width: 128, height: 128, kind: 'img2img', init: 'a'.repeat(64), mask: 'a'.repeat(64), strength: 0.5 }), inpaint: { area: 'masked', padding: 0 }, ...(details.length > 0 && { details }), ...changes,
});
async function paint(job: JobSpec, init: string, steps: number[] = []): Promise<Made> {
  return runJob({ type: 'run', id: 'test', job, ...runPaths({ modelPath: demoPath, initPath: init, maskPath: corner }) }, models, new AbortController().signal, (said) => { if (said.type === 'step') steps.push(said.steps); });
}
/** [left, top, right, bottom] of the pixels that differ, right and bottom excluded; null for none. */
function changed({ pixels: a }: Made, { pixels: b }: Made): [number, number, number, number] | null {
  const all = Array.from({ length: a.width * a.height }, (_, i) => i).filter((i) => [0, 1, 2].some((c) => a.rgb[3 * i + c] !== b.rgb[3 * i + c]));
  if (all.length === 0) return null;
  const columns = all.map((i) => i % a.width), rows = all.map((i) => Math.floor(i / a.width)), end = (list: number[]): number => list.reduce((x, y) => Math.max(x, y)) + 1;
  return [columns.reduce((x, y) => Math.min(x, y)), rows.reduce((x, y) => Math.min(x, y)), end(columns), end(rows)];
}

test('a face is repainted by itself, and nothing else of the picture changes by a bit', async () => {
  const steps: number[] = [], plain = await paint(jobOf([]), astronaut), made = await paint(jobOf([{ find: 'face', prompt: 'a red house', strength: 0.6 }]), astronaut, steps);
  const { box: { x, y, width, height } } = (await models.vision.faces({ width: side, height: side, rgb: plain.pixels.rgb }))[0]!, [left, top, right, bottom] = changed(plain, made)!;
  expect(made.notices).toEqual([]);
  // The box, grown by half of 4 pixels and blurred by a deviation of 4, of which 2.5 count.
  for (const [edge, at] of [[x - left, 12], [y - top, 12], [right - x - width, 13], [bottom - y - height, 13]] as const) { expect(edge).toBeGreaterThanOrEqual(0); expect(edge).toBeLessThanOrEqual(at); }
  expect(steps.at(0)).toBe(3);
  expect(steps.at(-1)).toBe(3 + 3);
});

test('where there is none, the picture stays as it was, and that is said', async () => {
  const plain = await paint(jobOf([]), cat), made = await paint(jobOf([{ find: 'face' }, { find: 'person' }]), cat);
  expect(changed(plain, made)).toBeNull();
  expect(made.notices).toEqual([{ code: 'detail.none', data: { why: 'face' } }, { code: 'detail.none', data: { why: 'person' } }]);
});

test('what its prompt skips stays, and all else can be repainted in its place', async () => {
  const plain = await paint(jobOf([]), astronaut);
  expect(changed(plain, await paint(jobOf([{ find: 'face', prompt: ' [SKIP] ' }]), astronaut))).toBeNull();
  const { pixels } = await paint(jobOf([{ find: 'face', together: 'invert', blur: 0, dilateErode: 0, strength: 0.6 }]), astronaut), { box } = (await models.vision.faces({ width: side, height: side, rgb: plain.pixels.rgb }))[0]!;
  const at = (x: number, y: number, rgb: Uint8Array): number[] => [...rgb.subarray(3 * (y * side + x), 3 * (y * side + x) + 3)], middle = [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)] as const;
  expect(at(...middle, pixels.rgb)).toEqual(at(...middle, plain.pixels.rgb));
  expect(at(200, 40, pixels.rgb)).not.toEqual(at(200, 40, plain.pixels.rgb));
});

const size = { width: 512, height: 768 };
test.each<[detail: object, index: number, prompt: string | undefined, negative: string]>([
  [{}, 0, 'a crowd', 'blurry'], [{ prompt: 'a face', negative: 'ugly' }, 3, 'a face', 'ugly'], [{ prompt: 'a smiling [PROMPT], close' }, 0, 'a smiling  a crowd , close', 'blurry'],
  [{ prompt: 'one[SEP]two [SEP]  three' }, 0, 'one', 'blurry'], [{ prompt: 'one [SEP] two', negative: '[SEP]bad' }, 1, 'two', 'bad'], [{ prompt: 'one[SEP]two' }, 5, 'two', 'blurry'],
  [{ prompt: '[SEP]two', negative: '[SEP]bad' }, 0, 'a crowd', 'blurry'], [{ prompt: 'one [SEP][SKIP]' }, 1, undefined, ''],
])('prompts: %j, the %ith', (detail, index, prompt, negative) => {
  const job = repaintJob(demoJob({ prompt: 'a crowd', negative: 'blurry' }), Detail.parse({ find: 'face', ...detail }), index, size);
  expect(job?.prompt).toBe(prompt);
  if (job) expect(job.negative).toBe(negative);
});

test('each is a job of its own: the next seed, its own sampling and size, and nothing of the first pass that would come twice', () => {
  const first = demoJob({ seed: '18446744073709551615', variation: { seed: 4, strength: 0.1 }, width: 96, height: 160, edit: { source: { prompt: 'x' }, cross: 1, self: 1 }, seamless: 'x' });
  const asked = repaintJob(first, Detail.parse({ find: 'face' }), 2, size)!;
  expect(asked).toMatchObject({ kind: 'img2img', seed: 1, variation: { seed: 6, strength: 0.1 }, strength: 0.4, steps: first.steps, cfg: first.cfg, width: 96, height: 160, inpaint: { area: 'masked', blur: 4, padding: 32, fill: 'original' } });
  for (const field of ['edit', 'seamless', 'hires', 'outpaint', 'controls', 'details', 'refiner'] as const) expect(asked[field]).toBeUndefined();
  expect(repaintJob(first, Detail.parse({ find: 'face', width: 512, height: 640, steps: 28, cfg: 2, sampler: 'heun', schedule: 'karras', clipSkip: 2 }), 0, size)).toMatchObject({ width: 512, height: 640, steps: 28, cfg: 2, sampler: 'heun', schedule: 'karras', clipSkip: 2 });
  expect(repaintJob(first, Detail.parse({ find: 'face', area: 'whole', width: 512, height: 640 }), 0, { width: 515, height: 40 })).toMatchObject({ width: 512, height: 64 });
});
