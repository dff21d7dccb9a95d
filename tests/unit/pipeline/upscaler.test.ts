// Upscalers over whole pictures: tiles without seams, any size, progress and cancel; and what files they come from.
import { expect, describe, test } from 'vitest';
import fc from 'fast-check';
import { join } from 'node:path';
import { upscalerNetwork, type UpscalerNetwork } from '../../../main/engine/families/upscalers/network';
import { Upscaler } from '../../../main/engine/pipeline/upscaler';
import { resize } from '../../../main/engine/pipeline/resize';
import { addTile, cut, spansOf, tilesOf } from '../../../main/engine/pipeline/tiles';
import { float32, sizeOf, type Dims, type Tensor } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { writeRandomCheckpoint } from '../../../main/services/model-tools/random-checkpoint';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { scratchFolder, weightFile } from '../../support/checkpoints';
import { upscalers } from '../../support/networks';
import { fuzzRuns } from '../../support/fuzz';
import { seededRandom } from '../../support/random';

/** Values in 0…1. */
function picture(height: number, width: number, seed = 1): Tensor {
  const random = seededRandom(seed);
  return float32([1, 3, height, width], Float32Array.from({ length: 3 * height * width }, () => random.share()));
}

/** Of the tensors of `name` with random weights, and what `change` makes of them. */
async function network(name: string, change: (tensors: Map<string, Dims>) => void = () => {}): Promise<UpscalerNetwork> {
  const path = join(scratchFolder(), 'upscaler.safetensors'), tensors = new Map(upscalers[name]!);
  change(tensors);
  await writeRandomCheckpoint(path, tensors, 3);
  return upscalerNetwork(await openWeightFile(path));
}
const upscaler = async (name: string): Promise<Upscaler> => new Upscaler(await network(name), ortRuntime({ threads: 1 }));

const furthest = (a: Tensor, b: Tensor): number => a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - b.data[i]!)), 0);

describe('tiles', () => {
  test('cover any picture, are of one size, share what they must, and their shares add up to 1', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), fc.integer({ min: 6, max: 40 }), fc.integer({ min: 1, max: 4 }), (rows, columns, most, unit) => {
      const [height, width, size, overlap] = [rows * unit, columns * unit, most * unit, 3 * unit];
      const [down, across] = [height, width].map((length) => spansOf(length, size, overlap, unit)) as [ReturnType<typeof spansOf>, ReturnType<typeof spansOf>];
      for (const spans of [down, across]) {
        expect(new Set(spans.map(({ from, to }) => to - from)).size).toBe(1);
        for (const [i, { from, to }] of spans.entries()) {
          expect([from % unit, to % unit, to - from <= size]).toEqual([0, 0, true]);
          if (i > 0) expect(spans[i - 1]!.to - from).toBeGreaterThanOrEqual(overlap);
        }
      }
      const ones = float32([1, 1, height, width], new Float32Array(height * width).fill(1)), sum = float32([1, 1, height * 2, width * 2]);
      for (const tile of tilesOf(down, across)) {
        const { dims: [, , h, w] } = cut(ones, tile);
        addTile(sum, float32([1, 1, 2 * h!, 2 * w!], new Float32Array(4 * h! * w!).fill(1)), tile, 2);
      }
      expect(furthest(sum, float32(sum.dims, new Float32Array(sum.data.length).fill(1)))).toBeLessThan(1e-6);
    }), { numRuns: fuzzRuns(60) });
  });

  test('give what the whole picture gives, where a network sees no further than a quarter of what they share', async () => {
    const compact = await upscaler('compact tiny'), image = picture(150, 131);                     // sees 4 pixels far
    const whole = await compact.run(image, { tile: 512 });
    expect(furthest(await compact.run(image, { tile: 64 }), whole)).toBeLessThan(1e-5);
    expect(furthest(await compact.run(image, { tile: 100 }), whole)).toBeLessThan(1e-5);
  });

  test.each(['rrdb x4', 'rrdb x2 folded', 'swinir interpolation', 'swinir none'])('%s: leave no seam', async (name) => {
    const any = await upscaler(name), tile = 64, image = picture(64, 160), made = await any.run(image, { tile }), whole = await any.run(image, { tile: 512 });
    const [, , height, width] = made.dims as [number, number, number, number];
    const steps = (x: Tensor): number[] => Array.from({ length: width - 1 }, (_, column) => {
      let sum = 0;
      for (let row = 0; row < 3 * height; row++) sum += Math.abs(x.data[row * width + column + 1]! - x.data[row * width + column]!);
      return sum;
    });
    // Steps from column to column are as large as in the whole picture, and no column stands out.
    const ratios = steps(made).map((step, i) => step / steps(whole)[i]!);
    expect([Math.min(...ratios) > 0.9, Math.max(...ratios) < 1.1]).toEqual([true, true]);
  });
});

