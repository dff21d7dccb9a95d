// Takes jobs back: at the next step when they run, at once when they wait.
import { api, errorInfoOf } from '../api';
import { toast } from '../ui/toasts';
import { activeJobIds } from './jobs';

export async function cancel(ids: string[]): Promise<void> {
  await api.queue.cancel.mutate({ ids }).catch((thrown: unknown) => toast(errorInfoOf(thrown).message));
}

/** Stops what is being made and all that waits. */
export const stop = () => cancel(activeJobIds());
