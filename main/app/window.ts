// The one window: the studio's page and nothing else. No Node in it, no other origin, no permissions.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { BrowserWindow, screen, type Rectangle, type WebContents } from 'electron';

interface WindowState { readonly bounds: Rectangle; readonly isMaximized: boolean }

/** Of what a page may ask for, only to put text on the clipboard after a click. */
const permitted: readonly string[] = ['clipboard-sanitized-write'];

/** Opens `url` where the window last was. Its place is kept in `stateFile`. */
export function openWindow(url: string, stateFile: string): BrowserWindow {
  const state = readState(stateFile);
  const window = new BrowserWindow({
    width: 1440, height: 900, ...state?.bounds, minWidth: 900, minHeight: 640,
    title: 'Atelier', show: false, autoHideMenuBar: true,
    webPreferences: { sandbox: true, contextIsolation: true, nodeIntegration: false },
  });
  if (state?.isMaximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  window.on('close', () => writeState(stateFile, { bounds: window.getNormalBounds(), isMaximized: window.isMaximized() }));
  keepToOrigin(window.webContents, new URL(url).origin);
  void window.loadURL(url);
  return window;
}

/** Refuses to go, or to open anything, elsewhere than at `origin`. A window that the page opens is held to the same. */
function keepToOrigin(contents: WebContents, origin: string): void {
  const isOurs = (url: string): boolean => URL.canParse(url) && new URL(url).origin === origin;
  contents.on('will-frame-navigate', (event) => { if (!isOurs(event.url)) event.preventDefault(); });
  contents.on('will-redirect', (event) => { if (!isOurs(event.url)) event.preventDefault(); });
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => ({ action: isOurs(url) ? 'allow' : 'deny' }));
  contents.on('did-create-window', (child) => keepToOrigin(child.webContents, origin));
  contents.session.setPermissionRequestHandler((_contents, permission, answer) => answer(permitted.includes(permission)));
  contents.session.setPermissionCheckHandler((_contents, permission) => permitted.includes(permission));
}

/** undefined at a first start, and when the screen that it was on is gone. */
function readState(file: string): WindowState | undefined {
  try {
    if (!statSync(file).isFile()) return undefined;      // a pipe would never end
    const state = JSON.parse(readFileSync(file, 'utf8')) as WindowState;
    const { x, y, width, height } = screen.getDisplayMatching(state.bounds).workArea;
    const isVisible = state.bounds.x < x + width - 100 && state.bounds.y < y + height - 100 && state.bounds.x + state.bounds.width > x + 100 && state.bounds.y >= y - 20;
    return isVisible ? state : undefined;
  } catch {
    return undefined;   // none yet, or one that is damaged: the window opens at its usual place
  }
}

function writeState(file: string, state: WindowState): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(state));
}
