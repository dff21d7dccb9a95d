// Typing: weights by the arrow keys and back by the field's own undo, comments that are named as they are typed, and seeds of all their digits.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, openFlow, type Flow } from '../support/flow';

const PATIENCE = { timeout: 300_000 };

describe.skipIf(noBrowser)(noBrowser ? `skipped: ${noBrowser}` : 'prompt', () => {
  let flow: Flow;
  beforeAll(async () => { flow = await openFlow(); });
  afterAll(() => flow.close());
  afterEach(() => { expect(flow.complaints.splice(0)).toEqual([]); });

  it('Ctrl with the arrows weighs the word at the caret, and undo takes it back', async () => {
    const { page, prompt } = flow;
    await prompt.fill('a [fox:hen:0.5] runs');
    await prompt.evaluate((field: HTMLTextAreaElement) => field.setSelectionRange(8, 8));
    await page.keyboard.press('Control+ArrowUp');
    await page.keyboard.press('Control+ArrowUp');
    expect(await prompt.inputValue()).toBe('a [fox:(hen:1.1):0.5] runs');
    await page.keyboard.press('Control+z');
    await page.keyboard.press('Control+z');
    expect(await prompt.inputValue()).toBe('a [fox:hen:0.5] runs');
  });

  it('what a # leaves out is said while it is typed, with what to write instead', async () => {
    await flow.prompt.fill('a sign "#1" on a house');
    await flow.page.getByText('Left out as a comment: 1" on a house. For a # in the picture, write \\#.').waitFor(PATIENCE);
    await flow.prompt.fill('a sign "\\#1" on a house');
    await expect.poll(() => flow.page.getByText('Left out as a comment').count()).toBe(0);
  });

  it('a seed of twenty digits is typed, counted on, and kept by the picture', async () => {
    const { page } = flow;
    await page.getByRole('radio', { name: 'Advanced' }).click();
    const seed = page.getByRole('spinbutton', { name: 'Seed', exact: true });
    await seed.fill('18446744073709551614');
    await seed.press('ArrowUp');
    expect(await seed.inputValue()).toBe('18446744073709551615');
    await seed.press('ArrowUp');
    expect(await seed.inputValue()).toBe('0');
    await seed.fill('6687881544318117707');
    await seed.press('Enter');
    await flow.generate.click();
    await expect.poll(() => flow.recent.count(), PATIENCE).toBe(1);
    expect((await readdir(join(flow.dataDir, 'pictures'), { recursive: true })).filter((name) => name.includes('_6687881544318117707_'))).toHaveLength(1);
    await page.reload();
    expect(await page.getByRole('spinbutton', { name: 'Seed', exact: true }).inputValue()).toBe('6687881544318117707');
  });
});
