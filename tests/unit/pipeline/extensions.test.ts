// What changes a U-Net from outside: on a real network of the runtime, by a hook that adds what it is fed.
import { expect, test } from 'vitest';
import type { Extension, UnetCall } from '../../../main/engine/pipeline/extensions';
import { composeModel } from '../../../main/engine/pipeline/model';
import type { Runtime } from '../../../main/engine/pipeline/runtime';
import { float32, type Dims, type Tensor } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { randomFamilyCheckpoint, tinyFamilies } from '../../support/checkpoints';
import { randomValues } from '../../support/weights';

const values = (dims: Dims, seed: number): Tensor => float32(dims, Float32Array.from(randomValues(dims.reduce((a, b) => a * b, 1), seed)));

test('an extension is in the graph while it is asked for, fed at each evaluation, and shares the network with others', async () => {
  const file = await openWeightFile(await randomFamilyCheckpoint(Object.values(tinyFamilies)[0]!));
  const ort = ortRuntime({ threads: 1 });
  let opened = 0;
  const runtime: Runtime = { open: (graph) => { opened++; return ort.open(graph); } };
  const model = composeModel({ unet: file, text: file, vae: file }, runtime), { contextDim, inChannels } = model.unet;
  const x = values([2, inChannels, 8, 8], 1), t = float32([2], Float32Array.of(500, 500)), context = values([2, 77, contextDim], 2);
  const calls: UnetCall[] = [];
  const adding = (name: string, value: number): Extension => ({
    key: `adds ${name}`,
    hooks: () => ({ block: (g, { path, role }, h) => (role === 'output' && path.endsWith('middle_block') ? g.apply('Add', [h, g.input(name, 'float32', [])]) : h) }),
    feeds: (call) => { calls.push(call); return { [name]: float32([], Float32Array.of(value)) }; },
  });
  const asked = { rows: ['cond', 'uncond'], sigma: 2, progress: 0.5 } as const;
  const predict = (...extensions: Extension[]): Promise<Tensor> => model.predict(x, t, { context }, asked, extensions);

  const plain = await predict(), nothing = await predict(adding('a', 0)), one = await predict(adding('a', 1)), both = await predict(adding('a', 0.5), adding('b', 0.5)), again = await predict();
  expect([...nothing.data]).toEqual([...plain.data]);
  expect([...again.data]).toEqual([...plain.data]);
  expect([...one.data]).not.toEqual([...plain.data]);
  expect(Math.max(...both.data.map((value, i) => Math.abs(value - one.data[i]!)))).toBeLessThan(1e-5);
  expect(opened).toBe(4);                                       // plain, a (at two values), a and b, plain
  expect(calls).toHaveLength(4);
  expect(calls[0]).toEqual({ ...asked, x, t, condition: { context } });
  await model.close();
});
