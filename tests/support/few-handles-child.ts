// A program that may have few files open, and uses them up: says by which codes it is told so, then makes a picture as soon as it can. For a test that runs it
// under a limit. Its arguments: a data folder and the fake worker.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { openWeightFile } from '../../main/files/weight-file';
import { stampOf } from '../../main/files/stamp';
import { createStudio } from '../../main/services/studio';
import { JobRequest } from '../../preload/contract/job';

const [dataDir, workerEntry] = process.argv.slice(2) as [string, string];
const model = join(import.meta.dirname, '../../resources/models/atelier-mini.safetensors');
const studio = await createStudio({ dataDir, workerEntry, queueTimes: { retryMs: 50 } });
const models = await studio.models.list();
const ask = async (prompt: string) => (await studio.queue.enqueue(JobRequest.parse({
  prompt, steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, seed: 1, files: { model: models[0]!.id },
})))[0]!.id;

const held: number[] = [];
function useUp(): void {
  for (;;) {
    try { held.push(openSync('/dev/null', 'r')); } catch { return; }
  }
}
const paused: (string | undefined)[] = [];
let isFreed = false;
// One job runs and its worker dies of it while there are no handles: another has to be started.
const first = await ask('slow die-once@2');
await ask('x');
for await (const event of studio.queue.events(new AbortController().signal)) {
  if (event.type === 'job' && event.job.id === first && event.job.step === 1 && held.length === 0) useUp();
  if (event.type === 'paused' && event.why) {
    paused.push(event.why.code);
    if (!isFreed) {
      isFreed = true;
      useUp();                                // the dead worker's have come back
      const opening = await openWeightFile(model).then(() => 'opened', (error: { code?: string }) => error.code);
      const stamp = await stampOf(model).then(() => 'looked at');
      for (const handle of held) closeSync(handle);
      console.log(JSON.stringify({ opening, stamp }));
    }
  }
  if (event.type === 'job' && studio.queue.list().every(({ endedAt }) => endedAt !== null)) break;      // a picture is saved while the next is made
}
console.log(JSON.stringify({ paused, jobs: studio.queue.list().map(({ state, error }) => error?.code ?? state) }));
await studio.close();
