// The desktop app: the studio and its server in this process, shown in one window. Loopback and a secret that never leaves the process.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { app, dialog, type BrowserWindow } from 'electron';
import { toAppError } from '../engine/errors';
import { listenOnFree } from '../server/port';
import { newSecret } from '../server/secret';
import { serve } from '../server/serve';
import { findDataDir } from '../services/data/data-folder';
import { languageIn } from '../services/data/language';
import { watchFatal } from '../services/log/fatal';
import { openLog } from '../services/log/log';
import { createStudio } from '../services/studio';
import { speak, wordsOf } from '../words';
import { openWindow } from './window';

const dataDir = findDataDir(dataDirFlag());
const log = openLog(dataDir, 'app');
watchFatal(log);
process.on('unhandledRejection', (error) => log.error('process.rejection', { error }));      // here none ends the process
app.on('render-process-gone', (_event, _contents, { reason, exitCode }) => log.of('window').error('window.gone', { reason, exit: exitCode }));
app.on('child-process-gone', (_event, { type, reason, exitCode }) => log.warn('app.childGone', { kind: type.replace(' ', '-'), reason, exit: exitCode }));
keepProfileIn(join(dataDir, 'desktop'));

if (!app.requestSingleInstanceLock()) app.quit();
else void app.whenReady().then(start).catch(showAndQuit);

async function start(): Promise<void> {
  await speak(await languageIn(dataDir));
  const studio = await createStudio({ dataDir, resume: true, log });
  const rendererDir = fileURLToPath(new URL('../renderer', import.meta.url));
  // The usual port where it is free: what the page keeps (form, theme) belongs to its address, port included.
  const server = await listenOnFree(null, (port) => serve({ studio, port, secret: newSecret(), rendererDir }));
  closeBeforeQuit(async () => {
    await server.close();
    await studio.close();
  });
  const window = openWindow(server.newAddress(), join(app.getPath('userData'), 'window.json'));
  app.on('second-instance', () => bringToFront(window));
  app.on('window-all-closed', () => app.quit());
}

/** When the windows are closed, quitting waits until the worker is down and the pictures that are being saved are on disk. */
function closeBeforeQuit(close: () => Promise<void>): void {
  let closing: Promise<void> | undefined;
  app.on('will-quit', (event) => {
    event.preventDefault();
    closing ??= close().catch((error: unknown) => log.error('app.notClosed', { error })).finally(() => app.exit(0));
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
  log.error('app.notStarted', { error: thrown });
  const { message, hint } = wordsOf(toAppError(thrown).info);
  dialog.showErrorBox('Atelier could not start', `${message}\n\n${hint}`);
  app.exit(1);
}

/** Electron's and Chromium's own switches stand beside ours, so unknown ones are let through. */
function dataDirFlag(): string | undefined {
  const { values } = parseArgs({ args: process.argv.slice(1), options: { 'data-dir': { type: 'string' } }, strict: false });
  return typeof values['data-dir'] === 'string' ? values['data-dir'] : undefined;
}
