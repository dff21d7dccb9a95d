// Opens an address in the user's browser. Others can read it in the command's arguments, so what it carries works once (see same-user.ts too).
// Where there is no browser, the printed address is the way in.
import { spawn } from 'node:child_process';

export function openBrowser(url: string): void {
  const [command, ...args] = process.platform === 'darwin' ? ['open', url] : process.platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler', url] : ['xdg-open', url];
  const child = spawn(command!, args, { detached: true, stdio: 'ignore' });
  child.on('error', () => {});
  child.unref();
}
