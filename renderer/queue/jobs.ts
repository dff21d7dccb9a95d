// The queue as the window sees it: what is being made, how many wait, what the worker and the connection are doing, and the last failure until it
// is put away.
import { create } from 'zustand';
import type { ErrorInfo } from '../../preload/contract/errors';
import type { JobState, JobView, QueueEvent } from '../../preload/contract/job';
import type { UnreadableRecord } from '../../preload/contract/unreadable';

export interface Problem { error: ErrorInfo; job: JobView | null }

interface Jobs {
  /** Those that are being worked on, by id. */
  active: Record<string, JobView>;
  waiting: { count: number; next: JobView | null };
  /** Jobs that have ended and were told of; null before the first are. */
  ended: readonly string[] | null;
  /** Jobs that wait and that this Atelier cannot read: the first of them, and how many there are. */
  unreadable: UnreadableRecord | null;
  unreadableCount: number;
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

export const useJobs = create<Jobs>(() => ({
  active: {}, waiting: { count: 0, next: null }, ended: null, unreadable: null, unreadableCount: 0, stopping: [], worker: 'ready', paused: null, connection: 'connecting', problem: null, lastDone: null,
}));

const working: readonly JobState[] = ['loading', 'running', 'decoding', 'saving'];
const isActive = (job: JobView) => working.includes(job.state);
const hasEnded = (job: JobView) => job.state !== 'queued' && !isActive(job);

/** Takes in one event. Jobs that have ended are let go: their pictures are in the library. */
export function applyEvent(event: QueueEvent): void {
  if (event.type === 'worker') useJobs.setState({ worker: event.state });
  else if (event.type === 'paused') useJobs.setState({ paused: event.why });
  else if (event.type === 'waiting') useJobs.setState({ waiting: { count: event.count, next: event.next } });
  else if (event.type === 'unreadable') useJobs.setState(unreadableOf(event));
  else if (event.type === 'job') useJobs.setState((state) => applyJob(state, event.job));
  else useJobs.setState((state) => {
    const ended = event.jobs.filter(hasEnded), missed = ended.filter(({ id }) => state.ended && !state.ended.includes(id));
    const next = missed.reduce<Jobs>((all, job) => ({ ...all, ...applyJob(all, job) }), state);
    // Whoever sends a snapshot has a studio that stands.
    return { ...next, worker: 'ready', ...unreadableOf(event), ended: ended.map(({ id }) => id), active: Object.fromEntries(event.jobs.filter(isActive).map((job) => [job.id, job])) };
  });
}

const unreadableOf = ({ unreadable, unreadableCount }: { unreadable: readonly UnreadableRecord[]; unreadableCount: number }) => ({ unreadable: unreadable[0] ?? null, unreadableCount });

function applyJob(state: Jobs, job: JobView): Partial<Jobs> {
  if (isActive(job)) return { active: { ...state.active, [job.id]: job } };
  const { [job.id]: _over, ...active } = state.active;
  if (!hasEnded(job)) return { active };
  const rest = { active, ended: [...state.ended ?? [], job.id], stopping: state.stopping.filter((id) => id !== job.id) };
  if (job.state === 'failed' && job.error) return { ...rest, problem: { error: job.error, job } };
  if (job.state === 'done' && job.pictureId) return { ...rest, problem: null, lastDone: { batchId: job.batch.id, pictureId: job.pictureId } };
  return rest;
}

/** One is saved while the next is made: the one that came first. */
const firstOf = (active: Jobs['active']) => Object.values(active).sort((a, b) => a.createdAt - b.createdAt || a.batch.index - b.batch.index)[0];

/** The job that is being worked on, else the first that waits. */
export const useCurrentJob = () => useJobs((state) => firstOf(state.active) ?? state.waiting.next);
/** How many wait behind it. */
export const useWaitingCount = () => useJobs(({ active, waiting }) => Math.max(0, Object.keys(active).length + waiting.count - 1));
/** Whether this job was asked to stop: a step cannot be cut short, and a large picture's takes a while. */
export const useStopping = (id: string | undefined) => useJobs((state) => id !== undefined && state.stopping.includes(id));
export const isBusy = ({ active, waiting } = useJobs.getState()) => Object.keys(active).length > 0 || waiting.count > 0;
export const useBusy = () => useJobs(isBusy);
export const activeJobIds = () => Object.keys(useJobs.getState().active);
