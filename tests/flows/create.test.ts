// The first room, as a person uses it: type, generate, watch, stop, again; and what happens when things go wrong under it.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, openFlow, type Flow } from '../support/flow';
import { withoutOwn } from '../support/pictures';

const PATIENCE = { timeout: 300_000 };

describe.skipIf(noBrowser)(noBrowser ? `skipped: ${noBrowser}` : 'create', () => {
  let flow: Flow;
  beforeAll(async () => { flow = await openFlow(); });
  afterAll(() => flow.close());
  afterEach(() => { expect(flow.complaints.splice(0)).toEqual([]); });

  /** Advanced settings hold the exact number of steps, and the side of a square picture. */
  async function setSteps(page: Page, steps: number, side = 128): Promise<void> {
    await page.getByRole('radio', { name: 'Advanced' }).click();
    for (const [name, value] of [['Steps', steps], ['Width', side], ['Height', side]] as const) {
      const field = page.getByRole('spinbutton', { name, exact: true });
      await field.fill(String(value));
      await field.blur();
    }
  }
  /** A job that outlasts by minutes whatever a test does before it stops it. */
  const setNeverEnding = () => setSteps(flow.page, 150, 512);
  const caption = async () => (await flow.page.getByRole('progressbar', { name: 'Progress' }).getAttribute('aria-valuetext')) ?? '';
  /** The caption that told of it. */
  async function waitForStep(step: number): Promise<string> {
    let said = '';
    await expect.poll(async () => Number(/Step (\d+)/.exec(said = await caption().catch(() => ''))?.[1] ?? 0), { ...PATIENCE, interval: 20 }).toBeGreaterThanOrEqual(step);
    return said;
  }

  it('a first start offers words that the demo model knows, and one click fills the prompt', async () => {
    await flow.page.getByRole('button', { name: /^a red house on grass/ }).click();
    expect(await flow.prompt.inputValue()).toMatch(/^a red house on grass/);
  });

  it('type, generate, watch the steps, see the picture and find it in the strip', async () => {
    await flow.prompt.fill('a blue boat on the sea at sunset');
    await setSteps(flow.page, 150);
    await flow.generate.click();
    expect(await waitForStep(3)).toMatch(/Step \d+ of 150/);
    await flow.picture.waitFor(PATIENCE);
    expect(await flow.picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(128);
    await expect.poll(() => flow.recent.count(), PATIENCE).toBe(1);
    await flow.generate.waitFor(PATIENCE);
  });

  it('stop takes effect soon, and the next picture comes as ever', async () => {
    await setNeverEnding();
    await flow.generate.click();
    await waitForStep(3);
    await flow.stop.click();
    await flow.generate.waitFor(PATIENCE);
    expect(await flow.recent.count()).toBe(1);
    await setSteps(flow.page, 6);
    await flow.generate.click();
    await expect.poll(() => flow.recent.count(), PATIENCE).toBe(2);
    await flow.generate.waitFor(PATIENCE);
  });

  it('goes near a kept seed, and makes the very picture again that it found there', async () => {
    const { page } = flow, folder = join(flow.dataDir, 'pictures');
    const pictures = async () => (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.png'));
    const generateOne = async () => {
      const before = await pictures();
      await flow.generate.click();
      await expect.poll(() => flow.recent.count(), PATIENCE).toBe(before.length + 1);
      await flow.generate.waitFor(PATIENCE);
      return withoutOwn(await readFile(join(folder, (await pictures()).find((name) => !before.includes(name))!)));
    };
    await setSteps(page, 4);
    await page.getByRole('radio', { name: 'Keep' }).click();
    await page.getByRole('slider', { name: 'Nearby' }).press('PageUp');
    const first = await generateOne();
    expect((await generateOne()).equals(first)).toBe(false);      // each time another one nearby
    await page.getByRole('button', { name: 'Reuse settings' }).click();
    await page.getByText(/towards seed/).waitFor(PATIENCE);
    const found = await generateOne();
    expect((await generateOne()).equals(found)).toBe(true);
    await page.getByRole('slider', { name: 'Nearby' }).press('Home');
    await page.getByRole('radio', { name: 'New each time' }).click();
  });

  it('a reload during a job still shows it, and the form is as it was', async () => {
    await flow.prompt.fill('a purple castle in the desert, watercolor');
    await setNeverEnding();
    await flow.generate.click();
    await waitForStep(2);
    await flow.page.reload();
    await waitForStep(4);
    expect(await flow.prompt.inputValue()).toBe('a purple castle in the desert, watercolor');
    await flow.stop.click();
    await flow.generate.waitFor(PATIENCE);
  });

  it('another window of the same studio sees the job too', async () => {
    await setNeverEnding();
    await flow.generate.click();
    await waitForStep(2);
    const other = await flow.another();
    await other.getByRole('button', { name: 'Stop' }).click(PATIENCE);
    await flow.generate.waitFor(PATIENCE);
    await other.context().close();
  });

  it.skipIf(process.platform !== 'linux')('the worker is killed during a job: the studio says so, starts another and the picture is made', async () => {
    const before = await flow.recent.count();
    await setSteps(flow.page, 60, 256);
    await flow.generate.click();
    await waitForStep(5);
    const killed = await flow.workerPid();
    process.kill(killed, 'SIGKILL');
    await flow.page.getByText(/engine stopped/i).first().waitFor(PATIENCE);
    await expect.poll(() => flow.recent.count(), PATIENCE).toBe(before + 1);
    await flow.generate.waitFor(PATIENCE);
    expect(await flow.workerPid()).not.toBe(killed);
  });

  it('two pictures at once count on from one seed', async () => {
    const before = await flow.recent.count();
    await setSteps(flow.page, 4);
    await flow.page.getByRole('button', { name: /^Pictures: / }).click();
    await flow.page.getByRole('radio', { name: '2', exact: true }).click();
    await flow.page.keyboard.press('Escape');
    await flow.generate.click();
    await expect.poll(() => flow.recent.count(), PATIENCE).toBe(before + 2);
    await flow.generate.waitFor(PATIENCE);
  });

  it('starts from a picture that is dropped in, and refuses one that is none', async () => {
    const folder = join(flow.dataDir, 'pictures');
    const file = (await readdir(folder, { recursive: true })).find((name) => name.endsWith('.png'))!;
    await flow.page.getByLabel('Picture file', { exact: true }).setInputFiles(join(folder, file));
    await flow.page.getByRole('slider', { name: 'How much may change' }).waitFor(PATIENCE);
    const before = await flow.recent.count();
    await flow.generate.click();
    await expect.poll(() => flow.recent.count(), PATIENCE).toBe(before + 2);
    await flow.page.getByRole('button', { name: 'Do not start from a picture' }).first().click();
    await flow.page.getByLabel('Picture file', { exact: true }).setInputFiles({ name: 'notes.png', mimeType: 'image/png', buffer: Buffer.from('not a picture') });
    await flow.page.getByText(/cannot be read as a picture/).waitFor(PATIENCE);
    flow.complaints.splice(0);                                   // the browser logs the refused upload itself
  });

  it('faces are looked for in the finished picture, and where there are none, that is said', async () => {
    const { page } = flow, before = await flow.recent.count(), faces = page.getByRole('button', { name: 'Faces', exact: true });
    await faces.click();
    await page.getByRole('textbox', { name: /^Faces: words/ }).fill('a smiling face');
    await flow.generate.click();
    await page.getByText('No face was found to repaint, and the picture stayed as it was.').first().waitFor(PATIENCE);
    await expect.poll(() => flow.recent.count(), PATIENCE).toBeGreaterThan(before);
    await flow.generate.waitFor(PATIENCE);
    await faces.click();
    expect(await page.getByRole('textbox', { name: /^Faces: words/ }).count()).toBe(0);
  });

  it('a broken model is listed with its reason and a folder that is not there is named', async () => {
    await flow.page.getByRole('button', { name: 'Choose a model' }).click();
    await flow.page.getByRole('textbox', { name: 'Path of a model file or folder' }).fill('/nowhere/models');
    await flow.page.getByRole('button', { name: 'Add', exact: true }).click();
    await flow.page.getByText(/nowhere/).first().waitFor(PATIENCE);
    flow.complaints.splice(0);
  });
});
