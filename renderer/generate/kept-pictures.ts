// Input pictures that nobody uses are put away after a day. Those in the form of an open window are used.
import { useEffect } from 'react';
import { blobUrl } from '../api';
import { useForm } from './form';

const everyMs = 12 * 3_600_000;

export function useKeptPictures(): void {
  useEffect(() => {
    keep();
    const timer = setInterval(keep, everyMs);
    return () => clearInterval(timer);
  }, []);
}

/** To ask for one is to use it. */
function keep(): void {
  const { init, depth, controls, reference } = useForm.getState();
  for (const picture of [init, init?.mask, depth, reference?.picture, ...controls.flatMap((control) => [control.picture, control.mask])]) if (picture) void fetch(blobUrl(picture.hash), { method: 'HEAD', cache: 'no-store' }).catch(() => {});
}
