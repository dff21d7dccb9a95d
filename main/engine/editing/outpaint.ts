// New ground around a picture: what it begins as, its mask, and the seam that is gone over once more.
import { Inpaint, type Outpaint } from '../../../preload/contract/editing';
import { float32, type Tensor } from '../tensor';
import { fillFromAround } from './infill';
import { shapeMask } from './mask';
import { opaque, toEighths, type Canvas } from './repaint';

/** On the larger canvas the picture's own pixels, and around them its colours, ever softer away from the edge, as A1111 fills what is masked. */
export function extendCanvas({ picture }: Canvas, margins: Outpaint): Canvas {
  const [, channels, height, width] = picture.dims as [number, number, number, number], ground = groundMask(width, height, margins);
  const [, , rows, columns] = ground.dims as [number, number, number, number], size = rows * columns, shown = float32([1, 3, rows, columns]), out = float32([1, channels, rows, columns]);
  place(shown, opaque(picture), margins);
  out.data.set(toEighths(fillFromAround(shown, ground)).data);
  if (channels === 4) out.data.fill(1, 3 * size);
  place(out, picture, margins);
  return { picture: out, mask: shapeMask(ground, { invert: false, grow: Math.floor(margins.overlap / 2), blur: 0 }) };
}

/** How the new ground is repainted: as the job says, and from its colours where it says no more. */
export const outpaintSettings = ({ overlap }: Outpaint, settings: Inpaint = Inpaint.parse({})): Inpaint =>
  ({ ...settings, invert: false, blur: settings.blur || overlap / 5, fill: settings.fill === 'fill' ? 'original' : settings.fill });

/** Along the edge between the picture and the new ground, so far into each as both go over into the other. */
export function seamCanvas(picture: Tensor, margins: Outpaint): Canvas {
  const [, , rows, columns] = picture.dims as [number, number, number, number], { left, right, top, bottom, overlap } = margins;
  const ground = groundMask(columns - left - right, rows - top - bottom, margins), plain = { invert: false, blur: 0 };
  const wide = shapeMask(ground, { ...plain, grow: Math.floor(overlap / 2) }), inner = shapeMask(ground, { ...plain, grow: -Math.ceil(1.5 * overlap) });
  return { picture, mask: float32(wide.dims, wide.data.map((value, i) => value - inner.data[i]!)) };
}

/** [1, 1, H, W] of the larger canvas: 1 where the picture is not. */
function groundMask(width: number, height: number, { left, right, top, bottom }: Outpaint): Tensor {
  const columns = left + width + right, mask = float32([1, 1, top + height + bottom, columns]);
  mask.data.fill(1);
  for (let y = top; y < top + height; y++) mask.data.fill(0, y * columns + left, y * columns + left + width);
  return mask;
}

function place(onto: Tensor, picture: Tensor, { left, top }: Outpaint): void {
  const [, channels, height, width] = picture.dims as [number, number, number, number], [, , rows, columns] = onto.dims as [number, number, number, number];
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) onto.data.set(picture.data.subarray((c * height + y) * width, (c * height + y + 1) * width), (c * rows + top + y) * columns + left);
  }
}
