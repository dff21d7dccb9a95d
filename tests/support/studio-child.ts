// A studio in a process of its own, for a test that kills it: works on one request and prints a line for each step that its worker tells.
import { createStudio } from '../../main/services/studio';
import { forkWorker } from '../../main/services/workers/fork';
import type { JobRequest } from '../../preload/contract/job';

const { request, ...options } = JSON.parse(process.argv[2]!) as { dataDir: string; workerEntry: string; request: JobRequest };
const studio = await createStudio({
  ...options, queueTimes: { keepMs: 0 },
  spawnWorker: (entry) => {
    const child = forkWorker(entry);
    child.port.onMessage(({ type }) => { if (type === 'step') console.log(type); });
    return child;
  },
});
await studio.queue.enqueue(request);
