// Listens to the queue for as long as the window lives. A lost connection is said and tried again; everything is fetched anew when it is back.
import type { QueueEvent } from '../../preload/contract/job';
import { api } from '../api';
import { queryClient, takeUpPicture } from '../queries';
import { toast } from '../ui/toasts';
import { noticeText } from '../i18n';
import { applyEvent, useJobs } from './jobs';

const retryMs = 1500;

/** Returns what ends the listening. */
export function listenToQueue(): () => void {
  let ended = false;
  let attempt = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let subscription: { unsubscribe(): void } | undefined;

  const lost = () => useJobs.setState({ connection: 'lost' });
  const again = (from: number) => {
    if (ended || from !== attempt) return;
    lost();
    clearTimeout(retry);
    retry = setTimeout(connect, retryMs);
  };
  const connect = () => {
    const mine = ++attempt;
    subscription?.unsubscribe();
    subscription = api.queue.events.subscribe(undefined, {
      onData: (event) => void take(event),
      // The stream tries again by itself when the network failed, and ends for good when the server refused.
      onConnectionStateChange: (state) => {
        if (state.state === 'connecting' && state.error) lost();
        if (state.state === 'pending') live();
      },
      onError: () => again(mine), onComplete: () => again(mine),
    });
  };
  connect();
  return () => {
    ended = true;
    clearTimeout(retry);
    subscription?.unsubscribe();
  };
}

function live(): void {
  if (useJobs.getState().connection === 'lost') void queryClient.invalidateQueries();
  useJobs.setState({ connection: 'live' });
}

/** A finished picture's record is fetched before its job goes, so that the stage passes from preview to picture without a gap. */
async function take(event: QueueEvent): Promise<void> {
  if (event.type === 'job' && event.job.state === 'done' && event.job.pictureId) {
    await takeUpPicture(event.job.pictureId).catch(() => queryClient.invalidateQueries({ queryKey: ['library'] }));
  }
  // Said once, when the picture is there: what it was made without.
  // Of comments it was said under the prompt as they were typed.
  if (event.type === 'job' && event.job.state === 'done') for (const remark of event.job.remarks) if (remark.code !== 'comment.leftOut') toast(noticeText(remark), { holdMs: 8000 });
  if (event.type === 'job' && event.job.state === 'done') void queryClient.invalidateQueries({ queryKey: ['estimate'] });
  // Also sent when pictures were found again.
  if (event.type === 'snapshot') void queryClient.invalidateQueries({ queryKey: ['library'] });
  applyEvent(event);
}
