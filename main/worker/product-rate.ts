// The machine's own rate of float32 matrix products, as onnxruntime reaches it: what every other figure is held against.
import * as ort from 'onnxruntime-node';
import { availableParallelism } from 'node:os';
import { primitiveDialect } from '../engine/graph/dialect';
import { Graph } from '../engine/graph/graph';
import { compile } from '../engine/graph/onnx';

/** GFLOP/s of `runs` products of two [n, n] matrices, one figure each, after one to warm up. */
export async function measureProductRate(n = 2048, runs = 9): Promise<number[]> {
  const g = new Graph('product');
  g.output('product', g.apply('MatMul', [g.input('a', 'float32', [n, n]), g.input('b', 'float32', [n, n])]));
  const session = await ort.InferenceSession.create(compile(g, primitiveDialect, (file) => file), { intraOpNumThreads: availableParallelism() });
  const matrix = new ort.Tensor('float32', Float32Array.from({ length: n * n }, (_, i) => (i % 17) / 17 - 0.5), [n, n]);
  const rates: number[] = [];
  for (let run = 0; run <= runs; run++) {
    const began = performance.now();
    await session.run({ a: matrix, b: matrix });
    if (run > 0) rates.push((2 * n ** 3) / (performance.now() - began) / 1e6);
  }
  await session.release();
  return rates;
}
