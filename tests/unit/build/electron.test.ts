// Where Electron comes from: what is here, else one bounded try to fetch it, remembered when it fails.
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findElectron } from '../../../build/electron.mjs';

let folder: string;
beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'atelier-electron-')); });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const host = (env: NodeJS.ProcessEnv = {}) => ({
  env: { DISPLAY: ':0', ...env }, platform: 'linux', isRoot: false, packageDir: folder, failureFile: join(folder, 'cache/failed'),
});
/** Stands for the package's install.js, which downloads. */
const installer = (source: string) => writeFileSync(join(folder, 'install.cjs'), source);
/** As install.js leaves it. */
function extracted(name: string): void {
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', name), '');
  writeFileSync(join(folder, 'path.txt'), name);
}
const fetching = "require('fs').writeFileSync(__dirname + '/fetched', '');";

const extracting = "const fs = require('fs'); fs.mkdirSync(__dirname + '/dist'); fs.writeFileSync(__dirname + '/dist/electron', ''); fs.writeFileSync(__dirname + '/path.txt', 'electron');";

async function withMirror<T>(run: (url: string) => Promise<T>): Promise<T> {
  const server = createServer((_request, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  try {
    return await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  } finally {
    server.close();
  }
}

beforeEach(() => {
  writeFileSync(join(folder, 'package.json'), '{}');
  writeFileSync(join(folder, 'install.js'), "require('./install.cjs');");
});

test('without a display there is no desktop app, and nothing is fetched', async () => {
  installer(fetching);
  expect(await findElectron({ ...host(), env: {} })).toEqual({ missing: 'there is no display' });
  expect(existsSync(join(folder, 'fetched'))).toBe(false);
});

test("root gets the server host, since Electron's sandbox refuses root", async () => {
  expect(await findElectron({ ...host(), isRoot: true })).toEqual({ missing: "Electron's sandbox does not run as root" });
});

test('macOS and Windows need no display variable', async () => {
  extracted('electron');
  expect(await findElectron({ ...host(), env: {}, platform: 'darwin' })).toEqual({ path: join(folder, 'dist/electron') });
});

test('a fetched binary is found by the name in path.txt', async () => {
  extracted('electron.exe');
  expect(await findElectron(host())).toEqual({ path: join(folder, 'dist/electron.exe') });
});

test('a binary whose extraction was cut does not count', async () => {
  extracted('electron');
  rmSync(join(folder, 'path.txt'));
  expect(await findElectron(host({ ELECTRON_MIRROR: 'http://127.0.0.1:9/' }))).toMatchObject({ missing: expect.stringContaining('cannot be fetched') });
});

test('a missing binary is fetched by the package\'s own installer', async () => {
  installer(extracting);
  await withMirror(async (ELECTRON_MIRROR) => expect(await findElectron(host({ ELECTRON_MIRROR }))).toEqual({ path: join(folder, 'dist/electron') }));
});

test('a mirror that does not answer is not waited for, and not asked again the same day', async () => {
  installer(fetching);
  const deadMirror = host({ ELECTRON_MIRROR: 'http://127.0.0.1:9/' });
  expect(await findElectron(deadMirror)).toEqual({ missing: 'Electron cannot be fetched here (127.0.0.1:9 does not answer)' });
  expect(await findElectron(deadMirror)).toEqual({ missing: expect.stringContaining('could not be fetched earlier today') });
  expect(existsSync(join(folder, 'fetched'))).toBe(false);
});

test('a download that fails says why, leaves no half of it, and is tried again after a day', async () => {
  installer("require('fs').mkdirSync(__dirname + '/dist'); console.error('HTTPError: 404 Not Found\\n    at stack'); process.exit(1);");
  await withMirror(async (ELECTRON_MIRROR) => {
    expect(await findElectron(host({ ELECTRON_MIRROR }))).toEqual({ missing: 'Electron cannot be fetched here (HTTPError: 404 Not Found)' });
    expect(existsSync(join(folder, 'dist'))).toBe(false);
    const yesterday = Date.now() / 1000 - 25 * 3600;
    utimesSync(join(folder, 'cache/failed'), yesterday, yesterday);
    installer(extracting);
    expect(await findElectron(host({ ELECTRON_MIRROR }))).toEqual({ path: join(folder, 'dist/electron') });
  });
});
