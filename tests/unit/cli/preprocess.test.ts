// `preprocess`: control pictures of a file and of a folder, and what is refused.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test, vi } from 'vitest';
import { runPreprocess } from '../../../main/cli/preprocess';
import { preprocess } from '../../../main/engine/vision/preprocessors';
import { decodePicture } from '../../../main/files/decode-picture';
import { preprocessorNames } from '../../../preload/contract/preprocessors';
import { scratchFolder } from '../../support/checkpoints';
import { photographPath } from '../../support/photographs';
import { scene } from '../../support/scene';
import { refusalOf } from '../../support/words';

const folder = scratchFolder();
const { rgb } = scene(100, 80);
const png = await sharp(rgb, { raw: { width: 100, height: 80, channels: 3 } }).png().toBuffer();
const write = (name: string, bytes: Uint8Array): string => { const path = join(folder, name); writeFileSync(path, bytes); return path; };

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true), err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    const code = await runPreprocess(args), said = (spy: typeof out): string => spy.mock.calls.map(([part]) => String(part)).join('');
    return { code, out: said(out), err: said(err) };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}

test('a picture becomes the control picture that the engine makes of it, by any of its names', async () => {
  const from = write('scene.png', png), to = join(folder, 'new/edges.png');
  const { code, out } = await run('CannyEdgePreprocessor', from, '--res', '64', '--low', '30', '--high', '90', '--out', to, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({ made: [{ from, to, width: 80, height: 64 }], failed: [] });
  expect(await decodePicture(to)).toEqual({ ...preprocess(scene(100, 80), { name: 'canny', low: 30, high: 90, resolution: 64 }), rgb: expect.anything() });
  expect(Buffer.compare((await decodePicture(to)).rgb, preprocess(scene(100, 80), { name: 'canny', low: 30, high: 90, resolution: 64 }).rgb)).toBe(0);
});

test('transparent pictures lie on white, and turned ones are upright', async () => {
  const clear = await sharp({ create: { width: 20, height: 10, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } }).png().toBuffer();
  await run('none', write('clear.png', clear), '--out', join(folder, 'white.png'));
  expect((await decodePicture(join(folder, 'white.png'))).rgb.every((value) => value === 255)).toBe(true);
  const turned = await sharp(png).withMetadata({ orientation: 6 }).jpeg().toBuffer();
  await run('invert', write('turned.jpg', turned), '--out', join(folder, 'upright.png'));
  expect(await sharp(join(folder, 'upright.png')).metadata()).toMatchObject({ width: 80, height: 100 });
});

test('of a folder each picture that can be read; the rest is told, and nothing lost', async () => {
  const from = join(folder, 'many');
  mkdirSync(from);
  for (const [name, bytes] of [['a.png', png], ['b.jpg', await sharp(png).jpeg().toBuffer()], ['b.png', png], ['cut.png', png.subarray(0, 200)], ['note.txt', Buffer.from('x')]] as const) writeFileSync(join(from, name), bytes);
  const { code, out, err } = await run('invert', from, '--out', join(folder, 'made'));
  expect(code).toBe(1);
  expect(readdirSync(join(folder, 'made')).sort()).toEqual(['a.png', 'b.jpg.png', 'b.png.png']);
  expect(out.trim().split('\n')).toHaveLength(3);
  expect(err).toContain('cut.png');
});

test('a pose comes as a skeleton, and as points that are drawn again; of a folder, pictures without a person are told', async () => {
  const from = join(folder, 'people'), to = join(folder, 'poses');
  mkdirSync(from);
  for (const name of ['astronaut', 'chelsea'] as const) copyFileSync(photographPath(name), join(from, `${name}.jpg`));
  const { code, err } = await run('openpose', from, '--points', '--out', to);
  expect([code, readdirSync(to).sort()]).toEqual([1, ['astronaut.json', 'astronaut.png']]);
  expect(err).toContain('chelsea.jpg');
  const { people, canvas_width: width } = JSON.parse(readFileSync(join(to, 'astronaut.json'), 'utf8')) as { people: { pose_keypoints_2d: number[] }[]; canvas_width: number };
  expect([people.length, people[0]!.pose_keypoints_2d.length, width]).toEqual([1, 54, 512]);
  await run('openpose', join(to, 'astronaut.json'), '--out', join(folder, 'again.png'));
  expect(Buffer.compare((await decodePicture(join(folder, 'again.png'))).rgb, (await decodePicture(join(to, 'astronaut.png'))).rgb)).toBe(0);
});

describe('is refused', () => {
  const from = write('source.png', png), to = join(folder, 'x.png');
  test.each<[string, string[], string]>([
    ['an unknown name', ['cany', from, '--out', to], 'preprocessor.unknown'], ['a setting out of range', ['canny', from, '--low', '-3', '--out', to], 'request.invalid'],
    ['a setting of another', ['canny', from, '--cell', '8', '--out', to], 'request.invalid'], ['no picture', ['canny', '--out', to], 'usage'], ['no place', ['canny', from], 'usage'],
    ['another form', ['canny', from, '--out', join(folder, 'x.jpg')], 'usage'], ['the source itself', ['canny', from, '--out', from], 'tool.overSource'],
    ['one file for a folder', ['canny', folder, '--out', join(folder, 'one.png')], 'usage'], ['a file that is not there', ['canny', join(folder, 'gone.png'), '--out', to], 'file.notFound'],
    ['a file that is no picture', ['canny', write('text.png', Buffer.from('text')), '--out', to], 'picture.unreadable'],
  ])('%s', async (_, args, code) => {
    expect(await refusalOf(run(...args))).toMatchObject({ code, message: expect.any(String), hint: expect.any(String) });
    expect(existsSync(to)).toBe(false);
    expect(readFileSync(from)).toEqual(png);
  });
});

test('--list has each with its words', async () => {
  const { out } = await run('--list');
  for (const name of preprocessorNames) expect(out).toMatch(new RegExp(`^ {2}${name} +[A-Z].{3}`, 'm'));
});
