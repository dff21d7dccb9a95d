// What a control's network reads, made of the picture that is given: by its preprocessor, at the job's size, in sd-webui-controlnet's order (scripts/controlnet.py,
// get_input_data and detectmap_proc): made at the resolution that suits the size, then brought to its shape.
import type { Control } from '../../../preload/contract/control';
import type { Part } from '../editing/repaint';
import { resample } from '../editing/resample';
import { float32, type Tensor } from '../tensor';
import type { Picture } from './picture';
import { pixelPerfect, preprocess, type Seen } from './preprocessors';
import { resizeMap, roundEven } from './resize';

interface Size { readonly width: number; readonly height: number }
interface Making { readonly preprocessor?: Control['preprocessor']; readonly resize: Control['resize'] }

/** As people see it. Throws request.invalid where the resolution makes too large a picture. */
export function controlPixels(picture: Picture, { preprocessor, resize }: Making, size: Size, seen?: Seen): Picture {
  const made = preprocessor ? preprocess(picture, preprocessor, pixelPerfect(picture, size, resize === 'fill'), seen) : picture;
  return brought(made, size, resize);
}

/** → [1, 3, height, width] in 0…1. Throws as `controlPixels`. */
export function controlPicture(picture: Picture, making: Making, size: Size, seen?: Seen): Tensor {
  const { rgb } = controlPixels(picture, making, size, seen), pixels = size.width * size.height, out = float32([1, 3, size.height, size.width]);
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) out.data[c * pixels + i] = rgb[3 * i + c]! / 255;
  return out;
}

/** Of the picture, brought to the shape of one that is repainted, the part that the model is shown: A1111 crops it by the same rectangle. */
export function partOf(picture: Picture, resize: Control['resize'], { region: { left, top, right, bottom }, ...size }: Part): Picture {
  const whole = brought(picture, size, resize), width = right - left, height = bottom - top, rgb = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) { const start = 3 * ((top + y) * whole.width + left); rgb.set(whole.rgb.subarray(start, start + 3 * width), 3 * y * width); }
  return { width, height, rgb };
}

/** The middle of the picture as transformers' CLIPImageProcessor brings it to an image tower: by bicubic resizing without aliases → [1, 3, height, width] in 0…1. */
export function middleOf({ width, height, rgb }: Picture, _: Making, size: Size): Tensor {
  const whole = float32([1, 3, height, width]), k = Math.max(size.width / width, size.height / height), pixels = width * height;
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) whole.data[c * pixels + i] = rgb[3 * i + c]! / 255;
  const rows = Math.max(size.height, Math.trunc(height * k)), columns = Math.max(size.width, Math.trunc(width * k)), scaled = resample(whole, rows, columns, 'bicubic-antialiased');
  const top = Math.floor((rows - size.height) / 2), left = Math.floor((columns - size.width) / 2), out = float32([1, 3, size.height, size.width]);
  for (let c = 0, at = 0; c < 3; c++) for (let y = 0; y < size.height; y++) for (let x = 0; x < size.width; x++) out.data[at++] = Math.min(1, Math.max(0, scaled.data[(c * rows + top + y) * columns + left + x]!));
  return out;
}

/** As 'Just Resize', 'Resize and Fill' around which the median of the border lies, or 'Crop and Resize'. */
function brought(picture: Picture, size: Size, resize: Control['resize']): Picture {
  if (resize === 'stretch') return resizeMap(picture, size);
  const across = size.width / picture.width, down = size.height / picture.height, k = resize === 'fill' ? Math.min(across, down) : Math.max(across, down);
  const scaled = resizeMap(picture, { width: Math.max(1, roundEven(picture.width * k)), height: Math.max(1, roundEven(picture.height * k)) });
  const ground = new Uint8Array(3 * size.width * size.height), colour = borderColour(picture);
  for (let i = 0; i < ground.length; i++) ground[i] = colour[i % 3]!;
  const [left, right] = [Math.floor((size.width - scaled.width) / 2), Math.floor((scaled.width - size.width) / 2)], [top, bottom] = [Math.floor((size.height - scaled.height) / 2), Math.floor((scaled.height - size.height) / 2)];
  const to = { x: Math.max(0, left), y: Math.max(0, top) }, from = { x: Math.max(0, right), y: Math.max(0, bottom) }, columns = Math.min(size.width, scaled.width), rows = Math.min(size.height, scaled.height);
  for (let y = 0; y < rows; y++) {
    const start = 3 * ((from.y + y) * scaled.width + from.x);
    ground.set(scaled.rgb.subarray(start, start + 3 * columns), 3 * ((to.y + y) * size.width + to.x));
  }
  return { ...size, rgb: ground };
}

/** The median of each channel along the four sides, corners counted twice. */
function borderColour({ width, height, rgb }: Picture): number[] {
  const at = (x: number, y: number): number => y * width + x;
  const pixels = [...Array.from({ length: width }, (_, x) => [at(x, 0), at(x, height - 1)]), ...Array.from({ length: height }, (_, y) => [at(0, y), at(width - 1, y)])].flat();
  return [0, 1, 2].map((c) => {
    const values = pixels.map((pixel) => rgb[3 * pixel + c]!).sort((a, b) => a - b), middle = values.length / 2;
    return Math.floor((values[middle - 1]! + values[middle]!) / 2);
  });
}
