// How windows come in: by an address that works once, then by their session, over reloads, other tabs and the studio's restart.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, openFlow, type Flow } from '../support/flow';

const PATIENCE = { timeout: 60_000 };

describe.skipIf(noBrowser)(noBrowser ? `skipped: ${noBrowser}` : 'coming in', () => {
  let flow: Flow;
  beforeAll(async () => { flow = await openFlow(); });
  afterAll(() => flow.close());
  const origin = () => new URL(flow.printed()).origin;
  const isIn = (page: Page) => page.getByRole('textbox', { name: 'Prompt', exact: true }).waitFor(PATIENCE);
  const refusal = (page: Page) => page.getByRole('alert').filter({ hasText: 'no key' });
  const widths = (page: Page) => page.getByRole('listbox', { name: 'Recent pictures' }).locator('img').evaluateAll((images) => images.map((image) => (image as HTMLImageElement).naturalWidth));

  it('takes the code out of the address, and needs none for a reload or another tab; pictures show in both', async () => {
    const { page } = flow;
    await isIn(page);
    expect(page.url()).toBe(`${origin()}/`);
    await flow.prompt.fill('a red house on grass');
    await flow.generate.click();
    await flow.picture.waitFor(PATIENCE);
    await expect.poll(() => widths(page), PATIENCE).toEqual([128]);
    await page.reload();
    await expect.poll(() => widths(page), PATIENCE).toEqual([128]);
    const tab = await page.context().newPage();
    await tab.goto(origin());
    await expect.poll(() => widths(tab), PATIENCE).toEqual([128]);
    // The address that is used up: the session from before counts.
    await tab.goto(flow.printed());
    await isIn(tab);
    expect(tab.url()).toBe(`${origin()}/`);
    await tab.close();
    expect(flow.complaints.splice(0).filter((text) => !text.includes('401'))).toEqual([]);
  });

  it('keeps nothing that another port of the machine could use', async () => {
    const cookies = await flow.page.context().cookies();
    expect(cookies).toEqual([expect.objectContaining({ httpOnly: true, sameSite: 'Strict' })]);
    const cookie = `${cookies[0]!.name}=${cookies[0]!.value}`;
    expect((await fetch(`${origin()}/trpc/queue.list`, { headers: { cookie } })).status).toBe(401);
    expect(await flow.page.evaluate(() => document.cookie)).toBe('');
  });

  it('is told plainly to a browser that has no key, which knocks, and gets in by the address that is printed then', async () => {
    const page = await flow.another();
    await isIn(page);
    await page.context().clearCookies();
    await page.reload();
    await refusal(page).waitFor(PATIENCE);
    await page.getByRole('button', { name: 'Print a new address' }).click();
    await page.getByText('has just printed').waitFor(PATIENCE);
    await page.context().close();
  });

  it('goes on by itself after a restart, with a stream of events, and in the same tab when the key is lost', async () => {
    const { page } = flow;
    await flow.restart();
    await flow.generate.click();
    await expect.poll(() => widths(page), PATIENCE).toEqual([128, 128]);
    await page.context().clearCookies();
    await page.reload();
    await refusal(page).waitFor(PATIENCE);
    await page.goto(flow.printed());      // only what follows the # is another
    await isIn(page);
    await expect.poll(() => widths(page), PATIENCE).toEqual([128, 128]);
  });
});
