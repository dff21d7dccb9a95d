// `bench`: what this machine does at the real sizes of SD 1.5 and SDXL, each figure beside the machine's own matrix-product rate.
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { Control } from '../../preload/contract/control';
import type { JobSpec, UpscaleJob } from '../../preload/contract/job';
import { jobVersion } from '../../preload/contract/job-versions';
import { AppError } from '../engine/errors';
import { explainCrash } from '../services/queue/explain';
import { clipL, esrganX4, sd15, sdxlBase } from '../engine/families/known-sizes';
import { checkpointTensors, controlNetTensors, rrdbTensors } from '../engine/families/network-tensors';
import { buildUnet, unetConfig } from '../engine/families/unet';
import { encodePng } from '../services/pictures/encode';
import { WorkerHost } from '../services/workers/host';
import { runOnWorker } from '../services/queue/worker-run';
import { writeRandomCheckpoint } from '../services/model-tools/random-checkpoint';
import type { Dims } from '../engine/tensor';
import { loraTargets } from '../engine/weights/lora/targets';
import { openWeightFile } from '../files/weight-file';
import { measureProductRate } from '../worker/product-rate';
import type { JobMessage, JobTimings, RunMessage } from '../worker/protocol';
import { helpFor, parseCommand, type Command } from './args';
import { packageRoot } from './package-root';