describe('pictures', () => {
  test.each(['rrdb x4', 'rrdb x2 folded', 'rrdb x1 folded', 'rrdb grey', 'compact tiny', 'swinir shuffle'])('%s takes any size, odd ones and a single pixel', async (name) => {
    const any = await upscaler(name), { scale } = any;
    for (const [height, width] of [[1, 1], [1, 7], [13, 9], [64, 65]] as const) {
      const { dims, data } = await any.run(picture(height, width), { tile: 64 });
      expect(dims).toEqual([1, 3, height * scale, width * scale]);
      expect(data.every(Number.isFinite)).toBe(true);
    }
  });

  test('a network of one colour reads the three apart', async () => {
    const grey = await upscaler('rrdb grey'), image = picture(20, 20), whole = await grey.run(image);
    const red = float32([1, 3, 20, 20], Float32Array.from({ length: 1200 }, (_, i) => image.data[i % 400]!));
    expect((await grey.run(red)).data.slice(0, 6400)).toEqual(whole.data.slice(0, 6400));
  });

  test('the answer is another where the picture is', async () => {
    const any = await upscaler('rrdb x4');
    expect(furthest(await any.run(picture(12, 12, 1)), await any.run(picture(12, 12, 2)))).toBeGreaterThan(0.01);
  });

  test('any factor comes of it, by Lanczos, and larger ones by running it again', async () => {
    const any = await upscaler('compact tiny');
    for (const [height, width] of [[20, 30], [33, 47], [80, 120], [200, 300]] as const) {
      const { dims, data } = await any.runTo(picture(20, 30), height, width);
      expect(dims).toEqual([1, 3, height, width]);
      expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
    expect(any.countTiles(picture(20, 30), 80, 120)).toBe(1);
    expect(any.countTiles(picture(20, 30), 81, 120)).toBe(2);
  });
});

test('it tells each tile, and stops between two when it is asked to', async () => {
  const any = await upscaler('compact tiny'), told: string[] = [], stop = new AbortController();
  const options = { tile: 64, signal: stop.signal, onTile: (done: number, tiles: number) => { told.push(`${done}/${tiles}`); if (done === 3) stop.abort(new Error('cancelled')); } };
  await expect(any.run(picture(100, 100), options)).rejects.toThrow('cancelled');
  expect(told).toEqual(['1/9', '2/9', '3/9']);
});

test('the tiles of several rounds are counted together', async () => {
  const any = await upscaler('compact tiny'), told: string[] = [];
  await any.runTo(picture(20, 30), 160, 240, { tile: 64, onTile: (done, tiles) => { told.push(`${done}/${tiles}`); } });
  const all = any.countTiles(picture(20, 30), 160, 240, 64);
  expect(told).toEqual(Array.from({ length: all }, (_, i) => `${i + 1}/${all}`));
});

describe('files', () => {
  test.each([
    ['a tensor that no such network has', 'rrdb x4', (tensors: Map<string, Dims>) => tensors.set('body.0.rdb1.attention.weight', [4, 4]), 'body.0.rdb1.attention.weight'],
    ['HAT, which begins as SwinIR does', 'swinir shuffles', (tensors: Map<string, Dims>) => tensors.set('layers.0.residual_group.overlap_attn.qkv.weight', [36, 12]), 'layers.0.residual_group.overlap_attn.qkv.weight'],
  ])('%s is refused by name', async (_, name, change, key) => {
    await expect(network(name, (tensors) => void change(tensors))).rejects.toMatchObject({ info: { code: 'model.unsupported', data: { why: 'upscaler', key } } });
  });

  test('a layer that lacks is named', async () => {
    await expect(network('rrdb x4', (tensors) => void tensors.delete('conv_hr.weight'))).rejects.toMatchObject({ info: { code: 'weights.missingTensor', data: { key: 'conv_hr.weight' } } });
    await expect(network('swinir full', (tensors) => void tensors.delete('layers.3.residual_group.blocks.2.attn.proj.bias'))).rejects.toMatchObject({ info: { code: 'weights.missingTensor' } });
  });

  test('a layer of another shape is named', async () => {
    await expect(network('rrdb x4', (tensors) => void tensors.set('body.1.rdb2.conv3.weight', [4, 12, 3, 3]))).rejects.toMatchObject({ info: { code: 'weights.shapeMismatch', data: { key: 'body.1.rdb2.conv3.weight' } } });
  });

  test('one that no upscaler knows is refused', () => {
    expect(() => upscalerNetwork(weightFile([['input.weight', [48, 3, 3, 3]]]))).toThrowError(expect.objectContaining({ info: { code: 'model.unsupported', data: { why: 'upscaler', file: '/models/test.safetensors', key: 'input.weight' } } }));
    expect(() => upscalerNetwork(weightFile([]))).toThrow();
  });

  test('scales are those of their names', () => {
    const scales = Object.fromEntries(Object.entries(upscalers).map(([name, shapes]) => [name, upscalerNetwork(weightFile(shapes)).scale]));
    expect(scales).toEqual({
      'rrdb x4': 4, 'rrdb x2 folded': 2, 'rrdb x1 folded': 1, 'rrdb esrgan': 4, 'rrdb esrgan x2': 2, 'rrdb sequential': 4, 'rrdb sequential x8': 8, 'rrdb sequential x1': 1,
      'rrdb sequential plus': 4, 'rrdb grey': 4, 'rrdb full': 4, 'compact tiny': 4, 'compact full': 4, 'swinir shuffles': 4, 'swinir shuffle': 2, 'swinir interpolation': 4,
      'swinir none': 1, 'swinir unnormed': 3, 'swinir full': 4,
    });
  });
});

describe('resize', () => {
  const row = (values: readonly number[]): Tensor => float32([1, 1, 1, values.length], Float32Array.from(values));

  test('an even surface stays even, and the same size is the same picture', () => {
    const even = float32([1, 3, 7, 5], new Float32Array(105).fill(0.3));
    for (const [height, width] of [[1, 1], [3, 9], [20, 4], [14, 10]] as const) {
      const { dims, data } = resize(even, height, width);
      expect(dims).toEqual([1, 3, height, width]);
      expect(Math.max(...data.map((value) => Math.abs(value - 0.3)))).toBeLessThan(1e-6);
    }
    const image = picture(6, 5);
    expect(resize(image, 6, 5).data).toEqual(image.data);
  });

  /** By the kernel's own formula: L(x) = sinc(x)·sinc(x/3). */
  test('values are the kernel\'s', () => {
    const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)), kernel = (x: number) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0);
    const values = [0, 0, 0, 1, 0, 0, 0, 0];
    const want = Array.from({ length: 16 }, (_, i) => {
      const at = (i + 0.5) / 2, weights = values.map((__, k) => kernel(k + 0.5 - at));
      return weights[3]! / weights.reduce((a, b) => a + b);
    });
    const { data } = resize(row(values), 1, 16);
    want.forEach((value, i) => { expect(data[i]).toBeCloseTo(value, 6); });
  });

  test('rows and columns are treated alike', () => {
    const image = picture(9, 9), turn = ({ dims: [, , h, w], data }: Tensor): Tensor => float32([1, 3, w!, h!], Float32Array.from({ length: sizeOf([3, h!, w!]) }, (_, i) => {
      const [plane, y, x] = [Math.floor(i / (h! * w!)), Math.floor(i / h!) % w!, i % h!];
      return data[plane * h! * w! + x * w! + y]!;
    }));
    expect(furthest(turn(resize(image, 4, 20)), resize(turn(image), 20, 4))).toBeLessThan(1e-5);
  });
});
