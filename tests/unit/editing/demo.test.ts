// What editing is for, on the built-in model: a house repainted alone, a scene that goes on, and a texture without a seam.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Pixels } from '../../../main/worker/protocol';
import { encodePng } from '../../../main/services/pictures/encode';
import { Hires, Inpaint, Outpaint } from '../../../preload/contract/editing';
import { scratchFolder } from '../../support/checkpoints';
import { demoJob, difference, meanColor, paint } from '../../support/demo';

const hash = 'a'.repeat(64), side = 128;
const folder = scratchFolder(), initPath = join(folder, 'scene.png'), maskPath = join(folder, 'house.png');
let scene: Pixels;
/** Where the model paints its house. */
const house = { left: 28, top: 40, right: 100, bottom: 100 };

beforeAll(async () => {
  scene = await paint(demoJob({ prompt: 'a red house on grass' }));
  writeFileSync(initPath, await encodePng(scene, []));
  await sharp({ create: { width: side, height: side, channels: 3, background: '#000' } })
    .composite([{ input: { create: { width: house.right - house.left, height: house.bottom - house.top, channels: 3, background: '#fff' } }, left: house.left, top: house.top }]).png().toFile(maskPath);
});

const show = async (name: string, pixels: Pixels): Promise<void> => { if (process.env['SHOW_PICTURES']) writeFileSync(join(process.env['SHOW_PICTURES'], `${name}.png`), await encodePng(pixels, [])); };
/** Mean difference of each column to the next, 0–255; column 0 is that of the last to the first. */
function steps({ width, height, rgb }: Pixels): number[] {
  return Array.from({ length: width }, (_, x) => {
    let sum = 0;
    for (let y = 0; y < height; y++) for (let c = 0; c < 3; c++) sum += Math.abs(rgb[(y * width + x) * 3 + c]! - rgb[(y * width + (x + width - 1) % width) * 3 + c]!);
    return sum / height / 3;
  });
}

test.each([['as it stands', undefined], ['only the masked part', { area: 'masked', padding: 16 }], ['softly', { soft: {}, blur: 3, grow: -8 }]] as const)('only the house is repainted, %s: outside the mask every pixel stays', async (name, settings) => {
  const blue = await paint(demoJob({ kind: 'img2img', init: hash, mask: hash, strength: 0.9, prompt: 'a blue house on grass', ...(settings && { inpaint: Inpaint.parse(settings) }) }), { initPath, maskPath });
  await show(`house-${name}`, blue);
  for (let i = 0; i < side * side; i++) {
    const x = i % side, y = Math.floor(i / side);
    if (x < house.left || x >= house.right || y < house.top || y >= house.bottom) expect([...blue.rgb.subarray(3 * i, 3 * i + 3)], `${x}, ${y}`).toEqual([...scene.rgb.subarray(3 * i, 3 * i + 3)]);
  }
  const middle = [0.35, 0.5, 0.65, 0.7] as const, [before, after] = [meanColor(scene, middle), meanColor(blue, middle)];
  expect(before.r - before.b).toBeGreaterThan(30);
  expect(after.b - after.r).toBeGreaterThan(0);
});

describe('a scene goes on beyond its edge', () => {
  test.each([['right', { right: 128 }, 128], ['left', { left: 128 }, 128]] as const)('to the %s, and the seam is no wider a step than others', async (name, margins, seam) => {
    const wide = await paint(demoJob({ kind: 'img2img', init: hash, strength: 0.8, width: 256, outpaint: Outpaint.parse(margins) }), { initPath });
    await show(`outpaint-${name}`, wide);
    expect([wide.width, wide.height]).toEqual([256, 128]);
    const own = name === 'right' ? 0 : 128, edge = name === 'right' ? (x: number) => x < 128 - 16 : (x: number) => x >= 128 + 16;
    for (let i = 0; i < 256 * side; i++) {
      const x = i % 256, at = Math.floor(i / 256) * side + x - own;
      if (edge(x)) expect([...wide.rgb.subarray(3 * i, 3 * i + 3)]).toEqual([...scene.rgb.subarray(3 * at, 3 * at + 3)]);
    }
    const all = steps(wide).slice(1), near = all.slice(seam - 20, seam + 20), usual = [...all].sort((a, b) => a - b)[Math.floor(0.95 * all.length)]!;
    expect(Math.max(...near)).toBeLessThanOrEqual(Math.max(usual, 1));
    // New ground is no flat colour.
    expect(Math.max(...all.slice(name === 'right' ? 140 : 5, name === 'right' ? 250 : 115))).toBeGreaterThan(1);
  });
});

test('a texture goes on at its other side', async () => {
  const plain = await paint(demoJob({ prompt: 'a red house on grass', seed: 4 })), wrapped = await paint(demoJob({ prompt: 'a red house on grass', seed: 4, seamless: 'both' }));
  await show('plain', plain); await show('seamless', wrapped);
  const at = (pixels: Pixels): { seam: number; usual: number } => { const all = steps(pixels); return { seam: all[0]!, usual: [...all.slice(1)].sort((a, b) => a - b)[Math.floor(0.95 * side)]! }; };
  expect(at(wrapped).seam).toBeLessThanOrEqual(at(wrapped).usual);
  expect(at(plain).seam).toBeGreaterThan(at(wrapped).seam);
});

test('a second pass is larger, and of the same scene', async () => {
  for (const upscaler of ['latent', 'lanczos'] as const) {
    const large = await paint(demoJob({ hires: Hires.parse({ scale: 1.5, upscaler, strength: 0.5, steps: 10 }) }));
    await show(`hires-${upscaler}`, large);
    expect([large.width, large.height]).toEqual([192, 192]);
    const small = await sharp(large.rgb, { raw: { width: 192, height: 192, channels: 3 } }).resize(side, side).raw().toBuffer();
    expect(difference({ ...scene, rgb: new Uint8Array(small) }, scene)).toBeLessThan(30);
  }
});
