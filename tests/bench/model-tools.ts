// Merge, convert, bake and extract at SD 1.5's real size, each in a process of its own: seconds, the peak of its own memory, and whether every value
// of every tensor is right. Needs 13 GB of disk for a while. Prints JSON.
//
//   npx esbuild tests/bench/model-tools.ts --bundle --platform=node --format=esm --packages=external --outfile=.cache/model-tools.mjs
//   node .cache/model-tools.mjs FOLDER [tools, merge,add-difference,fp32,fp8,extract,bake]
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sd15 } from '../../main/engine/families/known-sizes';
import { checkpointTensors } from '../../main/engine/families/network-tensors';
import { sizeOf } from '../../main/engine/tensor';
import { bakeLoras } from '../../main/services/model-tools/bake';
import { ortRuntime } from '../../main/worker/ort-runtime';
import { convertModel } from '../../main/services/model-tools/convert';
import { extractLora } from '../../main/services/model-tools/extract';
import { mergeModels } from '../../main/services/model-tools/merge';
import { openModel, withTensors } from '../../main/services/model-tools/tensor-reader';
import { writeRandomCheckpoint } from '../../main/services/model-tools/random-checkpoint';

const [folder = '', second = 'merge,add-difference,fp32,fp8,extract,bake'] = process.argv.slice(2);
const path = (name: string): string => join(folder, `${name}.safetensors`);
const [a, b, out, lora] = ['a', 'b', 'out', 'lora'].map(path) as [string, string, string, string];

/** How far a stored value may be from the exact one: half a step of its format. */
interface Expectation { readonly exact: (a: number, b: number) => number; readonly relative: number; readonly absolute: number }
const fp16 = { relative: 2 ** -11, absolute: 2 ** -25 };

const tools: Readonly<Record<string, { readonly run: () => Promise<unknown>; readonly expected?: Expectation }>> = {
  merge: { run: () => mergeModels({ a, b, out, mode: 'weighted-sum', multiplier: 0.3 }), expected: { exact: (x, y) => 0.7 * x + 0.3 * y, ...fp16 } },
  'add-difference': { run: () => mergeModels({ a, b, c: a, out, mode: 'add-difference', multiplier: 0.5 }), expected: { exact: (x, y) => x + 0.5 * (y - x), ...fp16 } },
  fp32: { run: () => convertModel({ in: a, out, precision: 'F32' }), expected: { exact: (x) => x, relative: 0, absolute: 0 } },
  fp8: { run: () => convertModel({ in: a, out, precision: 'F8_E4M3' }), expected: { exact: (x) => x, relative: 2 ** -4, absolute: 2 ** -10 } },
  extract: { run: () => extractLora({ tuned: a, base: b, out: lora, rank: 16, convRank: 8 }) },
  bake: { run: () => bakeLoras(ortRuntime(), { model: a, loras: [{ path: lora, weight: 0.8 }], out }) },
};

if (process.env.TOOL) {
  const began = performance.now();
  await tools[process.env.TOOL]!.run();
  process.stdout.write(String((performance.now() - began) / 1000));
  process.exit(0);
}

await mkdir(folder, { recursive: true });
const results: Record<string, unknown> = {};
try {
  await writeRandomCheckpoint(a, checkpointTensors(sd15), 1);
  await writeRandomCheckpoint(b, checkpointTensors(sd15), 2);
  for (const name of second.split(',')) {
    const measured = await measure(name);
    const { expected } = tools[name]!;
    results[name] = { ...measured, ...(expected && await compare(expected)) };
    await rm(out, { force: true });
  }
} finally {
  await Promise.all([a, b, out, lora].map((file) => rm(file, { force: true })));
}
process.stdout.write(`${JSON.stringify(results)}\n`);

/** Own memory is what Linux calls RssAnon: without the pages of files. */
async function measure(name: string): Promise<{ seconds: number; peakOwnMegabytes: number | null }> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), folder], { env: { ...process.env, TOOL: name }, stdio: ['ignore', 'pipe', 'inherit'] });
  let peak = 0, text = '';
  child.stdout.on('data', (chunk: Buffer) => { text += chunk.toString(); });
  const timer = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8').then((status) => { peak = Math.max(peak, Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0)); }, () => {});
  }, 20);
  const code = await new Promise<number | null>((resolve) => { child.once('close', resolve); });
  clearInterval(timer);
  if (code !== 0) throw new Error(`${name} ended with ${code}`);
  return { seconds: Number(text), peakOwnMegabytes: peak > 0 ? Math.round(peak / 1024) : null };
}

async function compare({ exact, relative, absolute }: Expectation): Promise<{ tensors: number; values: number; wrong: number }> {
  const [first, other, result] = await Promise.all([a, b, out].map(openModel)) as [Awaited<ReturnType<typeof openModel>>, Awaited<ReturnType<typeof openModel>>, Awaited<ReturnType<typeof openModel>>];
  return withTensors([first, other, result], async (reader) => {
    let values = 0, wrong = result.tensors.size === first.tensors.size ? 0 : 1;
    for (const [name, entry] of result.tensors) {
      const [x, y, z] = await Promise.all([first.tensors.get(name)!, other.tensors.get(name)!, entry].map((source) => reader.floats(source))) as [Float32Array, Float32Array, Float32Array];
      values += sizeOf(entry.shape);
      for (let i = 0; i < z.length; i++) {
        const want = exact(x[i]!, y[i]!);
        // Not `>`: NaN must count as wrong. The sum itself is rounded to float32 first.
        if (!(Math.abs(z[i]! - want) <= (relative + 2 ** -22) * Math.abs(want) + absolute)) wrong++;
      }
    }
    return { tensors: result.tensors.size, values, wrong };
  });
}
