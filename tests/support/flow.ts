// A person at the studio: the real server host with its real worker and a data folder of its own, in a real Chromium.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContextOptions, type Locator, type Page } from 'playwright-core';
import { vi } from 'vitest';

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
  /** Opens a window of the same studio in another browser, that is, with nothing kept. */
  another(options?: BrowserContextOptions): Promise<Page>;
  /** Ends the studio and starts it again at the same address. */
  restart(): Promise<void>;
  /** What lets a browser in and was printed last. */
  printed(): string;
  /** The process that makes the pictures. */
  workerPid(): Promise<number>;
  close(): Promise<void>;
}

export async function openFlow(options: BrowserContextOptions = {}): Promise<Flow> {
  const dataDir = await mkdtemp(join(tmpdir(), 'atelier-flow-'));
  let server = await startServer(dataDir, '0');
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
  });
  const complaints: string[] = [];
  const page = await openPage(browser, server.printed(), options, complaints);
  return {
    page, dataDir, complaints,
    prompt: page.getByRole('textbox', { name: 'Prompt', exact: true }),
    generate: page.locator('#generate').filter({ hasText: 'Generate' }),
    stop: page.getByRole('button', { name: 'Stop' }),
    picture: page.locator('main img[src^="/media/"][src*=".png"]'),
    recent: page.getByRole('listbox', { name: 'Recent pictures' }).getByRole('option'),
    async another(more = {}) {
      const former = server.printed();
      await fetch(new URL('/knock', former), { method: 'POST' });
      await vi.waitUntil(() => server.printed() !== former, { timeout: 60_000 });
      return openPage(browser, server.printed(), more, complaints);
    },
    async restart() {
      await server.end();
      server = await startServer(dataDir, new URL(server.printed()).port);
    },
    printed: () => server.printed(),
    workerPid: () => childOf(server.pid),
    async close() {
      await browser.close();
      await server.end();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

interface FlowServer { readonly pid: number; printed(): string; end(): Promise<void> }

async function startServer(dataDir: string, port: string): Promise<FlowServer> {
  const child = spawn(process.execPath, [join(root, 'out/main/server.js'), '--no-open', '--port', port, '--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString(); });
  const printed = () => said.match(/http:\S+(?=\n)/g)?.at(-1) ?? '';
  const ended = once(child, 'close').then(() => { throw new Error(`the server host ended without an address: ${said}`); });
  ended.catch(() => {});
  while (!printed()) await Promise.race([once(child.stdout, 'data'), ended]);
  return {
    pid: child.pid!, printed,
    async end() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'close');
    },
  };
}

async function openPage(browser: Browser, url: string, options: BrowserContextOptions, complaints: string[]): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(300_000);      // against hanging: other work on the machine may slow all down
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
