// Takes jobs back: at once when they wait, within two seconds when they run. However many they are, they are named by what they do.
import type { CancelMany } from '../../preload/contract/job';
import { api, errorInfoOf } from '../api';
import { toast } from '../ui/toasts';
import { said } from '../i18n';
import { activeJobIds, useJobs } from './jobs';

export const cancel = (id: string) => stopping([id], () => api.queue.cancel.mutate({ ids: [id] }));

/** All that wait behind a job. */
export const cancelWaiting = (after: string) => cancelMany({ which: 'waiting', after });
export const cancelUnreadable = () => cancelMany({ which: 'unreadable' });
/** Stops what is being made and all that waits. */
export const stop = () => stopping(activeJobIds(), () => api.queue.cancelMany.mutate({ which: 'unfinished' }));

const cancelMany = (many: CancelMany) => stopping([], () => api.queue.cancelMany.mutate(many));

async function stopping(ids: readonly string[], ask: () => Promise<void>): Promise<void> {
  useJobs.setState((state) => ({ stopping: [...state.stopping, ...ids] }));
  await ask().catch((thrown: unknown) => {
    useJobs.setState((state) => ({ stopping: state.stopping.filter((id) => !ids.includes(id)) }));
    toast(said(errorInfoOf(thrown)));
  });
}
