// What a fast decode saves: latents to a picture through a checkpoint's own autoencoder and through a TAESD, in turns. Prints JSON.
//
//   npx esbuild tests/bench/decoders.ts --bundle --platform=node --format=esm --packages=external --outfile=.cache/decoders.mjs
//   node .cache/decoders.mjs CHECKPOINT TAESD_DECODER [side of the latents, 64] [rounds, 3]
import { KlAutoencoder, TinyAutoencoder, type Autoencoder } from '../../main/engine/pipeline/autoencoder';
import { vaeConfig } from '../../main/engine/families/vae';
import { TorchGenerator } from '../../main/engine/sampling/noise/mersenne';
import { float32 } from '../../main/engine/tensor';
import { openWeightFile } from '../../main/files/weight-file';
import { ortRuntime } from '../../main/worker/ort-runtime';

const [checkpoint = '', taesd = '', sideText = '64', rounds = '3'] = process.argv.slice(2);
const side = Number(sideText), runtime = ortRuntime(), file = await openWeightFile(checkpoint);
const latents = (at: number) => float32([1, 4, at, at], new TorchGenerator(1).randn(4 * at * at));

async function seconds(decoder: Autoencoder, at: number): Promise<number> {
  const input = latents(at), began = performance.now();
  await decoder.decode(input);
  return (performance.now() - began) / 1000;
}

const own = new KlAutoencoder(file, vaeConfig(file)!, 0.18215, runtime), tiny = new TinyAutoencoder(await openWeightFile(taesd), runtime);
const took: Record<'own' | 'tiny' | 'halfTiny' | 'quarterTiny', number[]> = { own: [], tiny: [], halfTiny: [], quarterTiny: [] };
for (let round = 0; round < Number(rounds); round++) {
  took.own.push(await seconds(own, side));
  took.tiny.push(await seconds(tiny, side));
  took.halfTiny.push(await seconds(tiny, side / 2));
  took.quarterTiny.push(await seconds(tiny, side / 4));
}
await Promise.all([own.close(), tiny.close()]);
const best = Object.fromEntries(Object.entries(took).map(([name, times]) => [name, Number(Math.min(...times).toFixed(3))])) as Record<keyof typeof took, number>;
console.log(JSON.stringify({ side, best, ratio: Number((best.own / best.tiny).toFixed(1)), tflop: { own: own.decodeFlops(side, side) / 1e12, tiny: tiny.decodeFlops(side, side) / 1e12 } }));
