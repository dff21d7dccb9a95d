// Progress on stderr: one rewritten line on a terminal, plain lines in a file.
import { expect, test } from 'vitest';
import type { JobView } from '../../../preload/contract/job';
import { reportProgress } from '../../../main/cli/progress';

const view = (patch: object): JobView => ({
  state: 'running', step: 7, steps: 20, secondsPerStep: 0.314, secondsLeft: 4.2, notice: null, remarks: [], batch: { id: 'b', index: 0, size: 1 },
  settings: { seed: 42, files: { model: { name: 'atelier-mini' } } }, ...patch,
} as unknown as JobView);   // what the line needs of a job

function shown(isTTY: boolean, ...views: JobView[]): string {
  let text = '';
  const progress = reportProgress({ isTTY, write: (part: string) => { text += part; } });
  for (const job of views) progress.show(job);
  progress.end();
  return text;
}

test('a file gets a line for each change, and none for none', () => {
  expect(shown(false, view({ state: 'loading' }), view({}), view({}), view({ state: 'done' }))).toBe(
    'loading atelier-mini\nstep 7 of 20, 0.31 s a step, 4.20 s left\ndone, seed 42\n');
});

test('what a picture was made without is said when it is done', () => {
  const remarks = [{ code: 'network.unsupported', data: { kind: 'lora', name: 'foo' } }];
  expect(shown(false, view({ state: 'done', remarks }))).toBe('done, seed 42\n<lora:foo> was left out: prompts cannot call up networks of this kind yet.\n');
});

test('a terminal gets one line, rewritten and ended', () => {
  expect(shown(true, view({ state: 'decoding' }), view({ state: 'saving' }))).toBe('\rdecoding\x1b[K\rsaving\x1b[K\n');
});

test('which picture of several, and that the worker was started again', () => {
  expect(shown(false, view({ batch: { id: 'b', index: 1, size: 4 }, secondsPerStep: null, secondsLeft: null, notice: 'worker.restarted' }))).toBe(
    'picture 2 of 4: step 7 of 20 (the worker died and was started again)\n');
});

test('long times are rounded', () => expect(shown(false, view({ secondsPerStep: 42.4, secondsLeft: 600 }))).toBe('step 7 of 20, 42 s a step, 10 min left\n'));
