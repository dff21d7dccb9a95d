// Whole jobs that stop after a step and go on in a fresh process to the same picture; and what is open when a job has ended, in whatever way.
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { encodePassState, decodePassState, type PassState } from '../../../main/engine/pipeline/pass-state';
import type { Runtime } from '../../../main/engine/pipeline/runtime';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { Detail } from '../../../preload/contract/detail';
import { Hires, Inpaint, Outpaint } from '../../../preload/contract/editing';
import type { JobSpec } from '../../../preload/contract/job';
import { randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
import { demoJob, demoPath } from '../../support/demo';
import { goOn, type Stopped } from '../../support/go-on';
import { fingerprint } from '../../support/pass-cases';
import { runWholeJob, type JobFiles } from '../../support/whole-jobs';
import { refusalOf } from '../../support/words';

const side = 64;
const small = (patch: Partial<JobSpec>): JobSpec => demoJob({ prompt: 'a red house on grass', schedule: 'karras', steps: 5, width: side, height: side, ...patch });
const edit = { source: { prompt: 'a red house on grass' }, cross: 0.8, self: 0.4 };
const refined = { files: { model: { name: 'Mini', hash: null }, refiner: { name: 'refiner', hash: null } }, refiner: { switchAt: 0.5 } };

/** A picture file of these grey values. */
async function drawn(name: string, grey: (i: number) => number): Promise<string> {
  const path = join(scratchFolder(), name);
  await sharp(Uint8Array.from({ length: side * side }, (_, i) => grey(i)), { raw: { width: side, height: side, channels: 1 } }).png().toFile(path);
  return path;
}
const xl = async (): Promise<JobFiles> =>
  ({ model: await randomFamilyCheckpoint(tinyFamilies.sdxl), refiner: await randomFamilyCheckpoint(tinyFamilies['sdxl-refiner'], { seed: 2 }) });

/** Every state of a whole run, and its picture. */
async function wholeRun(job: JobSpec, files: JobFiles): Promise<{ end: string; states: PassState[] }> {
  const states: PassState[] = [];
  const end = fingerprint(await runWholeJob(job, files, { onStep: ({ state }) => { states.push(state); } }));
  return { end, states };
}

test('a job goes on after any of its steps in another process, and makes the same picture to the bit', async () => {
  const init = await drawn('init.png', (i) => (i * 7) % 256), mask = await drawn('mask.png', (i) => (i % side < 40 ? 255 : 0));
  const mini = { model: demoPath };
  const img2img = { kind: 'img2img', init: 'a'.repeat(64), strength: 0.8 } as const;
  const jobs: [JobSpec, JobFiles][] = [
    [small({ prompt: 'a [red:blue:0.5] house AND a [boat|tree] :0.5', sampler: 'euler_a', variation: { seed: 9, strength: 0.3 }, ensd: 31337 }), mini],
    [small({ sampler: 'dpmpp_sde', rng: 'cpu_nv', compat: 'comfy' }), mini],
    [small({ sampler: 'dpm_adaptive', rng: 'nv', compat: 'a1111' }), mini],
    [small({ ...img2img, mask: img2img.init, sampler: 'dpm2_a' }), { ...mini, init, mask }],
    [small({ ...img2img, mask: img2img.init, inpaint: Inpaint.parse({ blur: 2, soft: {}, area: 'masked', padding: 4 }), sampler: 'euler_a' }), { ...mini, init, mask }],
    [small({ ...img2img, mask: img2img.init, inpaint: Inpaint.parse({ soft: {}, fill: 'latent_noise' }), sampler: 'dpmpp_2m_sde', compat: 'comfy' }), { ...mini, init, mask }],
    [small({ sampler: 'euler_a', prompt: 'a [red:blue:0.5] house [on grass:at sea:1.5]', hires: Hires.parse({ scale: 1.5, steps: 4, strength: 0.6 }) }), mini],
    [small({ ...img2img, width: 96, sampler: 'euler_a', steps: 4, outpaint: Outpaint.parse({ right: 32, seam: 0.7 }), seamless: 'y' }), { ...mini, init }],
    [small({ sampler: 'dpmpp_sde', hires: Hires.parse({ width: 96, height: 80, upscaler: 'lanczos', strength: 0.5, sampler: 'dpmpp_2m', prompt: 'a boat' }) }), mini],
    [small({ ...refined, sampler: 'euler', steps: 4, hires: Hires.parse({ scale: 1.25, upscaler: 'latent_nearest_exact' }) }), await xl()],
    [small({ ...refined, sampler: 'dpmpp_2m', cfgRescale: 0.5 }), await xl()],
    [small({ prompt: 'a blue house on grass', sampler: 'euler_a', edit: { ...edit, blend: { source: ['house'], edited: ['house'], threshold: 0.3 } } }), mini],
    [small({ ...refined, sampler: 'dpmpp_2m', prompt: 'a blue house', edit: { ...edit, blend: { source: ['red'], edited: ['blue'], threshold: 0.6 } } }), await xl()],
    [small({ sampler: 'euler_a', steps: 3, details: [Detail.parse({ find: 'person' }), Detail.parse({ find: 'face', strength: 0.7, prompt: 'a red boat [SEP] a blue boat', steps: 4 }), Detail.parse({ find: 'hand', together: 'merge', area: 'whole', strength: 1 })] }), mini],
    [small({ ...img2img, mask: img2img.init, inpaint: Inpaint.parse({}), sampler: 'euler', steps: 3, details: [Detail.parse({ find: 'face', strength: 0.6, padding: 4, width: 96, height: 64 })] }), { ...mini, init, mask }],
    [small({ ...refined, sampler: 'restart', steps: 20 }), await xl()],                // comes back to high levels after the refiner has taken over
  ];
  const stopped: Stopped[] = [], ends: string[] = [];
  for (const [job, files] of jobs) {
    const { end, states } = await wholeRun(job, files);
    // Before and after the refiner takes over.
    const chosen = states.filter((_, i) => i % Math.ceil(states.length / 4) === 0);
    for (const state of chosen) { stopped.push({ job, files, state: Buffer.from(encodePassState(state)).toString('base64') }); ends.push(end); }
  }
  expect(stopped.length).toBeGreaterThan(30);
  expect(new Set(ends).size).toBe(jobs.length);
  expect(await goOn(stopped)).toEqual(ends);
});

test('a host that is slow to keep a state is waited for, and is told of the steps that are left', async () => {
  const job = small({ sampler: 'euler_a' });
  const seen: string[] = [];
  let kept: Uint8Array | undefined;
  await runWholeJob(job, { model: demoPath }, { onStep: async ({ step, state }) => {
    seen.push(`begin ${step}`);
    await new Promise((resolve) => { setImmediate(resolve); });
    if (step === 3) kept = encodePassState(state);
    seen.push(`end ${step}`);
  } });
  expect(seen).toEqual([1, 2, 3, 4, 5].flatMap((step) => [`begin ${step}`, `end ${step}`]));
  const left: number[] = [];
  await runWholeJob(job, { model: demoPath }, { resume: await decodePassState(kept!, 'kept'), onStep: ({ step, steps }) => { left.push(step); expect(steps).toBe(5); } });
  expect(left).toEqual([4, 5]);
});

describe('a state of another job is refused, naming what is another', () => {
  const job = small({ sampler: 'euler_a', files: { model: { name: 'Mini', hash: 'a'.repeat(64) } } });
  const state = (async () => (await wholeRun(job, { model: demoPath })).states[1]!)();
  const goOnAs = async (patch: object): Promise<unknown> => runWholeJob({ ...job, ...patch }, { model: demoPath }, { resume: await state });
  test.each<[string, object]>([
    ['prompt', { prompt: 'a blue house' }], ['seed', { seed: 99 }], ['cfg', { cfg: 5 }], ['sampler', { sampler: 'heun' }], ['steps', { steps: 6 }], ['width', { width: 128 }],
    ['refiner', refined], ['variation', { variation: { seed: 1, strength: 0.1 } }], ['edit', { edit }],
    ['model', { files: { model: { name: 'Mini', hash: 'b'.repeat(64) } } }], ['model', { files: { model: { name: 'Another', hash: null } } }], ['vae', { files: { ...job.files, vae: { name: 'fine', hash: null } } }],
  ])('%s %j', async (field, patch) => {
    expect(await refusalOf(goOnAs(patch))).toMatchObject({ code: 'pass.stale', message: expect.stringContaining(field) as string, data: { field } });
  });
  test.each<[string, object]>([
    ['a model that has another name', { files: { model: { name: 'Renamed', hash: 'a'.repeat(64) } } }], ['a hash that is not known', { files: { model: { name: 'Mini', hash: null } } }],
    ['the files of trained words', { files: { ...job.files, embeddings: [{ name: 'x', hash: null }] } }],
    ['the text before wildcards', { template: { prompt: 'a __colour__ house', negative: '' } }],
  ])('but not what says nothing of the picture: %s', async (_, patch) => {
    await expect(goOnAs(patch)).resolves.toBeDefined();
  });
});

describe('when a job with a refiner has ended, the U-Net of the refiner is closed', () => {
  const job = small({ ...refined, sampler: 'euler' });
  /** Counts what is open of graphs that read latents and timesteps: U-Nets. */
  function counting() {
    const ort = ortRuntime({ threads: 1 }), open = new Set<object>();
    const runtime: Runtime = { async open(graph) {
      const session = await ort.open(graph);
      if (!graph.inputs.some(({ name }) => name === 't')) return session;
      const counted = { ...session, run: session.run.bind(session), close: async () => { open.delete(counted); await session.close(); } };
      open.add(counted);
      return counted;
    } };
    return { runtime, open };
  }
  const stop = new Error('stopped by the test');
  test.each<[string, (step: number, abort: AbortController) => void, boolean]>([
    ['whole', () => {}, false],
    ['cancelled', (step, abort) => { if (step === 4) abort.abort(stop); }, true],
    ['with an error', (step) => { if (step === 4) throw stop; }, true],
  ])('%s', async (_, at, fails) => {
    const { runtime, open } = counting(), abort = new AbortController();
    let opened = 0, left = -1;
    const run = runWholeJob(job, await xl(), {
      runtime, signal: abort.signal, afterwards: () => { left = open.size; },
      onStep: ({ step }) => { opened = Math.max(opened, open.size); at(step, abort); },
    });
    if (fails) await expect(run).rejects.toBe(stop); else await run;
    expect(opened).toBe(1);                          // never both
    expect(left).toBe(0);
  });
});
