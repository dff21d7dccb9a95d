// One U-Net on the CPU and on a GPU through WebGPU, in one run: seconds a step, and how far the results are apart. Prints JSON.
//
//   npx esbuild tests/bench/providers.ts --bundle --platform=node --format=esm --packages=external --outfile=.cache/providers.mjs
//   node .cache/providers.mjs CHECKPOINT [side of the latents, 64] [steps, 5] [providers, cpu,webgpu,webgpu-fused]
import { buildUnet, timestepEmbedding, unetConfig } from '../../main/engine/families/unet';
import { cpuDialect, webgpuDialect, type Dialect } from '../../main/engine/graph/dialect';
import { TorchGenerator } from '../../main/engine/sampling/noise/mersenne';
import { float32, sizeOf, type Dims } from '../../main/engine/tensor';
import { openWeightFile } from '../../main/files/weight-file';
import { ortRuntime } from '../../main/worker/ort-runtime';

const dialects: Readonly<Record<string, Dialect>> = {
  cpu: cpuDialect,
  webgpu: webgpuDialect,
  /** With the provider's own attention kernel, which webgpuDialect leaves out. */
  'webgpu-fused': { ...webgpuDialect, keeps: cpuDialect.keeps },
};

const [path = '', side = '64', steps = '5', names = Object.keys(dialects).join()] = process.argv.slice(2);
const file = await openWeightFile(path);
const config = unetConfig(file);
if (!config) throw new Error(`${path} has no U-Net`);
const n = Number(side);
const graph = buildUnet(file, config, { batch: 1, height: n, width: n, tokens: 77 });
const noise = new TorchGenerator(1);
const random = (dims: Dims) => float32(dims, noise.randn(sizeOf(dims)));
const feeds = { x: random([1, config.inChannels, n, n]), t: timestepEmbedding([500], config.modelChannels), context: random([1, 77, config.contextDim]) };

let reference: Float32Array | undefined;
const results: Record<string, unknown> = {};
for (const name of names.split(',')) {
  const dialect = dialects[name];
  if (!dialect) throw new Error(`${name} is none of ${Object.keys(dialects).join(', ')}`);
  try {
    const began = performance.now();
    const session = await ortRuntime({ dialect }).open(graph);
    const openSeconds = (performance.now() - began) / 1000;
    const seconds: number[] = [];
    let out = new Float32Array();
    for (let step = 0; step < Number(steps); step++) {
      const start = performance.now();
      out = Float32Array.from((await session.run(feeds))['out']!.data);
      seconds.push((performance.now() - start) / 1000);
    }
    await session.close();
    reference ??= out;
    const scale = reference.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const error = reference.reduce((max, value, i) => Math.max(max, Math.abs(value - out[i]!)), 0) / scale;
    const steady = seconds.slice(1).sort((a, b) => a - b);
    const stepSeconds = steady[steady.length >> 1] ?? seconds[0]!;
    results[name] = { openSeconds, firstSeconds: seconds[0], stepSeconds, tflops: graph.flops() / 1e12 / stepSeconds, errorAgainstFirst: error };
  } catch (error) {
    results[name] = { failed: error instanceof Error ? error.message : String(error) };
  }
}
process.stdout.write(`${JSON.stringify({ latents: `${n}x${n}`, tflop: graph.flops() / 1e12, results })}\n`);
process.exit(0);
