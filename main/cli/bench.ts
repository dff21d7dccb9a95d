// `bench`: what this machine does at SD 1.5's real size, each figure beside the machine's own matrix-product rate.
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { JobSpec } from '../../preload/contract/job';
import { AppError } from '../engine/errors';
import { expectedSd1, sd15 } from '../engine/families/expected-sd1';
import { buildUnet, unetConfig } from '../engine/families/unet';
import { WorkerHost } from '../services/worker-host';
import { runOnWorker } from '../services/queue/worker-run';
import { writeRandomCheckpoint } from '../services/random-checkpoint';
import { openWeightFile } from '../worker/files';
import { measureProductRate } from '../worker/product-rate';
import type { JobTimings } from '../worker/protocol';
import { helpFor, parseCommand, type Command } from './args';
import { packageRoot } from './package-root';

const command = {
  name: 'bench',
  summary: 'Makes a random checkpoint with SD 1.5\'s exact tensors once (2.1 GB in .cache/) and measures 512×512 on it.',
  flags: {
    steps: { kind: 'number', value: 'N', help: 'steps measured; the median of all but the first counts (6)' },
    size: { kind: 'text', value: 'WxH', help: 'pixels (512x512)' },
    json: { kind: 'switch', help: 'one JSON object on stdout' },
  },
} as const satisfies Command;

interface Measured extends JobTimings { readonly steps: readonly number[] }

export async function runBench(args: string[]): Promise<number> {
  const { values, help } = parseCommand(command, args);
  if (help) {
    process.stdout.write(`${helpFor(command)}\n`);
    return 0;
  }
  const [width, height] = (values.size ?? '512x512').split('x').map(Number) as [number, number];
  const steps = values.steps ?? 6;
  const path = await checkpoint();
  await readFile(path).then(() => undefined);                                         // the warm file cache that the figures speak of
  const file = await openWeightFile(path);
  const size = { batch: 1, height: height / 8, width: width / 8, tokens: 77 };
  const stepFlops = buildUnet(file, unetConfig(file)!, size).flops();

  const before = await measureProductRate();
  const single = await measure(path, { width, height, steps, cfg: 1 });
  const guided = await measure(path, { width, height, steps: Math.max(2, Math.ceil(steps / 2)), cfg: 7 });
  const after = await measureProductRate();
  const gflops = median([...before, ...after]);

  const stepSeconds = median(single.steps.slice(1));
  const guidedSeconds = median(guided.steps.slice(1));
  const report = {
    machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, gflops: round(gflops), gflopsBest: round(Math.max(...before, ...after)) },
    sd15: {
      size: `${width}x${height}`, stepTflop: round(stepFlops / 1e12, 4),
      stepSeconds: round(stepSeconds), stepSecondsBest: round(Math.min(...single.steps)), firstStepSeconds: round(single.steps[0]!),
      shareOfPeak: round(stepFlops / 1e9 / stepSeconds / gflops),
      guidedStepSeconds: round(guidedSeconds), guidedShareOfPeak: round((2 * stepFlops) / 1e9 / guidedSeconds / gflops),
      openSeconds: round(single.openSeconds), decodeSeconds: round(single.decodeSeconds),
      peakBytes: single.peakBytes, guidedPeakBytes: guided.peakBytes,
    },
  };
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${JSON.stringify(report, null, 2)}\n`);
  return 0;
}

/** In a worker of its own, so that the first job opens everything and the peak is this run's. */
async function measure(modelPath: string, job: Pick<JobSpec, 'width' | 'height' | 'steps' | 'cfg'>): Promise<Measured> {
  const host = new WorkerHost(join(packageRoot(), 'out/main/worker.js'));
  try {
    await host.start();
    const steps: number[] = [];
    const spec: JobSpec = {
      version: 1, kind: 'txt2img', model: { name: 'sd15-random', hash: null }, prompt: 'a red house on grass', negative: '', seed: 1,
      sampler: 'euler', schedule: 'normal', clipSkip: 1, noise: 'cpu', ...job,
    };
    const outcome = await runOnWorker(host, { type: 'run', id: 'bench', job: spec, modelPath, attempt: 1 }, (progress) => {
      if (progress.type === 'step') steps.push(progress.seconds);
    });
    if (outcome.type === 'failed') throw AppError.fromInfo(outcome.error);
    if (outcome.type !== 'done') throw new AppError('worker.died', { message: `the bench ended as ${outcome.type}`, hint: 'Close other programs and run it again.' });
    return { ...outcome.timings, steps };
  } finally {
    await host.stop();
  }
}

/** SD 1.5's own tensors with random weights, made once. */
async function checkpoint(): Promise<string> {
  const folder = join(packageRoot(), '.cache/bench');
  const path = join(folder, 'sd15-random.safetensors');
  if (existsSync(path)) return path;
  await mkdir(folder, { recursive: true });
  process.stderr.write('Making a random SD 1.5 checkpoint of 2.1 GB, once…\n');
  const unfinished = `${path}.${process.pid}.part`;
  try {
    await writeRandomCheckpoint(unfinished, expectedSd1(sd15), 1);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
  return path;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? NaN) + (sorted[sorted.length >> 1] ?? NaN)) / 2;
}

const round = (value: number, digits = 3): number => Number(value.toFixed(digits));
