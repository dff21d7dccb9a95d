// ONNX files of the user's: what their headers say, which are refused, contracts, and what comes out, by networks whose answers are known.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import { runPreprocess } from '../../../main/cli/preprocess';
import { runRemoveBackground } from '../../../main/cli/remove-background';
import { runInspect } from '../../../main/cli/inspect';
import { AppError } from '../../../main/engine/errors';
import { cutOut } from '../../../main/engine/vision/cutout';
import type { Picture } from '../../../main/engine/vision/picture';
import { isBelow, readOnnxHeader } from '../../../main/engine/weights/onnx-header';
import { annotatorNamed, openOnnx } from '../../../main/files/annotators';
import { openUserNetwork } from '../../../main/worker/user-network';
import type { AnnotatorContract } from '../../../preload/contract/annotators';
import { scratchFolder } from '../../support/checkpoints';
import { scene } from '../../support/scene';
import { floats, userOnnx } from '../../support/user-onnx';
import { refusalOf } from '../../support/words';

const folder = scratchFolder();
const write = (name: string, bytes: Uint8Array | string): string => { const path = join(folder, name); writeFileSync(path, bytes); return path; };
const headerOf = (bytes: Uint8Array) => readOnnxHeader({ path: '/x.onnx', sizeBytes: bytes.length, read: async (from, length) => bytes.slice(from, from + length) });
const plain = { input: { size: 32, fit: 'stretch', multiple: 1, order: 'rgb', range: 1, toPeak: false, mean: [0, 0, 0], std: [1, 1, 1] }, output: { index: 0, values: 'share', invert: false }, task: 'depth' } as const satisfies AnnotatorContract;
const contract = (name: string, input: object = {}, output: object = {}, task = 'depth'): string => write(name, JSON.stringify({ task, input: { ...plain.input, ...input }, output: { ...plain.output, ...output } }));

async function quietly(run: Promise<number>): Promise<{ code: number; out: string; err: string }> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true), err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const said = (spy: typeof out): string => spy.mock.calls.map(([part]) => String(part)).join('');
  try {
    const code = await run;
    return { code, out: said(out), err: said(err) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

describe('a header', () => {
  it('says inputs without the weights among them, outputs, open sides, and where weights lie', async () => {
    const header = await headerOf(userOnnx({ dims: [1, 3, 'h', 320], location: 'weights.bin', metadata: { author: 'me' }, channelsLast: true, weights: [[1, 2, 3], [4, 5, 6]] }));
    expect(header).toMatchObject({
      irVersion: 8, producer: 'by hand', opsets: { '': 13 }, metadata: { author: 'me' }, nodes: 2, parameters: 6, external: ['weights.bin'],
      inputs: [{ name: 'image', type: 1, dims: [1, 3, null, 320] }], outputs: [{ name: 'found', type: 1, dims: [1, 2, null, null] }],
    });
  });

  it('is read across the edges of what is read at once, without reading the weights', async () => {
    const bytes = userOnnx({ weights: Array.from({ length: 40_000 }, () => [1, 2, 3] as const) });
    let read = 0;
    const header = await readOnnxHeader({ path: '/x.onnx', sizeBytes: bytes.length, read: async (from, length) => { read += length; return bytes.slice(from, from + length); } });
    expect(header.parameters).toBe(120_000);
    expect(bytes.length).toBeGreaterThan(480_000);
    expect(read).toBeLessThan(200_000);
  });

  it('that is cut or damaged anywhere is refused, and never read as something else', async () => {
    const bytes = userOnnx();
    for (let end = 0; end < bytes.length; end++) {
      const error: unknown = await headerOf(bytes.slice(0, end)).then(() => undefined, (thrown: unknown) => thrown);
      // Without its last field, the opset, a file is still whole.
      if (error !== undefined) expect(error instanceof AppError && error.code).toBe('onnx.unreadable');
      else expect(end).toBeGreaterThan(bytes.length - 12);
    }
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(bytes.length), async (noise, at) => {
      const damaged = Uint8Array.from([...bytes.slice(0, at), ...noise, ...bytes.slice(at)]);
      const error: unknown = await headerOf(damaged).then(() => undefined, (thrown: unknown) => thrown);
      if (error !== undefined) expect(error instanceof AppError && error.code).toBe('onnx.unreadable');
    }));
  });

  it.each(['../weights.bin', '/etc/passwd', 'a/../../b', 'C:\\weights.bin', '\\\\server\\share', '..', '', 'a\0b'])('weights at “%s” are outside', async (location) => {
    expect(isBelow(location)).toBe(false);
    expect(await refusalOf(openOnnx(write('outside.onnx', userOnnx({ location }))))).toMatchObject({ code: 'onnx.unreadable', data: { why: 'outside' } });
  });

  it('weights beside it are taken, missing ones and links that lead out are not', async () => {
    expect(await refusalOf(openOnnx(write('missing.onnx', userOnnx({ location: 'missing.bin' }))))).toMatchObject({ code: 'onnx.unreadable', data: { why: 'missing', entry: 'missing.bin' } });
    const inner = join(folder, 'inner');
    mkdirSync(inner);
    symlinkSync(write('secret.bin', floats([1, 0, 0])), join(inner, 'link.bin'));
    writeFileSync(join(inner, 'linked.onnx'), userOnnx({ location: 'link.bin' }));
    expect(await refusalOf(openOnnx(join(inner, 'linked.onnx')))).toMatchObject({ code: 'onnx.unreadable', data: { why: 'missing' } });
    write('red.bin', floats([1, 0, 0]));
    const network = await openUserNetwork(write('beside.onnx', userOnnx({ location: 'red.bin' })), 'depth', contract('plain.json'));
    expect((await network.find(scene(32, 32))).data[0]).toBeCloseTo(scene(32, 32).rgb[0]! / 255, 6);
    await network.close();
  });
});

