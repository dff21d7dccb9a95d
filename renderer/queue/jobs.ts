// The queue as the window sees it: jobs by id, what the worker and the connection are doing, and the last failure until it is put away.
import { create } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { ErrorInfo } from '../../preload/contract/errors';
import type { JobState, JobView, QueueEvent } from '../../preload/contract/job';

export interface Problem { error: ErrorInfo; job: JobView | null }

interface Jobs {
  jobs: Record<string, JobView>;
  /** Jobs that were asked to stop and still finish their step. */
  stopping: readonly string[];
  worker: 'starting' | 'ready' | 'died';
  /** What is in the way of all jobs, until the queue goes on. */
  paused: ErrorInfo | null;
  connection: 'connecting' | 'live' | 'lost';
  /** What went wrong last while we watched: a request that was refused, or a job that failed. */
  problem: Problem | null;
  /** The picture that came last, and the batch it belongs to: it stays on stage until the batch's next picture begins to show. */
  lastDone: { batchId: string; pictureId: string } | null;
}

export const useJobs = create<Jobs>(() => ({ jobs: {}, stopping: [], worker: 'ready', paused: null, connection: 'connecting', problem: null, lastDone: null }));

const working: readonly JobState[] = ['loading', 'running', 'decoding', 'saving'];
const isActive = (job: JobView) => job.state === 'queued' || working.includes(job.state);

/** Takes in one event. Jobs that have ended are let go: their pictures are in the library. */
export function applyEvent(event: QueueEvent): void {
  if (event.type === 'worker') useJobs.setState({ worker: event.state });
  else if (event.type === 'paused') useJobs.setState({ paused: event.why });
  else if (event.type === 'job') useJobs.setState((state) => applyJob(state, event.job));
  else useJobs.setState((state) => {
    const ended = event.jobs.filter((job) => !isActive(job) && state.jobs[job.id]);
    const next = ended.reduce<Jobs>((all, job) => ({ ...all, ...applyJob(all, job) }), state);
    // Whoever sends a snapshot has a studio that stands.
    return { ...next, worker: 'ready', jobs: Object.fromEntries(event.jobs.filter(isActive).map((job) => [job.id, job])) };
  });
}

function applyJob(state: Jobs, job: JobView): Partial<Jobs> {
  if (isActive(job)) return { jobs: { ...state.jobs, [job.id]: job } };
  const { [job.id]: _ended, ...jobs } = state.jobs;
  const rest = { jobs, stopping: state.stopping.filter((id) => id !== job.id) };
  if (job.state === 'failed' && job.error) return { ...rest, problem: { error: job.error, job } };
  if (job.state === 'done' && job.pictureId) return { ...rest, problem: null, lastDone: { batchId: job.batch.id, pictureId: job.pictureId } };
  return rest;
}

/** In the order in which they are worked on: the running one, then those that wait. */
const inOrder = (jobs: Jobs['jobs']) => Object.values(jobs).sort((a, b) =>
  Number(a.state === 'queued') - Number(b.state === 'queued') || a.createdAt - b.createdAt || a.batch.index - b.batch.index);

/** The job that is being worked on, else the first that waits. */
export const useCurrentJob = () => useJobs((state) => inOrder(state.jobs)[0] ?? null);
export const useWaitingJobs = () => useJobs(useShallow((state) => inOrder(state.jobs).slice(1)));
/** Whether this job was asked to stop: a step cannot be cut short, and a large picture's takes a while. */
export const useStopping = (id: string | undefined) => useJobs((state) => id !== undefined && state.stopping.includes(id));
export const useBusy = () => useJobs((state) => Object.keys(state.jobs).length > 0);
export const activeJobIds = () => Object.keys(useJobs.getState().jobs);
