// Takes jobs back: at once when they wait, within two seconds when they run.
import { api, errorInfoOf } from '../api';
import { toast } from '../ui/toasts';
import { activeJobIds, useJobs } from './jobs';

export async function cancel(ids: string[]): Promise<void> {
  useJobs.setState((state) => ({ stopping: [...state.stopping, ...ids] }));
  await api.queue.cancel.mutate({ ids }).catch((thrown: unknown) => {
    useJobs.setState((state) => ({ stopping: state.stopping.filter((id) => !ids.includes(id)) }));
    toast(errorInfoOf(thrown).message);
  });
}

/** Stops what is being made and all that waits. */
export const stop = () => cancel(activeJobIds());
