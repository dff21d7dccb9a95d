// The desktop app: the studio and its server in this process, shown in one window. Loopback and a token that never leaves the process.
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { app, dialog, type BrowserWindow } from 'electron';
import { toAppError } from '../engine/errors';
import { listenOnFree } from '../server/port';
import { serve } from '../server/serve';
import { findDataDir } from '../services/data/data-folder';
import { createStudio } from '../services/studio';
import { openWindow } from './window';

const dataDir = findDataDir(dataDirFlag());
keepProfileIn(join(dataDir, 'desktop'));

if (!app.requestSingleInstanceLock()) app.quit();
else void app.whenReady().then(start).catch(showAndQuit);

async function start(): Promise<void> {
  const studio = await createStudio({ dataDir, resume: true });
  const rendererDir = fileURLToPath(new URL('../renderer', import.meta.url));
  const token = randomBytes(32).toString('base64url');
  // The usual port where it is free: what the page keeps (form, theme) belongs to its address, port included.
  const server = await listenOnFree(null, (port) => serve({ studio, port, token, rendererDir }));
  closeBeforeQuit(async () => {
    await server.close();
    await studio.close();
  });
  const window = openWindow(server.url, join(app.getPath('userData'), 'window.json'));
  app.on('second-instance', () => bringToFront(window));
  app.on('window-all-closed', () => app.quit());
}

/** When the windows are closed, quitting waits until the worker is down and the pictures that are being saved are on disk. */
function closeBeforeQuit(close: () => Promise<void>): void {
  let closing: Promise<void> | undefined;
  app.on('will-quit', (event) => {
    event.preventDefault();
    closing ??= close().catch((error: unknown) => console.error(error)).finally(() => app.exit(0));
  });
}

/** One app per data folder: Electron ties its single-instance lock to the profile's folder. */
function keepProfileIn(folder: string): void {
  mkdirSync(folder, { recursive: true });
  app.setPath('userData', folder);
}

function bringToFront(window: BrowserWindow): void {
  if (window.isDestroyed()) return;
  if (window.isMinimized()) window.restore();
  window.focus();
}

function showAndQuit(thrown: unknown): void {
  const error = toAppError(thrown);
  dialog.showErrorBox('Atelier could not start', [error.message, error.hint].filter(Boolean).join('\n\n'));
  app.exit(1);
}

/** Electron's and Chromium's own switches stand beside ours, so unknown ones are let through. */
function dataDirFlag(): string | undefined {
  const { values } = parseArgs({ args: process.argv.slice(1), options: { 'data-dir': { type: 'string' } }, strict: false });
  return typeof values['data-dir'] === 'string' ? values['data-dir'] : undefined;
}
