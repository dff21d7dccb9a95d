// What goes wrong in a window, as its page tells it: bounded in number, since a page can fail at every frame.
import type { WindowFault } from '../../../preload/contract/log';
import { framesOf } from '../../engine/traces';
import type { Log } from './log';

const MOST = 20, EACH_MS = 60_000;

/** `now`: in milliseconds. */
export function hearWindow(log: Log, now: () => number = () => performance.now()): (fault: WindowFault) => void {
  let since = -Infinity, heard = 0, unheard = 0;
  return ({ kind, name, stack }) => {
    if (now() - since > EACH_MS) { since = now(); heard = 0; }
    if (++heard > MOST) { unheard++; return; }
    log.error('window.failed', { kind, error: { name, frames: framesOf(stack) }, unheard });
    unheard = 0;
  };
}