const command = {
  name: 'bench',
  summary: 'Makes random checkpoints with the exact tensors of SD 1.5 and SDXL once (2.1 and 6.9 GB in .cache/) and measures 512×512 on them.',
  flags: {
    steps: { kind: 'number', value: 'N', help: 'steps measured; the median of all but the first counts (6)' },
    size: { kind: 'text', value: 'WxH', help: 'pixels (512x512)' },
    only: { kind: 'text', value: 'NAME', help: 'one row', choices: ['sd15', 'sdxl', 'lora', 'control', 'upscale', 'decode'] },
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
  for (const [name, measureRow] of [['lora', measureLora], ['control', measureControl], ['upscale', measureUpscale], ['decode', measureDecode]] as const) if (values.only === undefined || values.only === name) report[name] = await measureRow(setting);
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

/** A LoRA of rank 16 on every layer of the transformers and their projections. */
async function measureLora(setting: Setting): Promise<Record<string, unknown>> {
  const model = await checkpoint(families[0]!), targets = [...new Set(loraTargets(await openWeightFile(model)).values())].filter(({ kohyaName }) => /^lora_unet_.*(?:attn\d_to_|ff_net_|proj_(?:in|out)$)/.test(kohyaName));
  const lora = await randomFile('lora-r16', 20e6, () => new Map(targets.flatMap(({ kohyaName, weight: { shape: [out = 1, input = 1, ...kernel] } }): [string, Dims][] =>
    [[`${kohyaName}.lora_down.weight`, [16, input, ...kernel]], [`${kohyaName}.lora_up.weight`, [out, 16, ...kernel]]])));
  return { ...await measureBeside(setting, model, { job: { loras: [{ unet: 0.8, text: 0.8 }] }, files: { loras: [{ name: 'lora', hash: null }] } }, { files: { loras: [lora] } }), modules: targets.length };
}

/** A ControlNet of the model's size, at full weight on every step. */
async function measureControl(setting: Setting): Promise<Record<string, unknown>> {
  const model = await checkpoint(families[0]!), control = await randomFile('controlnet', 723e6, () => new Map(controlNetTensors(sd15.unet))), picture = await noisePicture(), image = '0'.repeat(64);
  return measureBeside(setting, model, { job: { controls: [Control.parse({ image })] }, files: { controls: [{ name: 'control', hash: null }] } }, { files: { controls: [control] }, pictures: { controls: [{ image: picture }] } });
}

interface Beside { readonly job: Partial<JobSpec>; readonly files: Partial<JobSpec['files']> }
/** In turn with it and without, on one worker: what it costs a step, as the median of neighbours' ratios, and what putting it on and taking it off a warm model costs. */
async function measureBeside({ width, height, steps }: Setting, model: string, { job: more, files }: Beside, paths: { files: Partial<RunMessage['files']>; pictures?: RunMessage['pictures'] }): Promise<Record<string, unknown>> {
  const plain = specOf({ width, height, steps, cfg: 1 }), steered: JobSpec = { ...plain, ...more, files: { ...plain.files, ...files } };
  const message = (job: JobSpec, own: typeof paths | undefined): JobMessage => ({ type: 'run', id: 'bench', job, sparing: false, keepMs: 5000, ...own, files: { model, ...own?.files } });
  const runs: { readonly off: Measured; readonly on: Measured }[] = [];
  await withWorker(async (run) => {
    await run(message(plain, undefined));                     // opens the model
    for (let i = 0; i < ROUNDS; i++) runs.push({ on: await run(message(steered, paths)), off: await run(message(plain, undefined)) });
  });
  const stepOf = ({ steps: all }: Measured): number => median(all.slice(1)), ratios = runs.map(({ on, off }) => stepOf(on) / stepOf(off));
  return {
    size: `${width}x${height}`, stepRatio: round(median(ratios)), stepRatios: ratios.map((ratio) => round(ratio)), stepSeconds: round(median(runs.map(({ off }) => stepOf(off)))),
    firstOnSeconds: round(runs[0]!.on.openSeconds), onSeconds: round(median(runs.slice(1).map(({ on }) => on.openSeconds))), offSeconds: round(median(runs.map(({ off }) => off.openSeconds))),
    onFirstStepSeconds: round(median(runs.map(({ on }) => on.steps[0]!))), offFirstStepSeconds: round(median(runs.map(({ off }) => off.steps[0]!))), peakBytes: runs.at(-1)!.on.peakBytes,
  };
}
const ROUNDS = 3;

async function noisePicture(): Promise<string> {
  const path = join(cacheFolder(), 'noise-512.png');
  await writeFile(path, await encodePng({ width: 512, height: 512, rgb: Uint8Array.from({ length: 3 * 512 * 512 }, (_, i) => (i * 7919) % 251) }, []));
  return path;
}

/** ×4 of 512×512 by a network of ESRGAN's size, in the tiles that it usually has. */
async function measureUpscale(): Promise<Record<string, unknown>> {
  const upscaler = await randomFile('esrgan-x4', 33e6, () => rrdbTensors(esrganX4)), picture = await noisePicture();
  const job: UpscaleJob = { version: jobVersion, kind: 'upscale', files: { upscaler: { name: 'random', hash: null } }, init: '0'.repeat(64), scale: 4, width: 2048, height: 2048, tile: 256 };
  const { steps, peakBytes } = await measureMessage({ type: 'upscale', id: 'bench', job, upscaler, picture });
  return { size: '512x512', scale: 4, seconds: round(steps.reduce((a, b) => a + b, 0)), tiles: steps.length, peakBytes };
}

/** 1024×1024 by an autoencoder of SD's size, whole and in tiles. The U-Net is next to none. */
async function measureDecode(): Promise<Record<string, unknown>> {
  const unet = { inChannels: 4, outChannels: 4, modelChannels: 32, timeEmbed: 128, channels: [32, 64], resBlocks: 1, depths: [0, 1], middleDepth: 0, contextDim: 32 };
  const text = { 'cond_stage_model.transformer.text_model.': { ...clipL, width: 32, layers: 1, mlp: 128 } };
  const path = await randomFile('sd-vae', 170e6, () => checkpointTensors({ unet, text, vae: sd15.vae })), job = { width: 1024, height: 1024, steps: 1, cfg: 1 };
  const whole = await measure(path, job), tiled = await measure(path, { ...job, vaeTile: 512 });
  return { size: '1024x1024', seconds: round(whole.decodeSeconds), peakBytes: whole.peakBytes, tiledSeconds: round(tiled.decodeSeconds), tiledPeakBytes: tiled.peakBytes };
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

type Asked = Pick<JobSpec, 'width' | 'height' | 'steps' | 'cfg' | 'vaeTile'>;
const specOf = (job: Asked): JobSpec => ({
  version: jobVersion, kind: 'txt2img', files: { model: { name: 'random', hash: null } }, prompt: 'a red house on grass', negative: '', seed: 1,
  sampler: 'euler', schedule: 'normal', clipSkip: 1, rng: 'cpu', compat: 'a1111', ...job,
});

/** In a worker of its own, so that the first job opens everything and the peak is this run's. */
const measure = (model: string, job: Asked): Promise<Measured> => measureMessage({ type: 'run', id: 'bench', job: specOf(job), files: { model }, sparing: false, keepMs: 5000 });
const measureMessage = (message: JobMessage): Promise<Measured> => withWorker((run) => run(message));

async function withWorker<T>(work: (run: (message: JobMessage) => Promise<Measured>) => Promise<T>): Promise<T> {
  const host = new WorkerHost(join(packageRoot(), 'out/main/worker.js'));
  try {
    await host.start();
    return await work(async (message) => {
      const steps: number[] = [];
      const outcome = await runOnWorker(host, message, (progress) => {
        if (progress.type === 'step') steps.push(progress.seconds);
      });
      if (outcome.type === 'failed') throw AppError.fromInfo(outcome.error);
      if (outcome.type !== 'done') throw outcome.type === 'crashed' ? AppError.fromInfo(explainCrash(outcome.crash)) : new AppError('job.cancelled', {});
      return { ...outcome.timings, steps };
    });
  } finally {
    await host.stop();
  }
}

const cacheFolder = (): string => join(packageRoot(), '.cache/bench');

/** The family's own tensors with random weights, made once. */
const checkpoint = ({ name, sizeBytes, tensors }: Family): Promise<string> => randomFile(name, sizeBytes, tensors);

async function randomFile(name: string, sizeBytes: number, tensors: () => ReadonlyMap<string, Dims>): Promise<string> {
  const path = join(cacheFolder(), `${name}-random.safetensors`);
  if (existsSync(path)) return path;
  await mkdir(cacheFolder(), { recursive: true });
  process.stderr.write(`Making a random ${name} of ${(sizeBytes / 1e9).toFixed(1)} GB, once…\n`);
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