describe('what it finds', () => {
  const picture = scene(32, 32);
  const found = async (model: Parameters<typeof userOnnx>[0], input: object, output: object, of: Picture = picture, task: 'depth' | 'normal' = 'depth') => {
    const network = await openUserNetwork(write('model.onnx', userOnnx(model)), task, contract('own.json', input, output, task));
    try {
      return await network.find(of);
    } finally {
      await network.close();
    }
  };
  const channel = (c: number): number[] => Array.from({ length: 32 * 32 }, (_, i) => picture.rgb[3 * i + c]! / 255);
  const expectNear = (got: Float32Array, want: readonly number[]): void => { expect(Math.max(...want.map((value, i) => Math.abs(value - got[i]!)))).toBeLessThan(2e-6); };

  it('is of the order, range, mean and std that the contract states', async () => {
    expectNear((await found({}, {}, {})).data, channel(0));
    expectNear((await found({}, { order: 'bgr' }, {})).data, channel(2));
    expectNear((await found({ weights: [[0, 1 / 255, 0]] }, { range: 255 }, {})).data, channel(1));
    expectNear((await found({ weights: [[0, 0.25, 0]] }, { mean: [0, -1, 0], std: [1, 0.5, 1] }, {})).data, channel(1).map((value) => (value + 1) / 2));
    const dim = { ...picture, rgb: picture.rgb.map((value) => value >> 1) }, peak = Math.max(...dim.rgb);
    expectNear((await found({}, { toPeak: true }, {}, dim)).data, Array.from({ length: 1024 }, (_, i) => dim.rgb[3 * i]! / peak));
  });

  it('has its values as the contract states', async () => {
    const red = channel(0), low = Math.min(...red), high = Math.max(...red);
    expectNear((await found({}, {}, { values: 'relative' })).data, red.map((value) => (value - low) / (high - low)));
    expectNear((await found({}, {}, { values: 'logit' })).data, red.map((value) => 1 / (1 + Math.exp(-value))));
    expectNear((await found({}, {}, { values: 'signed', invert: true })).data, red.map((value) => 1 - (value + 1) / 2));
    const normal = await found({ weights: [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]] }, {}, { values: 'signed' }, picture, 'normal');
    expectNear(normal.data, Array.from(picture.rgb, (value) => (value / 255 + 1) / 2));
  });

  it('is the same with channels last, and has the picture\'s size whatever the network\'s is', async () => {
    expectNear((await found({ dims: [1, 'h', 'w', 3], channelsLast: true }, {}, {})).data, channel(0));
    for (const [wide, high] of [[1, 1], [50, 20], [200, 3]] as const) {
      const { data, ...size } = await found({ dims: [1, 3, 16, 24] }, {}, {}, scene(wide, high));
      expect([size.width, size.height, data.length]).toEqual([wide, high, wide * high]);
    }
    const flat = { width: 45, height: 70, rgb: new Uint8Array(3 * 45 * 70).fill(51) };
    expect((await found({}, { size: 64, fit: 'shorter', multiple: 32 }, {}, flat)).data.every((value) => Math.abs(value - 0.2) < 1e-6)).toBe(true);
  });

  it.each<[string, Parameters<typeof userOnnx>[0], object, object]>([
    ['two inputs', { extraInput: true }, {}, { code: 'onnx.contract', data: { why: 'inputs', names: ['image', 'mask'] } }],
    ['whole numbers', { elementType: 7 }, {}, { code: 'onnx.contract', data: { why: 'input' } }],
    ['one channel', { dims: [1, 1, 64, 64] }, {}, { code: 'onnx.contract', data: { why: 'input', form: '1×1×64×64' } }],
    ['sides beyond all sense', { dims: [1, 3, 1e6, 1e6] }, {}, { code: 'onnx.contract', data: { why: 'input' } }],
    ['many channels', { weights: Array.from({ length: 150 }, () => [1, 0, 0] as const) }, {}, { code: 'onnx.contract', data: { why: 'output' } }],
    ['NaN', { weights: [[NaN, 0, 0]] }, {}, { code: 'onnx.contract', data: { why: 'notFinite' } }],
    ['no such output', {}, { index: 3 }, { code: 'onnx.contract', data: { why: 'outputs', names: ['found'] } }],
  ])('is refused with %s', async (_, model, output, error) => {
    expect(await refusalOf(found(model, {}, output))).toMatchObject({ ...error, message: expect.any(String), hint: expect.any(String) });
  });
});

