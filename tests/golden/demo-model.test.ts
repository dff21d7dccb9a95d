// The demo checkpoint means what it is asked: whole pictures through the real engine.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { samplerNames, scheduleNames } from '../../preload/contract/vocabulary';
import { encodePng } from '../../main/services/pictures/encode';
import { pictureTexts } from '../../main/services/pictures/metadata';
import { demoJob, difference, meanColor, paint } from '../support/demo';

const folder = mkdtempSync(join(tmpdir(), 'atelier-demo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Where the house stands in nearly all seeds: walls and roof. */
const house = [0.3, 0.45, 0.7, 0.85] as const;
const sky = [0, 0, 1, 0.15] as const;
const ground = [0, 0.9, 1, 1] as const;

describe('txt2img', () => {
  it('"a red house on grass" has a red house on green ground', async () => {
    for (const seed of [1, 2, 3]) {
      const picture = await paint(demoJob({ seed }));
      const [walls, grass] = [meanColor(picture, house), meanColor(picture, ground)];
      expect(walls.r, `seed ${seed}`).toBeGreaterThan(1.8 * walls.g);
      expect(walls.r).toBeGreaterThan(1.8 * walls.b);
      expect(grass.g).toBeGreaterThan(1.2 * grass.r);
      expect(grass.g).toBeGreaterThan(1.2 * grass.b);
    }
  });

  it('the words decide: a blue house is blue, at night it is dark', async () => {
    const blue = meanColor(await paint(demoJob({ prompt: 'a blue house on grass on a sunny day' })), house);
    expect(blue.b).toBeGreaterThan(1.3 * blue.r);
    const [day, night] = await Promise.all(['on a sunny day', 'at night'].map((time) => paint(demoJob({ prompt: `a red house on grass ${time}` }))));
    const light = (picture: typeof day) => { const { r, g, b } = meanColor(picture!, sky); return r + g + b; };
    expect(light(day)).toBeGreaterThan(2 * light(night));
  });

  it('the same job gives the same bytes, another seed another picture', async () => {
    const job = demoJob({ sampler: 'dpmpp_sde', steps: 8 });
    const file = async () => encodePng(await paint(job), pictureTexts(job, { version: '0' }));
    const [first, again] = [await file(), await file()];
    expect(Buffer.from(first).equals(Buffer.from(again))).toBe(true);
    expect(difference(await paint(job), await paint({ ...job, seed: Number(job.seed) + 1 }))).toBeGreaterThan(2);
  });

  it('what stands in the negative prompt is pushed away', async () => {
    const plain = meanColor(await paint(demoJob({ prompt: 'a house on grass' })), house);
    const without = meanColor(await paint(demoJob({ prompt: 'a house on grass', negative: 'a red house' })), house);
    expect(without.r - without.g).toBeLessThan(plain.r - plain.g + 1);
    expect(Math.abs(without.r - plain.r) + Math.abs(without.g - plain.g) + Math.abs(without.b - plain.b)).toBeGreaterThan(5);
  });

  it('a less hungry plan gives the same picture', async () => {
    const job = demoJob({ steps: 6 });
    expect(difference(await paint(job), await paint(job, { sparing: true }))).toBeLessThan(0.05);
  });

  it('runs at other shapes, odd latents included', async () => {
    const picture = await paint(demoJob({ width: 168, height: 104, steps: 3 }));
    expect([picture.width, picture.height]).toEqual([168, 104]);
  });

  it('a prompt of 10,000 characters is encoded in chunks and still heard', async () => {
    const prompt = `a red house on grass, ${'sunny day, '.repeat(910)}`;
    expect(prompt.length).toBeGreaterThan(10_000);
    const walls = meanColor(await paint(demoJob({ prompt, steps: 4, sampler: 'euler', schedule: 'normal' })), house);
    expect(Number.isFinite(walls.r)).toBe(true);
  });
});

describe('every sampler and schedule', () => {
  it.each(samplerNames)('%s draws the house', async (sampler) => {
    const schedule = sampler === 'lcm' || sampler === 'tcd' ? 'sgm_uniform' : 'karras';
    const walls = meanColor(await paint(demoJob({ sampler, schedule, steps: 25 })), house);
    expect(walls.r).toBeGreaterThan(1.3 * walls.g);
  });
  it.each(scheduleNames)('%s draws the house', async (schedule) => {
    const walls = meanColor(await paint(demoJob({ sampler: 'euler', schedule, steps: 12 })), house);
    expect(walls.r).toBeGreaterThan(1.3 * walls.g);
  });
});

describe('img2img', () => {
  it('stays closer to its start with strength 0.3 than with 0.8', async () => {
    const start = await paint(demoJob({ prompt: 'a blue boat on the sea at sunset', seed: 5 }));
    const initPath = join(folder, 'boat.png');
    writeFileSync(initPath, await encodePng(start, []));
    const changed = (strength: number) => paint(demoJob({ kind: 'img2img', init: '0'.repeat(64), strength, prompt: 'a red house on grass on a sunny day' }), { initPath });
    const [little, much] = [await changed(0.3), await changed(0.8)];
    expect(difference(start, little)).toBeLessThan(0.7 * difference(start, much));
    const walls = meanColor(much, house);
    expect(walls.r).toBeGreaterThan(walls.b);
  });
});

describe('while it runs', () => {
  it('tells its phases, counts every step once, and shows previews in the shape of the picture', async () => {
    const messages: string[] = [];
    const previews: number[] = [];
    await paint(demoJob({ steps: 8, width: 160, height: 128 }), { onMessage: (message) => {
      messages.push(message.type === 'phase' ? message.phase : message.type === 'step' ? String(message.step) : message.type);
      if (message.type === 'step' && message.preview) previews.push(message.preview.width / message.preview.height);
    } });
    expect([...new Set(messages)]).toEqual(['loading', 'running', '1', '2', '3', '4', '5', '6', '7', '8', 'decoding']);
    expect(previews.length).toBeGreaterThan(0);
    for (const ratio of previews) expect(ratio).toBeCloseTo(1.25);
  });

  it('a cancel takes effect at the next step', async () => {
    const abort = new AbortController();
    let last = 0;
    const run = paint(demoJob({ steps: 30 }), { signal: abort.signal, onMessage: (message) => {
      if (message.type !== 'step') return;
      last = message.step;
      if (message.step === 3) abort.abort();
    } });
    await expect(run).rejects.toThrow();
    expect(last).toBe(3);
  });
});
