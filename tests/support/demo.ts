// The demo checkpoint through the real engine, in this process: pictures whose meaning a test can look at.
import { join } from 'node:path';
import { JobSpec } from '../../preload/contract/job';
import { jobVersion } from '../../preload/contract/job-versions';
import { ModelCache } from '../../main/worker/model-cache';
import { ortRuntime } from '../../main/worker/ort-runtime';
import type { FromWorker, Pixels } from '../../main/worker/protocol';
import { runJob } from '../../main/worker/run-job';
import { runPaths } from './run-message';

export const demoPath = join(import.meta.dirname, '../../resources/models/atelier-mini.safetensors');

export const demoJob = (patch: Partial<JobSpec> = {}): JobSpec => JobSpec.parse({
  version: jobVersion, kind: 'txt2img', files: { model: { name: 'Atelier Mini', hash: null } }, prompt: 'a red house on grass', seed: 1, steps: 20,
  sampler: 'dpmpp_2m', schedule: 'karras', cfg: 4, width: 128, height: 128, ...patch,
});

const models = new ModelCache(ortRuntime());

interface Options { modelPath?: string; initPath?: string | undefined; maskPath?: string | undefined; signal?: AbortSignal; sparing?: boolean; onMessage?: (message: FromWorker) => void }

export async function paint(job: JobSpec, { modelPath = demoPath, initPath, maskPath, signal = new AbortController().signal, sparing = false, onMessage = () => {} }: Options = {}): Promise<Pixels> {
  const { pixels } = await runJob({ type: 'run', id: 'test', job, ...runPaths({ modelPath, initPath, maskPath }), sparing }, models, signal, onMessage);
  return pixels;
}

/** Mean colour of a part of the picture, given in shares of its sides. */
export function meanColor({ width, height, rgb }: Pixels, [left, top, right, bottom]: readonly [number, number, number, number]): { r: number; g: number; b: number } {
  const sum = [0, 0, 0];
  let count = 0;
  for (let y = Math.floor(top * height); y < bottom * height; y++) {
    for (let x = Math.floor(left * width); x < right * width; x++, count++) {
      for (let c = 0; c < 3; c++) sum[c]! += rgb[(y * width + x) * 3 + c]!;
    }
  }
  return { r: sum[0]! / count, g: sum[1]! / count, b: sum[2]! / count };
}

/** Mean absolute difference a channel, 0–255. */
export function difference(a: Pixels, b: Pixels): number {
  return a.rgb.reduce((sum, value, i) => sum + Math.abs(value - b.rgb[i]!), 0) / a.rgb.length;
}
