// The text that a person passes on: what is wrong, on what, and the end of the log, with nothing private in it.
import { appendFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLog } from '../../../main/services/log/log';
import { reportOn } from '../../../main/services/log/report';
import type { ReportRequest } from '../../../preload/contract/log';
import type { MachineInfo } from '../../../preload/contract/studio';
import { tempFolder } from '../../support/pictures';

const mark = 'a secret garden';
const machine: MachineInfo = {
  provider: 'cpu', cores: 8, cpu: 'Some Processor 3.1 GHz', memory: { totalBytes: 16e9, usedByWorkerBytes: 4e8, mappedByWorkerBytes: 1e8 }, version: '0.1.0', dataDir: `/home/${mark}/Atelier`,
  notices: [{ id: 'x', about: { code: 'data.damaged', data: { why: 'settings', file: `/home/${mark}/settings.json`, detail: mark, kept: 'settings.damaged-2026-11-21T07-18-55.json' } } }],
};
/** Its head, and the lines below it. */
async function report(about: ReportRequest, write: (root: string) => unknown = () => {}) {
  const root = await tempFolder();
  await write(root);
  const text = reportOn(about, machine, openLog(root, 'server')), end = text.indexOf('\n}') + 2;
  return { text, head: JSON.parse(text.slice(0, end)) as Record<string, unknown>, lines: text.slice(end).split('\n').filter(Boolean) };
}

describe('a report', () => {
  it('has the error with its values, versions, the machine, notices, and the log', async () => {
    const { head, lines } = await report({ error: { code: 'worker.died', data: { why: 'signal', signal: 'SIGKILL', stderr: `TypeError: ${mark}\n    at f (/home/x/worker.js:1:2)` } }, job: '12-ab' }, (root) => openLog(root, 'server').warn('x', { n: 1 }));
    expect(head).toEqual({
      time: expect.any(String), atelier: '0.1.0', node: process.versions.node, onnxruntime: expect.stringMatching(/^\d+\.\d+\.\d+$/), os: expect.stringContaining(process.arch),
      machine: { cpu: 'Some Processor 3.1 GHz', cores: 8, provider: 'cpu', totalBytes: 16e9, usedByWorkerBytes: 4e8, mappedByWorkerBytes: 1e8, freeBytes: expect.any(Number) },
      about: { code: 'worker.died', data: { why: 'signal', signal: 'SIGKILL', stderr: { name: 'TypeError', frames: ['f worker.js:1:2'] } } }, job: '12-ab',
      notices: [{ code: 'data.damaged', data: { why: 'settings', file: 'settings.json', kept: 'settings.damaged-2026-11-21T07-18-55.json' } }],
    });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level: 'warn', process: 'server', event: 'x', n: 1 }]);
  });

  it('about nothing in particular has none', async () => {
    const { head, lines } = await report({ error: null, job: null });
    expect(head).not.toHaveProperty('about');
    expect(head).not.toHaveProperty('job');
    expect(lines).toEqual([]);
  });

  it('holds nothing private, whatever stands in the file of the log', async () => {
    const about: ReportRequest = { error: { code: 'internal', data: { detail: mark } }, job: mark };
    const { text, lines } = await report(about, (root) => {
      openLog(root, 'server').info('first');
      return appendFile(join(root, 'logs/atelier.jsonl'), `${JSON.stringify({ event: mark, prompt: mark, file: `/home/${mark}/a.ckpt`, error: { name: mark, message: mark, frames: [mark] } })}\n${mark}\n"${mark}"\n[1]\nnull\n{"event":"half`);
    });
    expect(text).not.toMatch(/secret|garden/);
    expect(text).not.toContain(hostname());
    expect(lines[0]).toContain('first');
    expect(lines[1]).toContain('a.ckpt');
  });

  it('is short enough to be pasted, and has the newest lines', async () => {
    const { text, lines } = await report({ error: null, job: null }, (root) => {
      const log = openLog(root, 'server');
      for (let i = 0; i < 1_000; i++) log.info('x', { i, frames: Array(16).fill(`${'f'.repeat(50)} a.js:1:2`) });
    });
    expect(text.length).toBeLessThan(50_000);
    expect((JSON.parse(lines.at(-1)!) as { i: number }).i).toBe(999);
    expect(lines.length).toBeGreaterThan(10);
  });
});
