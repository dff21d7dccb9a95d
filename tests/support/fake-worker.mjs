// A worker that speaks the protocol and computes nothing. What it does is written in the prompt, so that a test reads as its script:
//   'die@2' is killed after step 2, each time · 'die-once@2' unless it goes on from a state · 'abort@2' dies of a failed allocation
//   'deaf' dies of the job's message, before it answers
//   'orphan@2' leaves a process behind that holds its stderr for a second
//   'bad-state' dies of a state to go on from, before it makes a step · 'stale-state' refuses one
//   'hang@2' stops answering after step 2 · 'fail' reports an error, 'bug' one of ours · 'away' reports, the first time, that a drive does not answer · 'slow' takes 100 ms a step instead of 5
import { spawn } from 'node:child_process';

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const send = (message) => new Promise((resolve) => { process.send(message, resolve); });
let cancelled = null, wasAway = false;

process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  if (message.type === 'cancel') cancelled = message.id;
  if (message.type === 'run') void run(message);
  if (message.type === 'upscale') void upscale(message);
});
if (process.env.ATELIER_FAKE_LAUNCH === 'broken') { process.stderr.write('Error: no such library\n'); process.exit(3); }
if (process.env.ATELIER_FAKE_LAUNCH === 'silent') await new Promise(() => {});
await send({ type: 'ready', pid: process.pid });

/** In four tiles. An upscaler named 'slow' takes 100 ms each. */
async function upscale({ id, job, upscaler }) {
  await send({ type: 'phase', id, phase: 'loading' });
  await send({ type: 'resumed', id, step: 0, steps: 4 });
  await send({ type: 'phase', id, phase: 'running' });
  for (let step = 1; step <= 4; step++) {
    await pause(upscaler.includes('slow') ? 100 : 5);
    if (cancelled === id) { await send({ type: 'cancelled', id }); return; }
    await send({ type: 'step', id, step, steps: 4, seconds: 0.005 });
  }
  await send({ type: 'done', notices: [], embeddings: [], id, pixels: solid(job.width, job.height, 7), timings: { openSeconds: 0.1, stepSeconds: 0.005, decodeSeconds: 0, peakBytes: 1e8 } });
  await send({ type: 'memory', rssBytes: 9e7, models: [] });
}

/** A state is the number of its step. */
async function run({ id, job, state }) {
  const at = (word) => Number(new RegExp(`(?:^| )${word}@(\\d+)`).exec(job.prompt)?.[1] ?? -1);
  const stepMs = job.prompt.includes('slow') ? 100 : 5;
  if (job.prompt.includes('deaf')) process.kill(process.pid, 'SIGKILL');
  await send({ type: 'phase', id, phase: 'loading' });
  if (job.prompt.includes('bug')) {
    await send({ type: 'failed', id, error: { code: 'internal', data: { detail: job.prompt } }, trace: { name: 'TypeError', frames: ['run worker.js:1:2'] } });
    return;
  }
  if (job.prompt.includes('fail')) {
    await send({ type: 'failed', id, error: { code: 'weights.missingTensor', message: 'a.safetensors: no tensor out.weight', hint: 'Download it again.' } });
    return;
  }
  if (job.prompt.includes('away') && !wasAway) {
    wasAway = true;
    await send({ type: 'failed', id, error: { code: 'disk.silent', data: { what: '/m.safetensors', detail: 'ESTALE' } } });
    return;
  }
  await send({ type: 'phase', id, phase: 'running' });
  if (state && job.prompt.includes('bad-state')) process.kill(process.pid, 'SIGKILL');
  const isStale = state && job.prompt.includes('stale-state'), done = state && !isStale ? state[0] : 0;
  if (isStale) await send({ type: 'startedOver', id, why: { code: 'pass.stale', data: { field: 'seed' } } });
  else if (state) await send({ type: 'resumed', id, step: done, steps: job.steps });
  for (let step = done + 1; step <= job.steps; step++) {
    await pause(stepMs);
    if (cancelled === id) { await send({ type: 'cancelled', id }); return; }
    if (step === at('orphan')) spawn(process.execPath, ['-e', 'setTimeout(() => {}, 1000)'], { stdio: ['ignore', 'ignore', 'inherit'], detached: true }).unref();
    await send({ type: 'step', id, step, steps: job.steps, seconds: stepMs / 1000, preview: solid(8, 8, job.seed) });
    if (step === at('die') || (step === at('die-once') && !state)) process.kill(process.pid, 'SIGKILL');
    if (step === at('abort')) { process.stderr.write("terminate called after throwing an instance of 'std::bad_alloc'\n"); process.abort(); }
    await send({ type: 'state', id, state: Uint8Array.of(step) });
    if (step === at('hang')) for (;;);
  }
  await send({ type: 'phase', id, phase: 'decoding' });
  await send({ type: 'done', notices: [], embeddings: job.prompt.includes('trained') ? [{ name: 'trained', hash: 'f'.repeat(64) }] : [], id, pixels: solid(job.width, job.height, job.seed), timings: { openSeconds: 0.1, stepSeconds: stepMs / 1000, decodeSeconds: 0.05, peakBytes: 1e8 } });
  await send({ type: 'memory', rssBytes: 9e7, models: [] });
}

/** One colour, told by the seed. */
function solid(width, height, seed) {
  return { width, height, rgb: new Uint8Array(width * height * 3).fill(seed % 256) };
}
