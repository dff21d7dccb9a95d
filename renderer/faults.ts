// What goes wrong in this window and nobody catches, told to the studio's log: what and where, not in whose words.
import type { WindowFault } from '../preload/contract/log';
import { api } from './api';

/** Of one page: one that fails at every frame says no more after these. */
const MOST = 20;
const MOST_STACK = 10_000;
let told = 0;

export function tellFault(kind: WindowFault['kind'], thrown: unknown): void {
  if (++told > MOST) return;
  const { name = 'Thrown', message = '', stack = '' } = thrown instanceof Error ? thrown : {};
  const frames = message && stack.includes(message) ? stack.slice(stack.indexOf(message) + message.length) : stack;
  void api.windowFailed.mutate({ kind, name: name.slice(0, 100), stack: frames.slice(0, MOST_STACK) }).catch(() => {});      // a studio that is not there has no log either
}

export function listenForFaults(): void {
  addEventListener('error', ({ error }) => tellFault('error', error));
  addEventListener('unhandledrejection', ({ reason }) => tellFault('rejection', reason));
}
