// A person at the studio: the real server host with its real worker and a data folder of its own, in a real Chromium.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';

const root = join(import.meta.dirname, '../..');

/** Why flows cannot run here, or undefined. */
export const noBrowser = process.env['CHROMIUM_PATH'] ? undefined : 'there is no Chromium (npm test finds or installs one)';

export interface Flow {
  readonly page: Page;
  readonly dataDir: string;
  /** What the page complained about: errors in the console, uncaught exceptions. */
  readonly complaints: string[];
  readonly prompt: Locator;
  readonly generate: Locator;
  readonly stop: Locator;
  /** The picture on the stage, finished. */
  readonly picture: Locator;
  readonly recent: Locator;
  /** Opens another window of the same studio. */
  another(options?: BrowserContextOptions): Promise<Page>;
  /** The process that makes the pictures. */
  workerPid(): Promise<number>;
  close(): Promise<void>;
}

export async function openFlow(options: BrowserContextOptions = {}): Promise<Flow> {
  const dataDir = await mkdtemp(join(tmpdir(), 'atelier-flow-'));
  const { child, url } = await startServer(dataDir);
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  const complaints: string[] = [];
  const page = await openPage(browser, url, options, complaints);
  return {
    page, dataDir, complaints,
    prompt: page.getByRole('textbox', { name: 'Prompt', exact: true }),
    generate: page.locator('#generate').filter({ hasText: 'Generate' }),
    stop: page.getByRole('button', { name: 'Stop' }),
    picture: page.locator('main img[src^="/media/"][src$=".png"]'),
    recent: page.getByRole('listbox', { name: 'Recent pictures' }).getByRole('option'),
    another: (more = {}) => openPage(browser, url, more, complaints),
    workerPid: () => childOf(child.pid!),
    async close() {
      await browser.close();
      child.kill('SIGTERM');
      await once(child, 'close');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function startServer(dataDir: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [join(root, 'out/main/server.js'), '--no-open', '--port', '0', '--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  for await (const chunk of child.stdout!) {
    said += String(chunk);
    const url = /http:\S+/.exec(said)?.[0];
    if (url) return { child, url };
  }
  throw new Error(`the server host ended without an address: ${said}`);
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions, complaints: string[]): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return page;
}

/** Linux keeps it in /proc; the flows that need it run there. */
async function childOf(pid: number): Promise<number> {
  for (const entry of await readdir('/proc')) {
    const stat = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '') : '';
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid) return Number(entry);
  }
  throw new Error(`${pid} has no child`);
}
