// The way into a network from outside: hooks see every attention, block and weight by the path that the checkpoint gives it, and change that and no more.
import { describe, expect, test } from 'vitest';
import { sd15, sdxlBase } from '../../../main/engine/families/known-sizes';
import { unetTensors, vaeTensors } from '../../../main/engine/families/network-tensors';
import { textEncoders } from '../../../main/engine/families/text-encoders';
import { buildTextTower } from '../../../main/engine/families/text-tower';
import { buildUnet, timestepEmbedding, unetConfig } from '../../../main/engine/families/unet';
import { buildVaeDecoder, vaeConfig } from '../../../main/engine/families/vae';
import { composeHooks, type Hooks } from '../../../main/engine/graph/hooks';
import { float32, sizeOf, type Dims, type Tensor } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { evaluate } from '../../../main/cli/golden/networks';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { randomCheckpoint, referenceTensors, weightFile } from '../../support/checkpoints';
import { dialects, compileIn } from '../../support/networks';
import { validateModel } from '../../support/onnx-check';

const shape = { batch: 1, height: 8, width: 8, tokens: 77 };
const values = (dims: Dims): Tensor => float32(dims, Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(i)));
const feeds = { x: values([1, 4, 8, 8]), t: timestepEmbedding([500], 32), context: values([1, 77, 32]) };

/** A small U-Net's answer with these hooks. */
async function answer(path: string, hooks: Hooks = {}): Promise<Float32Array> {
  const file = await openWeightFile(path);
  return (await evaluate(ortRuntime({ threads: 1 }), buildUnet(file, unetConfig(file)!, shape, hooks), feeds))['out']!.data;
}

interface Seen { attentions: string[]; outputs: string[]; skips: string[]; weights: string[] }
function watching(): Seen & { hooks: Hooks } {
  const seen: Seen = { attentions: [], outputs: [], skips: [], weights: [] };
  return {
    ...seen,
    hooks: {
      attention(_, site, attend) { seen.attentions.push(site.path); return attend(site); },
      block(_, { path, role }, h) { (role === 'output' ? seen.outputs : seen.skips).push(path); return h; },
      weight(_, { path, rows }, value) { seen.weights.push(rows ? `${path} ${rows.start}+${rows.count}` : path); return value; },
    },
  };
}

describe('what hooks see', () => {
  test('of a U-Net: each attention, block, skip and weight once, by the names of the checkpoint', () => {
    const file = weightFile(referenceTensors('sd15-checkpoint')), seen = watching(), unet = 'model.diffusion_model';
    buildUnet(file, unetConfig(file)!, shape, seen.hooks);
    expect(seen.attentions).toHaveLength(32);
    expect(seen.attentions.slice(0, 2)).toEqual([`${unet}.input_blocks.1.1.transformer_blocks.0.attn1`, `${unet}.input_blocks.1.1.transformer_blocks.0.attn2`]);
    const numbers = Array.from({ length: 12 }, (_, i) => i);
    expect(seen.outputs).toEqual([...numbers.map((i) => `${unet}.input_blocks.${i}`), `${unet}.middle_block`, ...numbers.map((i) => `${unet}.output_blocks.${i}`)]);
    expect(seen.skips).toEqual(numbers.map((i) => `${unet}.output_blocks.${i}`));
    expect([...seen.weights].sort()).toEqual([...unetTensors(sd15.unet).keys()].sort());
    expect(seen.weights).toHaveLength(686);
  });
  test('of SDXL: all 1,680 weights', () => {
    const file = weightFile(referenceTensors('sdxl-base-checkpoint')), seen = watching();
    buildUnet(file, unetConfig(file)!, shape, seen.hooks);
    expect([...seen.weights].sort()).toEqual([...unetTensors(sdxlBase.unet).keys()].sort());
    expect(seen.weights).toHaveLength(1680);
  });
  test('of the text encoders: packed weights by their rows, embeddings and norms too', () => {
    const [clip, open] = textEncoders(weightFile(referenceTensors('sdxl-base-checkpoint'))), first = watching(), second = watching();
    buildTextTower(clip!, { batch: 1 }, first.hooks);
    buildTextTower(open!, { batch: 1 }, second.hooks);
    const root = 'conditioner.embedders.1.model';
    expect([first.attentions.length, first.outputs.length, second.attentions.length]).toEqual([11, 11, 32]);
    expect(first.weights).toContain('conditioner.embedders.0.transformer.text_model.embeddings.token_embedding.weight');
    expect(second.weights).toEqual(expect.arrayContaining([`${root}.transformer.resblocks.0.attn.in_proj_weight 1280+1280`, `${root}.ln_final.weight`, `${root}.text_projection`, `${root}.positional_embedding`]));
    expect(second.attentions[0]).toBe(`${root}.transformer.resblocks.0.attn`);
  });
  test('of an autoencoder', () => {
    const file = weightFile(referenceTensors('sd15-checkpoint')), seen = watching();
    buildVaeDecoder(file, vaeConfig(file)!, { batch: 1, height: 8, width: 8 }, seen.hooks);
    expect(seen.attentions).toEqual(['first_stage_model.decoder.mid.attn_1']);
    expect([...seen.weights].sort()).toEqual([...vaeTensors(sd15.vae).keys()].filter((name) => /decoder|post_quant/.test(name)).sort());
  });
});

