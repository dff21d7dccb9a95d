// `merge`, `bake`, `extract`, `convert`, `prune`: new model files out of those that are there. Results go to stdout, progress to stderr.
import { extname, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import { doraRules, type DoraRule } from '../engine/adapters/change';
import { parseBlocks } from '../engine/weights/merge/blocks';
import type { WrittenDType } from '../engine/weights/dtypes';
import { bakeLoras, type LoraUse } from '../services/model-tools/bake';
import { ortRuntime } from '../worker/ort-runtime';
import { convertModel } from '../services/model-tools/convert';
import { extractLora } from '../services/model-tools/extract';
import { mergeModels } from '../services/model-tools/merge';
import type { ToolRun, WrittenModel } from '../services/model-tools/write-model';
import { onStopSignal } from '../services/stop-signal';
import { helpFor, parseCommand, type Command, type Parsed } from './args';

const precisions = { fp32: 'F32', fp16: 'F16', bf16: 'BF16', fp8_e4m3: 'F8_E4M3', fp8_e5m2: 'F8_E5M2' } as const satisfies Record<string, WrittenDType>;
const precisionNames = Object.keys(precisions) as (keyof typeof precisions)[];

const precision = { kind: 'text', value: 'NAME', help: 'of all weights (as they are in the source)', choices: precisionNames } as const;
const out = { kind: 'text', value: 'FILE', help: 'the new .safetensors file' } as const;
const json = { kind: 'switch', help: 'one line of JSON' } as const;

const merge = {
  name: 'merge',
  summary: 'Merges checkpoints: weighted-sum is (1 − M)·A + M·B, add-difference is A + M·(B − C). An inpainting model must be A.',
  flags: {
    a: { kind: 'text', value: 'FILE', help: 'model A' }, b: { kind: 'text', value: 'FILE', help: 'model B' }, c: { kind: 'text', value: 'FILE', help: 'model C, for add-difference' },
    mode: { kind: 'text', value: 'NAME', help: 'how (weighted-sum)', choices: ['weighted-sum', 'add-difference'] },
    multiplier: { kind: 'number', value: 'M', help: 'how much of B, usually from 0 to 1' },
    blocks: { kind: 'text', value: 'LIST', help: 'M for each block of the U-Net: 25 numbers (IN00–IN11, M00, OUT00–OUT11), 26 with BASE first, or JSON such as {"IN04": 1}; other blocks take --multiplier' },
    out, precision, prune: { kind: 'switch', help: 'leave out EMA copies, what only training used, and buffers' },
    'dry-run': { kind: 'switch', help: 'check everything, write nothing' }, json,
  },
} as const satisfies Command;

const bake = {
  name: 'bake',
  summary: 'Writes a checkpoint with LoRAs in it.',
  flags: {
    model: { kind: 'text', value: 'FILE', help: 'the checkpoint' },
    lora: { kind: 'list', value: 'FILE:WEIGHT[:TE]', help: 'a LoRA, its weight and, where it differs, its weight for the text encoders; may be given more than once' },
    dora: { kind: 'text', value: 'RULE', help: 'how DoRA takes its magnitudes and weights other than 1 (comfyui, as where a picture is made)', choices: doraRules },
    out, precision, json,
  },
} as const satisfies Command;

const extract = {
  name: 'extract',
  summary: 'Makes a LoRA from the difference of two checkpoints, with kohya\'s names.',
  flags: {
    a: { kind: 'text', value: 'FILE', help: 'the tuned model' }, b: { kind: 'text', value: 'FILE', help: 'the model that it was made from' },
    rank: { kind: 'number', value: 'R', help: 'of the transformers\' layers (32)' },
    'conv-rank': { kind: 'number', value: 'R', help: 'of the resnets\' layers, which are left out without it' },
    out, precision: { ...precision, help: 'of the LoRA (fp16)' }, json,
  },
} as const satisfies Command;

const converterFlags = { in: { kind: 'text', value: 'FILE', help: 'the model file' }, out, precision, json } as const;

const convert: Command<typeof converterFlags> = {
  name: 'convert',
  summary: 'Writes a model file in another precision. Pickled checkpoints (.ckpt, .pt) become .safetensors.',
  flags: converterFlags,
};

const prune: Command<typeof converterFlags> = {
  name: 'prune',
  summary: 'Writes a checkpoint without EMA copies, optimizer state and buffers.',
  flags: converterFlags,
};

export const runMerge = (args: string[]): Promise<number> => runTool(merge, args, ({ values }, run) => {
  const { multiplier } = values;
  if (multiplier === undefined) throw needs('multiplier', '0.5');
  if (values.c !== undefined && values.mode !== 'add-difference') throw new AppError('usage', { why: 'third' });
  return mergeModels({
    a: file(values.a, 'a'), b: file(values.b, 'b'), c: values.c, out: outFile(values.out), mode: (values.mode ?? 'weighted-sum') as 'weighted-sum' | 'add-difference',
    multiplier, blocks: values.blocks === undefined ? undefined : parseBlocks(values.blocks), precision: dtype(values.precision), prune: values.prune, dryRun: values['dry-run'],
  }, run);
});

export const runBake = (args: string[]): Promise<number> => runTool(bake, args, ({ values }, run) => {
  if (values.lora.length === 0) throw needs('lora', 'style.safetensors:0.8');
  return bakeLoras(ortRuntime(), { model: file(values.model, 'model'), loras: values.lora.map(parseLora), out: outFile(values.out), precision: dtype(values.precision), dora: values.dora as DoraRule | undefined }, run);
});

export const runExtract = (args: string[]): Promise<number> => runTool(extract, args, ({ values }, run) => {
  const tuned = file(values.a, 'a'), base = file(values.b, 'b');
  const rank = rankOf(values.rank ?? 32, 'rank'), convRank = values['conv-rank'] === undefined ? undefined : rankOf(values['conv-rank'], 'conv-rank');
  return extractLora({ tuned, base, out: outFile(values.out), rank, convRank, precision: dtype(values.precision) }, run);
});

const runConverter = (command: Command<typeof converterFlags>, args: string[], isPruned: boolean): Promise<number> => runTool(command, args, ({ values }, run) =>
  convertModel({ in: file(values.in, 'in'), out: outFile(values.out), precision: dtype(values.precision), prune: isPruned }, run));
export const runConvert = (args: string[]): Promise<number> => runConverter(convert, args, false);
export const runPrune = (args: string[]): Promise<number> => runConverter(prune, args, true);

async function runTool<F extends Command['flags'] & { json: { kind: 'switch'; help: string } }>(
  command: Command<F>, args: string[], work: (parsed: Parsed<F>, run: ToolRun) => Promise<WrittenModel>,
): Promise<number> {
  const parsed = parseCommand(command, args);
  if (parsed.help) return print(helpFor(command));
  const abort = new AbortController();
  const stopListening = onStopSignal(() => abort.abort(new AppError('job.cancelled', {})));
  try {
    const report = await work(parsed, { onProgress: percentages(command.name), signal: abort.signal });
    if (report.notFinite.length > 0) process.stderr.write(`These tensors hold NaN or infinity: ${report.notFinite.join(', ')}\n`);
    return print((parsed.values as { json: boolean }).json ? JSON.stringify(report) : describe(report));
  } finally {
    stopListening();
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

/** One line a field; of lists of names their length and the first. */
const describe = (report: object): string => Object.entries(report).map(([key, value]) => `${key.padEnd(12)} ${show(value)}`).join('\n');

function show(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  if (!Array.isArray(value)) return Object.entries(value).map(([key, inner]) => `${key} ${show(inner)}`).join(', ');
  if (value.some((item) => typeof item === 'object')) return value.map(show).join('\n'.padEnd(14));
  return [String(value.length), ...(value.length > 0 ? [`(${value.slice(0, 3).join(', ')}${value.length > 3 ? ', …' : ''})`] : [])].join(' ');
}

/** On a terminal one line that is rewritten; elsewhere a line for each tenth. */
function percentages(name: string): NonNullable<ToolRun['onProgress']> {
  let shown = -1;
  return (done, total) => {
    const percent = Math.floor(100 * done / total), step = process.stderr.isTTY ? 1 : 10;
    if (percent < shown + step && percent < 100 || percent === shown) return;
    shown = percent;
    process.stderr.write(process.stderr.isTTY ? `\r${name} ${percent} %${percent === 100 ? '\n' : ''}` : `${name} ${percent} %\n`);
  };
}

const needs = (name: string, example: string): AppError => new AppError('usage', { why: 'missing', flag: `--${name}`, example });

function file(value: string | undefined, name: string): string {
  if (value === undefined) throw needs(name, 'model.safetensors');
  return value;
}

function outFile(value: string | undefined): string {
  const path = resolve(file(value, 'out'));
  if (extname(path).toLowerCase() !== '.safetensors') throw new AppError('usage', { why: 'outModel', value: path });
  return path;
}

const dtype = (name: string | undefined): WrittenDType | undefined => (name === undefined ? undefined : precisions[name as keyof typeof precisions]);

function rankOf(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 1) throw new AppError('usage', { why: 'rank', flag: `--${name}`, value });
  return value;
}

/** The numbers are looked for from the end, since paths may hold colons (C:\…). */
function parseLora(text: string): LoraUse {
  const [, path, weight, te] = /^(.+?):(-?\d*\.?\d+)(?::(-?\d*\.?\d+))?$/.exec(text) ?? [];
  if (path === undefined) throw new AppError('usage', { why: 'lora', value: text });
  return { path, weight: Number(weight), te: te === undefined ? undefined : Number(te) };
}