describe('its contract', () => {
  it('is known by the longest name in the file\'s', async () => {
    for (const [name, id] of [['u2netp.onnx', 'u2net'], ['isnet-anime.onnx', 'isnet-anime'], ['isnet-general-use.onnx', 'isnet'], ['depth_anything_v2_vits.onnx', 'depth-anything'], ['BiRefNet-general-epoch_244.onnx', 'birefnet'], ['bria-rmbg-1.4.onnx', 'rmbg-1.4'], ['midas_v21_small_256.onnx', 'midas-small'], ['model.onnx', undefined]] as const) {
      expect((await annotatorNamed(name))?.id).toBe(id);
    }
  });

  it('is in the file, or stated, or else asked for; and is checked', async () => {
    const asked = (path: string, task: 'depth' | 'matting', stated?: string) => refusalOf(openUserNetwork(path, task, stated));
    const bare = write('bare.onnx', userOnnx()), u2net = write('u2net.onnx', userOnnx());
    expect(await asked(bare, 'depth')).toMatchObject({ code: 'onnx.contract', data: { why: 'unknown', names: expect.arrayContaining(['depth-anything', 'midas']) } });
    expect(await asked(bare, 'depth', 'u2met')).toMatchObject({ code: 'onnx.contract', data: { why: 'name', name: 'u2met' } });
    expect(await asked(u2net, 'depth')).toMatchObject({ code: 'onnx.contract', data: { why: 'task', task: 'matting', want: 'depth' } });
    expect(await asked(bare, 'depth', write('broken.json', '{'))).toMatchObject({ code: 'onnx.contract', data: { why: 'json' } });
    expect(await asked(bare, 'depth', contract('odd.json', { size: -1 }))).toMatchObject({ code: 'request.invalid', data: { field: 'input.size' } });
    for (const [path, stated, name] of [[u2net, undefined, expect.stringContaining('U²-Net')], [bare, 'u2net', null], [write('own.onnx', userOnnx({ metadata: { 'atelier.contract': JSON.stringify({ ...plain, task: 'matting' }) } })), undefined, null]] as const) {
      const network = await openUserNetwork(path, 'matting', stated);
      expect(network.agreed.name).toEqual(name);
      await network.close();
    }
  });
});