test('every node of a network knows the path of its layer', () => {
  const file = weightFile(referenceTensors('sdxl-base-checkpoint')), g = buildUnet(file, unetConfig(file)!, shape);
  // The sum of the two embeddings, its SiLU, and the last SiLU belong to no layer.
  expect(g.nodes.filter(({ path }) => path === '').map(({ op }) => op)).toEqual(['Add', 'Silu', 'Silu']);
  expect(new Set(g.nodes.filter(({ op }) => op === 'Attention').map(({ path }) => path)).size).toBe(140);
});

describe('what hooks change', () => {
  const scaled = (by: number): Hooks => ({ weight: (g, { path }, value) => (path.endsWith('attn2.to_v.weight') ? g.apply('Mul', [value, g.constant('float32', [], Float32Array.of(by))]) : value) });

  test('one that changes nothing leaves the graph as it is, to the byte', () => {
    const file = weightFile(referenceTensors('sd15-checkpoint')), config = unetConfig(file)!, cpu = dialects['cpu']!;
    expect(Buffer.compare(compileIn(cpu, buildUnet(file, config, shape, watching().hooks)), compileIn(cpu, buildUnet(file, config, shape)))).toBe(0);
  });

  test('a weight: the answer is that of a checkpoint with this weight in it', async () => {
    const path = await randomCheckpoint(), plain = await answer(path);
    const [doubled, halved] = [await answer(path, scaled(2)), await answer(path, composeHooks([scaled(2), scaled(0.5)]))];
    expect(worst(doubled, plain)).toBeGreaterThan(1e-4);
    expect(worst(halved, plain)).toBeLessThan(1e-6);
    const same = await answer(path, { attention: (g, site, attend) => attend({ ...site, v: site.path.endsWith('attn2') ? g.apply('Add', [site.v, site.v]) : site.v }) });
    expect(worst(doubled, same)).toBeLessThan(1e-5);
  });

  test('an attention: more keys and values beside its own, and what it attends to as an output', async () => {
    const path = await randomCheckpoint(), plain = await answer(path);
    const twice: Hooks = { attention: (g, site, attend) => attend({ ...site, k: g.apply('Concat', [site.k, site.k], { axis: 1 }), v: g.apply('Concat', [site.v, site.v], { axis: 1 }) }) };
    expect(worst(await answer(path, twice), plain)).toBeLessThan(1e-5);
  });

  test('a block: what an output block reads of an input block, and what a block gives', async () => {
    const path = await randomCheckpoint(), plain = await answer(path);
    const add = (role: 'skip' | 'output', ending: string): Hooks => ({ block: (g, site, h) => (site.role === role && site.path.endsWith(ending) ? g.apply('Add', [h, g.constant('float32', [], Float32Array.of(0.5))]) : h) });
    const [skip, middle] = [await answer(path, add('skip', 'output_blocks.0')), await answer(path, add('output', 'middle_block'))];
    expect(worst(skip, plain)).toBeGreaterThan(1e-4);
    expect(worst(middle, plain)).toBeGreaterThan(1e-4);
    expect(worst(skip, middle)).toBeGreaterThan(1e-4);
  });

  test('a block that is replaced: nothing of what led to it alone is written', () => {
    const file = weightFile(referenceTensors('sd15-checkpoint')), config = unetConfig(file)!;
    const cached: Hooks = { block: (g, site, h) => (site.role === 'output' && site.path.endsWith('output_blocks.8') ? g.input('deep', 'float32', h.dims) : h) };
    const whole = buildUnet(file, config, shape), shallow = buildUnet(file, config, shape, cached);
    expect(shallow.flops()).toBeLessThan(0.5 * whole.flops());
    expect([...shallow.weightRefs()].some(({ name }) => name.includes('middle_block'))).toBe(false);
    expect(validateModel(compileIn(dialects['cpu']!, shallow))).toEqual([]);
  });

  test('one that gives another shape is refused by the weight\'s name', () => {
    const file = weightFile(referenceTensors('sd15-checkpoint')), turned: Hooks = { weight: (g, _, value) => g.apply('Reshape', [value], { dims: [sizeOf(value.dims)] }) };
    expect(() => buildUnet(file, unetConfig(file)!, shape, turned)).toThrow(/what changes model\.diffusion_model\.\S+ \[/);
  });
});

const worst = (a: Float32Array, b: Float32Array): number => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
