// What of the form's settings holds beside the others, and how large the passes are that come of it.
import type { FormValues } from './form';

interface Size { width: number; height: number }

/** New ground needs a picture to lie around. */
export const outpaintOf = ({ init, outpaint }: Pick<FormValues, 'init' | 'outpaint'>): FormValues['outpaint'] => (init ? outpaint : null);

/** A part is repainted at the size that it has, and so is new ground. */
export const hiresOf = ({ hires, ...form }: Pick<FormValues, 'init' | 'outpaint' | 'hires'>): FormValues['hires'] => (form.init?.mask || outpaintOf(form) ? null : hires);

/** Of the first pass. With new ground the picture decides, up to the next multiples of 8. */
export function firstSize({ width, height, ...form }: Pick<FormValues, 'width' | 'height' | 'init' | 'outpaint'>): Size {
  const ground = outpaintOf(form), whole = (side: number): number => Math.min(4096, Math.ceil(side / 8) * 8);
  if (!form.init || !ground) return { width, height };
  return { width: whole(form.init.width + ground.left + ground.right), height: whole(form.init.height + ground.top + ground.bottom) };
}

/** Of the second, larger one. */
export function secondSize({ width, height }: Size, { scale = 2, ...own }: NonNullable<FormValues['hires']>): Size {
  const whole = (side: number): number => Math.floor(side / 8) * 8;
  return own.width && own.height ? { width: whole(own.width), height: whole(own.height) } : { width: whole(width * scale), height: whole(height * scale) };
}
