// A studio with a long backlog of the longest prompts, in a process that has little memory for them. For backlog.test.ts.
//   node backlog-child.mjs DATA_DIR WORKER fill REQUESTS | look | end
import { createStudio } from '../../main/services/studio';
import { JobFields, JobRequest, type QueueEvent } from '../../preload/contract/job';
import { painted } from './painted';

const [dataDir = '', workerEntry = '', what = '', requests = '0'] = process.argv.slice(2);
const most = JobFields.shape.prompt.maxLength!;
const studio = await createStudio({ dataDir, workerEntry, resume: true });
const bytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** What a page hears before all else. */
async function firstHeard(): Promise<QueueEvent[]> {
  const stop = new AbortController(), heard: QueueEvent[] = [];
  for await (const event of studio.queue.events(stop.signal)) {
    heard.push(event);
    if (event.type === 'waiting') break;
  }
  stop.abort();
  return heard;
}
async function look() {
  const first = await firstHeard(), snapshot = first.find((event) => event.type === 'snapshot')!, waiting = first.find((event) => event.type === 'waiting')!;
  const page = studio.queue.page({ after: null, limit: 200 });
  return { first: bytes(first), page: bytes(page), shown: snapshot.jobs.length, waiting: waiting.count, next: waiting.next?.title.length ?? null, total: page.total };
}

if (what === 'fill') {
  const model = (await studio.models.list())[0]!.id;
  for (let i = 0; i < Number(requests); i++) {
    // Two bytes a letter, in memory and on the disk.
    await studio.queue.enqueue(JobRequest.parse({ prompt: `slow ${i} ${'ж'.repeat(most)}`.slice(0, most), steps: 200, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, seed: 64 * i, count: 64, files: { model } }));
  }
  console.log(JSON.stringify(await look()));
}
if (what === 'look') {
  const { jobs } = studio.queue.page({ after: null, limit: 1 }), { spec } = studio.queue.get(jobs[0]!.id);
  console.log(JSON.stringify({ ...await look(), prompt: painted(spec).prompt.length, start: painted(spec).prompt.slice(0, 10) }));
}
if (what === 'end') {
  const before = process.resourceUsage().fsWrite, ids: string[] = [];
  for (let after: string | null = null; ;) {
    const page = studio.queue.page({ after, limit: 200 });
    ids.push(...page.jobs.map(({ id }) => id));
    if ((after = page.next) === null) break;
  }
  const whole = (await look()).waiting;
  await studio.queue.cancelMany({ which: 'waiting', after: ids[9], upTo: ids[19] });
  const { waiting } = await look();
  await studio.queue.cancelMany({ which: 'unfinished' });
  console.log(JSON.stringify({ seen: new Set(ids).size, stretch: whole - waiting, ...await look(), written: 512 * (process.resourceUsage().fsWrite - before) }));
}
await studio.close();
