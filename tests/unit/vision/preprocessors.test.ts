// Preprocessors against OpenCV 4.6 and numpy 1.24 on the same drawn picture: preprocessors.json has what cv2.Canny, GaussianBlur, resize, cvtColor and remap gave,
// called as sd-webui-controlnet calls them, deflated; of grey results one byte a pixel, of colours each fourth row.
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import type { Picture } from '../../../main/engine/vision/picture';
import { pixelPerfect, preprocess, scaledTo } from '../../../main/engine/vision/preprocessors';
import { findPreprocessor, preprocessorNames, preprocessorOf, type PreprocessorUse } from '../../../preload/contract/preprocessors';
import { scene } from '../../support/scene';
import references from './preprocessors.json';

const picture = scene(72, 64);
const flat = (width: number, height: number, value: number): Picture => ({ width, height, rgb: new Uint8Array(3 * width * height).fill(value) });

/** A reference in the form of a result: the rows that it has. */
function rowsOf({ width, rgb }: Picture, every: number): Uint8Array {
  return rgb.filter((_, i) => Math.floor(i / (3 * width)) % every === 0);
}

function expectReference(got: Picture, name: keyof typeof references): void {
  const { width, height, every, data } = references[name], bytes = inflateSync(Buffer.from(data, 'base64'));
  expect([got.width, got.height]).toEqual([width, height]);
  const want = every === 1 ? Uint8Array.from({ length: 3 * bytes.length }, (_, i) => bytes[Math.floor(i / 3)]!) : new Uint8Array(bytes);
  expect(Buffer.compare(rowsOf(got, every), want)).toBe(0);
}

describe('as OpenCV has it, to the bit', () => {
  it.each<[keyof typeof references, Record<string, number> & { name?: never }, string]>([
    ['canny', {}, 'canny'], ['canny 30 90', { low: 30, high: 90 }, 'canny'], ['scribble_xdog', {}, 'scribble_xdog'], ['lineart_standard', {}, 'lineart_standard'],
    ['blur_gaussian 3', { sigma: 3 }, 'blur_gaussian'], ['blur_gaussian 20', { sigma: 20 }, 'blur_gaussian'], ['color 8', { cell: 8 }, 'color'],
    ['tile_resample 2', { rate: 2 }, 'tile_resample'], ['tile_resample 1.7', { rate: 1.7 }, 'tile_resample'], ['recolor_luminance', {}, 'recolor_luminance'],
    ['recolor_luminance 0.5', { gamma: 0.5 }, 'recolor_luminance'], ['recolor_intensity 1.5', { gamma: 1.5 }, 'recolor_intensity'], ['shuffle 5', { seed: 5 }, 'shuffle'],
  ])('%s', (reference, settings, name) => {
    expectReference(preprocess(picture, { ...settings, name, resolution: 64 }), reference);
  });

  it.each([['scaled 40', 40], ['scaled 80', 80]] as const)('%s', (reference, resolution) => { expectReference(scaledTo(picture, resolution), reference); });
});

describe('each preprocessor', () => {
  it.each(preprocessorNames)('%s gives a picture of any size that it gets, the same each time, and leaves that as it was', (name) => {
    for (const [width, height] of [[1, 1], [1, 5], [67, 19], [64, 65]] as const) {
      const given = scene(width, height), use = { name, resolution: 64 }, made = preprocess(given, use);
      const { width: wide, height: high } = preprocessorOf(name).scaled ? scaledTo(given, 64) : given;
      expect([made.width, made.height, made.rgb.length]).toEqual([wide, high, 3 * wide * high]);
      expect(Buffer.compare(given.rgb, scene(width, height).rgb)).toBe(0);
      expect(Buffer.compare(preprocess(given, use).rgb, made.rgb)).toBe(0);
    }
  });

  it.each(['canny', 'lineart_standard', 'lineart_gradient', 'scribble_xdog', 'softedge_gradient'])('%s finds nothing in a flat picture', (name) => {
    for (const value of [0, 128, 255]) expect(preprocess(flat(70, 50, value), { name, resolution: 64 }).rgb.every((sample) => sample === 0)).toBe(true);
  });

  it.each(['lineart_gradient', 'softedge_gradient'])('%s is bright along an edge, dark beside it, at the border too', (name) => {
    const edge = flat(64, 64, 40);
    for (let y = 0; y < 64; y++) edge.rgb.fill(200, 3 * (64 * y + 32), 3 * (64 * y + 64));
    const { rgb } = preprocess(edge, { name, resolution: 64 });
    for (const y of [0, 31, 63]) {
      const row = Array.from({ length: 64 }, (_, x) => rgb[3 * (64 * y + x)]!);
      expect(Math.max(...row.slice(30, 34))).toBeGreaterThan(200);
      expect(Math.max(...row.slice(0, 16), ...row.slice(48))).toBeLessThan(16);
    }
  });

  it('takes thresholds in either order', () => {
    expect(preprocess(picture, { name: 'canny', low: 90, high: 30, resolution: 64 })).toEqual(preprocess(picture, { name: 'canny', low: 30, high: 90, resolution: 64 }));
  });
});

describe('names and settings', () => {
  it.each([
    ['Canny', 'canny'], ['CannyEdgePreprocessor', 'canny'], ['canny_edge_detection', 'canny'], ['invert (from white bg & black line)', 'invert'], ['lineart_standard (from white bg & black line)', 'lineart_standard'],
    ['Scribble_XDoG_Preprocessor', 'scribble_xdog'], ['color', 't2ia_color_grid'], ['ShufflePreprocessor', 'shuffle'], ['tile resample', 'tile_resample'],
  ])('%s is %s', (typed, name) => { expect(findPreprocessor(typed)).toBe(name); });

  it('are told apart', () => {
    const plain = preprocessorNames.flatMap((name) => [name, ...preprocessorOf(name).also]).map((name) => name.toLowerCase().replace(/[^a-z0-9]/g, ''));
    expect(new Set(plain).size).toBe(plain.length);
    for (const { settings } of preprocessorNames.map(preprocessorOf)) for (const { min, max, value } of settings) expect(min <= value && value <= max).toBe(true);
  });

  it.each<[PreprocessorUse, string, Record<string, unknown>]>([
    [{ name: 'cany' }, 'preprocessor.unknown', { name: 'cany' }],
    [{ name: 'canny', low: -1 }, 'request.invalid', { why: 'low', field: 'preprocessor.low', want: 0 }],
    [{ name: 'canny', high: 9000 }, 'request.invalid', { why: 'high', field: 'preprocessor.high', want: 2040 }],
    [{ name: 'canny', resolution: NaN }, 'request.invalid', { why: 'type', field: 'preprocessor.resolution' }],
    [{ name: 'canny', sigma: 2 }, 'request.invalid', { why: 'unknown', field: 'preprocessor.sigma' }],
  ])('%o is refused as %s', (use, code, data) => {
    let error: unknown;
    try { preprocess(picture, use); } catch (thrown) { error = thrown; }
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe(code);
    expect((error as AppError).data).toMatchObject(data);
  });

  it('pixel perfect is the resolution at which pixels meet pixels', () => {
    // sd-webui-controlnet's formula by hand: 1000×800 to cover 512×512 is scaled by 0.64; to lie within, by 0.512.
    expect(pixelPerfect({ width: 1000, height: 800 }, { width: 512, height: 512 })).toBe(512);
    expect(pixelPerfect({ width: 1000, height: 800 }, { width: 512, height: 512 }, true)).toBe(410);
    expect(pixelPerfect({ width: 600, height: 900 }, { width: 768, height: 512 })).toBe(768);
  });
});
