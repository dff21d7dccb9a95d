// What people do in the window again and again.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { readPngTexts } from '../../main/files/png-text';
import type { Flow } from './flow';

/** Against hanging: other work on the machine may slow all down. */
export const PATIENCE = { timeout: 300_000 };

/** Until files that were put into the models folder are listed, `model` among them. */
export async function lookThroughFolders({ page }: Flow, model: string): Promise<void> {
  await page.getByRole('button', { name: 'Choose a model' }).click();
  await page.getByRole('button', { name: 'Look through the model folders again' }).click();
  await page.getByRole('radio', { name: model, exact: true }).waitFor(PATIENCE);
  await page.reload();
}

export async function chooseModel({ page }: Flow, model: string): Promise<void> {
  await page.getByRole('button', { name: 'Choose a model' }).click();
  await page.getByRole('radio', { name: model, exact: true }).click();
}

/** Small and quick, whatever the model suggests; Advanced is open afterwards. */
export async function makeQuick({ page }: Flow): Promise<void> {
  await page.getByRole('radio', { name: 'Advanced', exact: true }).click();
  for (const [name, value] of [['Width', '64'], ['Height', '64'], ['Steps', '2']] as const) {
    await page.getByRole('spinbutton', { name, exact: true }).fill(value);
    await page.keyboard.press('Enter');
  }
}

/** What the one picture says that comes of `ask`. */
export async function parametersOf({ dataDir, generate }: Flow, ask: () => Promise<void>): Promise<string> {
  const pictures = async () => (await readdir(join(dataDir, 'pictures'), { recursive: true }).catch(() => [])).filter((name) => name.endsWith('.png'));
  const before = await pictures();
  await ask();
  // The strip shows the last of many alone.
  await expect.poll(async () => (await pictures()).length, PATIENCE).toBe(before.length + 1);
  await generate.waitFor(PATIENCE);
  const made = (await pictures()).find((name) => !before.includes(name))!;
  return readPngTexts(await readFile(join(dataDir, 'pictures', made))).find(({ keyword }) => keyword === 'parameters')!.text;
}

/** A file from outside, let go over the window. */
export async function drop(page: Flow['page'], name: string, bytes: Uint8Array, onto = 'body'): Promise<void> {
  const dataTransfer = await page.evaluateHandle(([file, content]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(content)], file));
    return transfer;
  }, [name, [...bytes]] as const);
  await page.dispatchEvent(onto, 'drop', { dataTransfer });
}