describe('the background', () => {
  it('goes, softly, and the picture keeps its own pixels where it is whole', async () => {
    const picture = scene(40, 30), from = write('scene.png', await sharp(picture.rgb, { raw: { width: 40, height: 30, channels: 3 } }).png().toBuffer());
    const model = write('u2net-like.onnx', userOnnx()), to = join(folder, 'cut.png');
    const { code, err } = await quietly(runRemoveBackground([from, '--network', model, '--contract', contract('matting.json', { size: 32 }, { values: 'relative' }, 'matting'), '--out', to]));
    expect([code, err]).toEqual([0, '']);
    const { data, info } = await sharp(to).raw().toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ width: 40, height: 30, channels: 4 });
    const opacities = new Set(Array.from({ length: 1200 }, (_, i) => data[4 * i + 3]!));
    expect(opacities.size).toBeGreaterThan(20);
    for (let i = 0; i < 1200; i++) if (data[4 * i + 3] === 255) expect([...data.subarray(4 * i, 4 * i + 3)]).toEqual([...picture.rgb.subarray(3 * i, 3 * i + 3)]);
  });

  it('leaves none of its colour in the edge', () => {
    // Red before green, with an edge of 12 pixels: I = α red + (1 − α) green.
    const width = 64, height = 40, alpha = Float32Array.from({ length: width * height }, (_, i) => Math.min(1, Math.max(0, (i % width - 26) / 12)));
    const rgb = Uint8Array.from({ length: 3 * alpha.length }, (_, i) => Math.round([220 * alpha[Math.floor(i / 3)]!, 200 * (1 - alpha[Math.floor(i / 3)]!), 20][i % 3]!));
    const greenOf = (clean: boolean): number => Math.max(...Array.from(alpha, (value, i) => (value > 0.2 && value < 1 ? cutOut({ width, height, rgb }, alpha, clean).rgba[4 * i + 1]! : 0)).filter((_, i) => i < width));
    const { rgba } = cutOut({ width, height, rgb }, alpha, true);
    for (let x = 0; x < width; x++) {
      if (alpha[x]! < 0.2 || alpha[x] === 1) continue;
      expect(rgba[4 * x]!).toBeGreaterThan(200);
      expect(rgba[4 * x + 1]!).toBeLessThan(20);
    }
    expect(greenOf(false)).toBeGreaterThan(100);
  });
});

describe('the terminal', () => {
  it('makes a depth map by a network, and says what a file was taken for', async () => {
    const picture = scene(64, 48), from = write('depth.png', await sharp(picture.rgb, { raw: { width: 64, height: 48, channels: 3 } }).png().toBuffer()), to = join(folder, 'depth-map.png');
    const { code, err, out } = await quietly(runPreprocess(['depth_anything', from, '--network', write('depth_anything_v2.onnx', userOnnx({ dims: [1, 3, 42, 56] })), '--out', to, '--json']));
    expect(code).toBe(0);
    expect(err).toContain('Depth Anything');
    expect(JSON.parse(out)).toMatchObject({ made: [{ to, width: 64, height: 48 }] });
    expect(await refusalOf(runPreprocess(['depth', from, '--out', to]))).toMatchObject({ code: 'usage', data: { why: 'missing', flag: '--network' } });
    expect(await refusalOf(runPreprocess(['canny', from, '--network', 'x.onnx', '--out', to]))).toMatchObject({ code: 'usage' });
  });

  it('inspects an ONNX file', async () => {
    const path = write('u2netp.onnx', userOnnx({ dims: [1, 3, 320, 320] }));
    expect(JSON.parse((await quietly(runInspect([path, '--json']))).out)).toMatchObject({ kind: 'onnx', annotator: 'u2net', parameters: 3, inputs: [{ name: 'image', dims: [1, 3, 320, 320] }] });
    expect((await quietly(runInspect([path]))).out).toMatch(/^known as +U²-Net.* \(matting\), by its name$/m);
  });
});
