// `bench`: what this machine does at the real sizes of SD 1.5 and SDXL, each figure beside the machine's own matrix-product rate.
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import type { JobSpec } from '../../preload/contract/job';
import { jobVersion } from '../../preload/contract/job-versions';
import { AppError } from '../engine/errors';
import { explainCrash } from '../services/queue/explain';
import { sd15, sdxlBase } from '../engine/families/known-sizes';
import { checkpointTensors } from '../engine/families/network-tensors';
import { buildUnet, unetConfig } from '../engine/families/unet';
import { WorkerHost } from '../services/workers/host';
import { runOnWorker } from '../services/queue/worker-run';
import { writeRandomCheckpoint } from '../services/model-tools/random-checkpoint';
import type { Dims } from '../engine/tensor';
import { openWeightFile } from '../files/weight-file';
import { measureProductRate } from '../worker/product-rate';
import type { JobTimings } from '../worker/protocol';
import { helpFor, parseCommand, type Command } from './args';
import { packageRoot } from './package-root';

const command = {
  name: 'bench',
  summary: 'Makes random checkpoints with the exact tensors of SD 1.5 and SDXL once (2.1 and 6.9 GB in .cache/) and measures 512×512 on them.',
  flags: {
    steps: { kind: 'number', value: 'N', help: 'steps measured; the median of all but the first counts (6)' },
    size: { kind: 'text', value: 'WxH', help: 'pixels (512x512)' },
    only: { kind: 'text', value: 'NAME', help: 'one family', choices: ['sd15', 'sdxl'] },
    json: { kind: 'switch', help: 'one JSON object on stdout' },
  },
} as const satisfies Command;

interface Family { readonly name: 'sd15' | 'sdxl'; readonly sizeBytes: number; readonly tensors: () => ReadonlyMap<string, Dims> }
const families: readonly Family[] = [
  { name: 'sd15', sizeBytes: 2.2e9, tensors: () => checkpointTensors(sd15) },
  { name: 'sdxl', sizeBytes: 7e9, tensors: () => checkpointTensors(sdxlBase) },
];

interface Setting { readonly width: number; readonly height: number; readonly steps: number }
interface Measured extends JobTimings { readonly steps: readonly number[] }

export async function runBench(args: string[]): Promise<number> {
  const { values, help } = parseCommand(command, args);
  if (help) {
    process.stdout.write(`${helpFor(command)}\n`);
    return 0;
  }
  const [width, height] = (values.size ?? '512x512').split('x').map(Number) as [number, number];
  const setting = { width, height, steps: values.steps ?? 6 };
  const report: Record<string, unknown> = { machine: { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, gflops: round(median(await measureProductRate())) } };
  for (const family of families) {
    if (values.only === undefined || values.only === family.name) report[family.name] = await measureFamily(family, setting);
  }
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : `${JSON.stringify(report, null, 2)}\n`);
  return 0;
}

/** `shareOfPeak` is held against the product rate before and after the run itself, since machines are shared. */
async function measureFamily(family: Family, setting: Setting): Promise<Record<string, unknown>> {
  const lack = await whyNot(family);
  if (lack) return { skipped: lack };
  const path = await checkpoint(family);
  await readOnce(path);                                                               // the warm file cache that the figures speak of
  const file = await openWeightFile(path);
  const { width, height } = setting;
  const flops = buildUnet(file, unetConfig(file)!, { batch: 1, height: height / 8, width: width / 8, tokens: 77 }).flops();

  const before = await measureProductRate();
  const single = await measure(path, { ...setting, cfg: 1 });
  const guided = await measure(path, { ...setting, steps: Math.max(2, Math.ceil(setting.steps / 2)), cfg: 7 });
  const after = await measureProductRate();
  const gflops = median([...before, ...after]);
  const stepSeconds = median(single.steps.slice(1));
  const guidedSeconds = median(guided.steps.slice(1));
  return {
    size: `${width}x${height}`, stepTflop: round(flops / 1e12, 4), gflops: round(gflops),
    stepSeconds: round(stepSeconds), stepSecondsBest: round(Math.min(...single.steps)), firstStepSeconds: round(single.steps[0]!),
    shareOfPeak: round(flops / 1e9 / stepSeconds / gflops),
    guidedStepSeconds: round(guidedSeconds), guidedShareOfPeak: round((2 * flops) / 1e9 / guidedSeconds / gflops),
    openSeconds: round(single.openSeconds), decodeSeconds: round(single.decodeSeconds),
    peakBytes: single.peakBytes, guidedPeakBytes: guided.peakBytes,
  };
}

/** Room on the disk for the file and in memory for what it becomes, or what lacks. */
async function whyNot({ name, sizeBytes }: Family): Promise<string | undefined> {
  if (totalmem() < 2 * sizeBytes) return `${name} needs ${Math.ceil((2 * sizeBytes) / 1e9)} GB of memory`;
  if (existsSync(join(cacheFolder(), `${name}-random.safetensors`))) return undefined;
  await mkdir(cacheFolder(), { recursive: true });
  const { bavail, bsize } = await statfs(cacheFolder());
  return bavail * bsize < sizeBytes + 2e9 ? `${name} needs ${Math.ceil(sizeBytes / 1e9) + 2} GB of free disk in ${cacheFolder()}` : undefined;
}

async function readOnce(path: string): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 8 << 20 })) void chunk;
}

/** In a worker of its own, so that the first job opens everything and the peak is this run's. */
async function measure(modelPath: string, job: Pick<JobSpec, 'width' | 'height' | 'steps' | 'cfg'>): Promise<Measured> {
  const host = new WorkerHost(join(packageRoot(), 'out/main/worker.js'));
  try {
    await host.start();
    const steps: number[] = [];
    const spec: JobSpec = {
      version: jobVersion, kind: 'txt2img', files: { model: { name: 'random', hash: null } }, prompt: 'a red house on grass', negative: '', seed: 1,
      sampler: 'euler', schedule: 'normal', clipSkip: 1, rng: 'cpu', compat: 'a1111', ...job,
    };
    const outcome = await runOnWorker(host, { type: 'run', id: 'bench', job: spec, files: { model: modelPath }, sparing: false, keepMs: 5000 }, (progress) => {
      if (progress.type === 'step') steps.push(progress.seconds);
    });
    if (outcome.type === 'failed') throw AppError.fromInfo(outcome.error);
    if (outcome.type !== 'done') throw outcome.type === 'crashed' ? AppError.fromInfo(explainCrash(outcome.crash)) : new AppError('job.cancelled', {});
    return { ...outcome.timings, steps };
  } finally {
    await host.stop();
  }
}

const cacheFolder = (): string => join(packageRoot(), '.cache/bench');

/** The family's own tensors with random weights, made once. */
async function checkpoint({ name, sizeBytes, tensors }: Family): Promise<string> {
  const path = join(cacheFolder(), `${name}-random.safetensors`);
  if (existsSync(path)) return path;
  await mkdir(cacheFolder(), { recursive: true });
  process.stderr.write(`Making a random ${name} checkpoint of ${(sizeBytes / 1e9).toFixed(1)} GB, once…\n`);
  const unfinished = `${path}.${process.pid}.part`;
  try {
    await writeRandomCheckpoint(unfinished, tensors(), 1);
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
