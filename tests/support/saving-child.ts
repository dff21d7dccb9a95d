// A studio that makes one picture and is killed by itself at a named moment of its saving. Bundled and run by made-once.test.ts.
//   node saving-child.mjs DATA_DIR WORKER MOMENT [STOP]      at the moment STOP it stops until it gets SIGCONT
import fs from 'node:fs/promises';
import { createStudio } from '../../main/services/studio';
import { JobRequest } from '../../preload/contract/job';

const [dataDir = '', workerEntry = '', moment = '', stop = ''] = process.argv.slice(2);

async function dieAt(reached: string): Promise<void> {
  if (reached === stop) process.kill(process.pid, 'SIGSTOP');
  if (reached !== moment) return;
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
}

const { link, rename } = fs;
fs.link = async (from, to) => {
  const isPicture = String(to).endsWith('.png');
  if (isPicture) await dieAt('written');
  await link(from, to);
  if (isPicture) await dieAt('named');
};
fs.rename = async (from, to) => {
  if (String(to).endsWith('.webp')) await dieAt('recorded');      // the thumbnail comes next
  await rename(from, to);
};

const studio = await createStudio({ dataDir, workerEntry, resume: true });
const model = (await studio.models.list())[0]!.id;
const ids = (await studio.queue.enqueue(JobRequest.parse({ prompt: 'a house', seed: 1, steps: 2, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, files: { model } }))).map(({ id }) => id);
for await (const event of studio.queue.events(new AbortController().signal)) {
  if (event.type === 'job' && ids.includes(event.job.id) && event.job.state === 'done') break;
}
await dieAt('done');
console.log('it was not killed');
process.exit(1);
