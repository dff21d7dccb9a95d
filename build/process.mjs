// How the set-up scripts talk to the person, run programs and keep out of each other's way. Plain Node: nothing is installed yet.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** What set-up remembers between runs; ignored by git, safe to delete. */
export const cacheDir = join(root, '.cache');

/** To the person at the terminal. On stderr, so that stdout stays the command's own. */
export function say(/** @type {string} */ line) {
  process.stderr.write(`${line}\n`);
}

/**
 * For set-up's own steps: what they throw is for the person, so it is shown as its message, without a stack, and ends the process.
 * @template T
 * @param {() => Promise<T>} run
 */
export async function orExit(run) {
  try {
    return await run();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

/**
 * Runs a program to its end, stdin closed, its output on our stderr unless `quiet`.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ timeoutMs?: number, quiet?: boolean, shell?: boolean, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number, output: string }>} code 124 when it ran past `timeoutMs`, 127 when it could not start
 */
export function runProgram(command, args, { timeoutMs, quiet = false, shell = false, env = process.env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env, shell, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let timedOut = false;
    const timer = timeoutMs ? setTimeout(() => { timedOut = true; child.kill('SIGKILL'); }, timeoutMs) : undefined;
    const onData = (/** @type {Buffer} */ chunk) => {
      output += chunk;
      if (!quiet) process.stderr.write(chunk);
    };
    child.stdout.on('data', onData);
    child.stderr.on('data', onData);
    const end = (/** @type {number} */ code) => { clearTimeout(timer); resolve({ code, output }); };
    child.on('error', (error) => { output += error.message; end(127); });
    child.on('exit', (code) => { if (timedOut) end(124); else child.on('close', () => end(code ?? 1)); });
  });
}

/**
 * Runs `work` while no other process runs it under this name. The lock of a process that died is taken over. Should two
 * processes take one over in the same instant both do the work, which every caller survives: files get their names by rename.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 */
export async function withLock(name, work) {
  const file = join(cacheDir, `${name}.lock`);
  mkdirSync(cacheDir, { recursive: true });
  for (let told = false; !take(file);) {
    if (!told) say(`Waiting for another Atelier command to finish its ${name} step …`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

function take(/** @type {string} */ file) {
  if (isStale(file)) rmSync(file, { force: true });
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Whether the lock's holder is gone. A holder that is killed leaves its file behind. */
function isStale(/** @type {string} */ file) {
  try {
    const ageMs = Date.now() - statSync(file).mtimeMs;
    const pid = Number(readFileSync(file, 'utf8'));
    if (!pid) return ageMs > 2000;   // created, its number not yet written
    process.kill(pid, 0);
    return ageMs > 15 * 60_000;      // the number belongs to another program by now
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

const codeOf = (/** @type {unknown} */ error) => /** @type {NodeJS.ErrnoException} */ (error).code;
