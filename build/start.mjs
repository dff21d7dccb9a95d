// `npm start`: does all set-up and opens the studio. The desktop app where Electron is to be had, otherwise the server host in the browser.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBundle } from './bundle.mjs';
import { findElectron } from './electron.mjs';
import { orExit, root, say } from './process.mjs';
import { ensureDependencies } from './setup.mjs';

const usage = `npm start -- [flags]
  --server         the server host in the browser, not the desktop app
  --port N         the server's port; 0 takes any free one
  --data-dir DIR   where models, pictures and settings live
  --no-open        do not open a browser`;

/** A desktop app that ends this early with an error never showed its window. */
const earlyMs = 10_000;

const flags = await orExit(readFlags);
if (flags.help) say(usage);
else await start();

async function start() {
  await orExit(ensureDependencies);
  await orExit(() => ensureBundle({ renderer: true }));
  const asked = serverReason();
  const electron = asked ? { missing: asked } : await orExit(findElectron);
  if ('missing' in electron) return openServer(electron.missing);
  say('Atelier: the desktop app (Electron is here).');
  const { code, lifeMs } = await runDesktop(electron.path);
  if (code !== 0 && lifeMs < earlyMs) return openServer(`Electron does not run here (exit code ${code})`);
  process.exitCode = code;
}

async function readFlags() {
  try {
    const { values } = parseArgs({ options: {
      server: { type: 'boolean' }, port: { type: 'string' }, 'data-dir': { type: 'string' }, 'no-open': { type: 'boolean' }, help: { type: 'boolean', short: 'h' },
    } });
    if (values.port !== undefined && !(/^\d+$/.test(values.port) && Number(values.port) < 65_536)) throw new Error(`--port ${values.port}: a port is a number from 0 to 65535.`);
    return values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n\n${usage}`, { cause: error });
  }
}

/** Flags that only the server host has ask for it. */
function serverReason() {
  const asked = /** @type {const} */ (['server', 'port', 'no-open']).find((name) => flags[name] !== undefined);
  return asked && `--${asked} asks for it`;
}

async function openServer(/** @type {string} */ reason) {
  say(`Atelier: the server host, in the browser, because ${reason}.`);
  const args = hostArgs();
  if (flags.port !== undefined) args.push('--port', flags.port);
  if (flags['no-open']) args.push('--no-open');
  process.argv.splice(2, Infinity, ...args);
  process.setSourceMapsEnabled(true);
  await import(new URL('../out/main/server.js', import.meta.url).href);
}

/** @returns {Promise<{ code: number, lifeMs: number }>} */
function runDesktop(/** @type {string} */ electron) {
  const began = Date.now();
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env;   // editors' terminals set it, and it would turn the app into a bare Node
  const app = spawn(electron, [root, ...hostArgs()], { stdio: 'inherit', env });
  process.on('SIGINT', () => {});   // the terminal sends it to the app as well; we wait for its answer
  process.on('SIGTERM', () => app.kill('SIGTERM'));
  return new Promise((done) => {
    app.on('error', () => done({ code: 127, lifeMs: 0 }));
    app.on('exit', (code, signal) => done({ code: code ?? (signal === 'SIGINT' || signal === 'SIGTERM' ? 0 : 1), lifeMs: Date.now() - began }));
  });
}

/** A relative folder is meant from where the person stands, not from the package's folder. */
function hostArgs() {
  return flags['data-dir'] === undefined ? [] : ['--data-dir', resolve(process.env['INIT_CWD'] ?? '.', flags['data-dir'])];
}
