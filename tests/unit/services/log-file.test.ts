// The log's file: whole lines, bounds that hold whatever is written, and several writers at once.
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { lastLines, LogFile } from '../../../main/services/log/log-file';
import { openLog } from '../../../main/services/log/log';
import { bundleProgram } from '../../support/bundle-program';
import { tempFolder } from '../../support/pictures';

afterEach(() => { vi.restoreAllMocks(); });

const unheard = (fault: unknown): never => { throw fault as Error; };
const filesIn = (folder: string): string[] => fs.readdirSync(folder).sort();
const sizesIn = (folder: string): number[] => filesIn(folder).map((name) => fs.statSync(join(folder, name)).size);
const linesOf = (folder: string): string[] => filesIn(folder).flatMap((name) => fs.readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean));

describe('the log\'s file', () => {
  it('is not made before its first line, and then is its owner\'s alone', async () => {
    const folder = join(await tempFolder(), 'data/logs'), file = new LogFile(folder, { onFault: unheard });
    expect(fs.existsSync(folder)).toBe(false);
    file.write('one');
    file.close();
    file.write('two');
    expect(fs.readFileSync(join(folder, 'atelier.jsonl'), 'utf8')).toBe('one\ntwo\n');
    if (process.platform === 'win32') return;
    expect(fs.statSync(folder).mode & 0o777).toBe(0o700);
    expect(fs.statSync(join(folder, 'atelier.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('is put aside when it is full, the newest lines stay, and all of it keeps within its bounds', async () => {
    const folder = join(await tempFolder(), 'logs'), file = new LogFile(folder, { fileBytes: 1_000, files: 3, onFault: unheard });
    for (let i = 0; i < 500; i++) {
      file.write(`${i} ${'x'.repeat(i % 90)}`);
      expect(filesIn(folder).length).toBeLessThanOrEqual(3);
    }
    for (const size of sizesIn(folder)) expect(size).toBeLessThanOrEqual(1_000);
    const kept = lastLines(folder, 1_000).map((line) => Number(line.split(' ')[0]));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 500 - kept.length + i));
    expect(kept.length).toBeGreaterThan(20);
  });

  it('is bounded, too, where a line is longer than a file, or the bounds were wider once', async () => {
    const folder = join(await tempFolder(), 'logs');
    const wide = new LogFile(folder, { fileBytes: 100, files: 9, onFault: unheard });
    for (let i = 0; i < 9; i++) wide.write('x'.repeat(99));
    const file = new LogFile(folder, { fileBytes: 1_000, files: 3, onFault: unheard });
    for (let i = 0; i < 9; i++) file.write('y'.repeat(5_000));
    expect(sizesIn(folder)).toEqual([5_001, 5_001, 5_001]);
  });

  it('keeps an immense line out', async () => {
    const root = await tempFolder(), log = openLog(root, 'studio');
    log.error('x', { frames: Array.from({ length: 1e5 }, (_, i) => `f${i} ${'a'.repeat(80)}.js:${i}:1`), ...Object.fromEntries(Array.from({ length: 1e5 }, (_, i) => [`n${i}`, i])) });
    const [line] = linesOf(join(root, 'logs'));
    expect(JSON.parse(line!)).toEqual({ time: expect.any(String), level: 'error', process: 'studio', pid: process.pid, event: 'x', cut: true });
  });

  it('is read from its end, across files, whatever else lies there', async () => {
    const folder = join(await tempFolder(), 'logs'), file = new LogFile(folder, { fileBytes: 100, files: 5, onFault: unheard });
    expect(lastLines(folder, 5)).toEqual([]);
    for (let i = 0; i < 30; i++) file.write(`line ${i}`);
    fs.writeFileSync(join(folder, 'notes.txt'), 'mine');
    fs.mkdirSync(join(folder, 'atelier-2020-x.jsonl'));
    expect(lastLines(folder, 15)).toEqual(Array.from({ length: 15 }, (_, i) => `line ${15 + i}`));
    expect(lastLines(folder, 15, 12)).toEqual(['line 29']);
  });

  it.skipIf(process.platform === 'win32')('is followed when somebody takes it away', async () => {
    const folder = join(await tempFolder(), 'logs'), file = new LogFile(folder, { onFault: unheard });
    file.write('one');
    fs.rmSync(join(folder, 'atelier.jsonl'));
    file.write('two');
    fs.rmSync(folder, { recursive: true });
    file.write('three');
    expect(linesOf(folder)).toEqual(['three']);
  });
});

describe('several processes', () => {
  it('lose no line when one puts the file aside between the look and the rename of another', async () => {
    const folder = join(await tempFolder(), 'logs'), file = new LogFile(folder, { fileBytes: 100, files: 9, onFault: unheard }), rename = fs.renameSync;
    vi.spyOn(fs, 'renameSync').mockImplementationOnce((from, to) => {
      rename(from, join(folder, 'atelier-2020-by-another.jsonl'));
      rename(from, to);
    });
    const lines = ['a', 'b', 'c'].map((sign) => sign.repeat(60));
    for (const line of lines) expect(file.write(line)).toBe(true);
    expect(linesOf(folder).sort()).toEqual(lines);
  });

  it('write to one log at once, put it aside at once, and no line is lost or torn', async () => {
    const folder = join(await tempFolder(), 'logs');
    const { program, folder: built } = await bundleProgram('tests/support/log-child.ts');
    onTestFinished(() => fs.rmSync(built, { recursive: true }));
    await Promise.all(['a', 'b', 'c'].map((who) => promisify(execFile)(process.execPath, [program, JSON.stringify({ folder, who, act: 'write' })])));
    const lines = linesOf(folder).map((line) => JSON.parse(line) as { who: string; i: number });
    for (const who of ['a', 'b', 'c']) expect(lines.filter((line) => line.who === who).map(({ i }) => i).sort((a, b) => a - b), who).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    for (const size of sizesIn(folder)) expect(size).toBeLessThan(21_000);
  });
});
