// The terminal, whole: the command line as a person runs it, with the demo checkpoint, a real worker and a library of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'atelier-terminal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended { code: number; stdout: string; stderr: string }

/** `onStderr` sees what has been written so far, and may send a signal. */
function atelier(args: string[], onStderr: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'build/atelier.mjs'), ...args], { cwd: folder, env: { ...process.env, INIT_CWD: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended: Ended = { code: -1, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { ended.stdout += String(chunk); });
  child.stderr.on('data', (chunk: Buffer) => {
    ended.stderr += String(chunk);
    onStderr(ended.stderr, (signal) => child.kill(signal));
  });
  return new Promise((done) => child.on('close', (code) => done({ ...ended, code: code ?? -1 })));
}

const generate = (...args: string[]) => ['generate', '--data-dir', 'data', '--steps', '6', '--json', '--prompt', 'a red house on grass', ...args];

test('generate makes the picture where --out says, and stdout is one line of JSON', async () => {
  const { code, stdout, stderr } = await atelier(generate('--seed', '3', '--out', 'house.png'));
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('step 6 of 6') });
  const { pictures, seconds } = JSON.parse(stdout);
  expect(pictures).toEqual([{ path: join(folder, 'house.png'), id: expect.stringMatching(/^[0-9a-f]{64}$/), seed: 3, width: 128, height: 128, seconds: expect.any(Number) }]);
  expect(seconds).toBeGreaterThan(0);
  const png = readFileSync(join(folder, 'house.png'));
  expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
  expect(png.toString('latin1')).toContain('Seed: 3');
});

test('the same seed gives the same bytes in another folder, the next seed another picture', async () => {
  const { stdout } = await atelier(generate('--seed', '3', '--count', '2', '--out', 'pair'));
  const [same, other] = JSON.parse(stdout).pictures as { path: string; seed: number; id: string }[];
  expect([same!.seed, other!.seed]).toEqual([3, 4]);
  expect(readFileSync(same!.path)).toEqual(readFileSync(join(folder, 'house.png')));
  expect(readFileSync(other!.path)).not.toEqual(readFileSync(join(folder, 'house.png')));
});

test('Ctrl-C cancels at the next step', async () => {
  let told = false;
  const { code, stdout, stderr } = await atelier(generate('--steps', '150'), (text, kill) => {
    if (!told && /step [1-9]/.test(text)) { told = true; kill('SIGINT'); }
  });
  expect(code).toBe(130);
  expect(JSON.parse(stdout).pictures).toEqual([]);
  expect(stderr).toContain('Cancelling at the next step');
  expect(stderr).not.toContain('step 150');
});

test('mistakes end with code 1, the flag or file by name, and what to do', async () => {
  const wrong = await atelier(['generate', '--promt', 'a cat']);
  expect(wrong).toEqual({ code: 1, stdout: '', stderr: 'job.invalid: --promt is not a flag of generate.\nDid you mean --prompt?\n' });
  const missing = await atelier(generate('--init', 'nowhere.png'));
  expect(missing.code).toBe(1);
  expect(JSON.parse(missing.stdout).error).toMatchObject({ code: 'file.notFound', message: expect.stringContaining('nowhere.png'), hint: expect.any(String) });
});

test('inspect prints its JSON and nothing else', async () => {
  const { code, stdout, stderr } = await atelier(['inspect', join(root, 'resources/models/atelier-mini.safetensors'), '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'checkpoint', family: 'sd1', runnable: true, problems: [] });
});
