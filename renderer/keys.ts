// Keys that work anywhere in the window: Ctrl or Cmd with Enter makes pictures, Escape twice stops.
import { useEffect } from 'react';
import { generate } from './generate/request';
import { t } from './i18n';
import { stop } from './queue/cancel';
import { isBusy } from './queue/jobs';
import { toast } from './ui/toasts';

/** Work is not lost to one slip: the first Escape asks, a second within this time stops. */
const armedMs = 2500;

export function useKeys(): void {
  useEffect(() => {
    let armedUntil = 0;
    let unask: (() => void) | undefined;
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.repeat) {
        event.preventDefault();
        void generate();
      }
      // A menu or sheet that closed on this Escape has taken it.
      if (event.key !== 'Escape' || event.defaultPrevented || event.repeat || !isBusy()) return;
      unask?.();
      if (Date.now() < armedUntil) {
        armedUntil = 0;
        void stop();
      } else {
        armedUntil = Date.now() + armedMs;
        unask = toast(t('keys.escapeAgain'), { holdMs: armedMs });
      }
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);
}
