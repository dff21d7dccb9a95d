// The report, where something went wrong and where nothing did: copied, or shown where the browser does not let the page copy; and a window that fails itself.
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noBrowser, openFlow, type Flow } from '../support/flow';

const PATIENCE = { timeout: 300_000 };
const mark = 'zqxmark';

describe.skipIf(noBrowser)(noBrowser ? `skipped: ${noBrowser}` : 'a report', () => {
  let flow: Flow;
  beforeAll(async () => {
    flow = await openFlow({ permissions: ['clipboard-read', 'clipboard-write'] });
    await flow.prompt.waitFor(PATIENCE);
  });
  afterAll(() => flow.close());

  const copyButton = (page: Page) => page.getByRole('button', { name: 'Copy report' });
  const clipboard = () => flow.page.evaluate(() => navigator.clipboard.readText());
  const expectReport = (text: string) => {
    expect(text).toContain('"onnxruntime"');
    expect(text).toContain('studio.started');
    expect(text).not.toContain(mark);
    expect(text).not.toContain(flow.dataDir);
  };

  it('is copied from the settings when nothing is wrong', async () => {
    await flow.page.getByRole('button', { name: 'Settings', exact: true }).click();
    await copyButton(flow.page).click();
    await flow.page.getByRole('button', { name: 'Report copied' }).waitFor(PATIENCE);
    expectReport(await clipboard());
    await flow.page.keyboard.press('Escape');
  });

  it('of a job that failed has its error, and not its words', async () => {
    await flow.prompt.fill(`a ${mark} house`);
    await flow.page.route('**/trpc/queue.enqueue*', (route) => route.continue({ postData: route.request().postData()!.replace(/"model":"[^"]*"/, '"model":"0000"') }));
    await flow.generate.click();
    await flow.page.getByRole('alert').waitFor(PATIENCE);
    await flow.page.getByRole('alert').getByRole('button', { name: 'Copy report' }).click();
    await flow.page.getByRole('button', { name: 'Report copied' }).waitFor(PATIENCE);
    const text = await clipboard();
    expectReport(text);
    expect(text).toMatch(/"code": "model\.notFound"/);
    await flow.page.unroute('**/trpc/queue.enqueue*');
    flow.complaints.splice(0);
  });

  it('is shown, ready to be copied by hand, where the browser does not let the page copy', async () => {
    await flow.page.evaluate(() => { Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true }); });
    await copyButton(flow.page).click();
    const sheet = flow.page.getByRole('dialog', { name: 'Report' }), text = sheet.getByRole('textbox');
    expectReport(await text.inputValue());
    expect(await text.evaluate((field: HTMLTextAreaElement) => field.selectionEnd - field.selectionStart)).toBe((await text.inputValue()).length);
    await sheet.getByRole('button', { name: 'Close' }).click();
    await sheet.waitFor({ state: 'detached' });
  });

  it('of a window that failed has where it did, and the window can be opened again', async () => {
    await flow.page.route('**/trpc/**machine**', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: (await answer.text()).replaceAll('"memory"', '"nothing"') });
    });
    await flow.page.reload();
    await flow.page.getByText('This window stopped working').waitFor(PATIENCE);
    await flow.page.getByRole('button', { name: 'Copy report' }).click();
    await flow.page.getByRole('button', { name: 'Report copied' }).waitFor(PATIENCE);
    const text = await clipboard();
    expectReport(text);
    expect(text).toMatch(/"window\.failed","kind":"render","error":\{"name":"TypeError","frames":\["[\w$]+ index-/);
    await flow.page.unroute('**/trpc/**machine**');
    await flow.page.getByRole('button', { name: 'Open it again' }).click();
    await flow.prompt.waitFor(PATIENCE);
    expect(flow.complaints.splice(0).join('\n')).toMatch(/TypeError/);
  });
});
