// Canny's edges, pixel for pixel those of cv2.Canny(picture, low, high): aperture 3, L1 norm.
import { sobel, type Gradients } from '../filters';
import { grey, planeOf, type Picture } from '../picture';

/** tan 22.5° in 15 bits, as OpenCV compares directions. */
const TAN_22 = 13573, ONE = 1 << 15;

/** 0 is no edge; a weak one counts if it hangs on a strong one. */
const WEAK = 1, STRONG = 2;

/** White edges on black. `low`, `high`: of |dx| + |dy|, 0…2040; in the other order they change places. */
export function canny(picture: Picture, low: number, high: number): Picture {
  const { width, height } = picture;
  const map = thin(strongest(sobel(planeOf(picture)), width * height), width, height, Math.floor(Math.min(low, high)), Math.floor(Math.max(low, high)));
  follow(map, width, height);
  return grey(width, height, (i) => (map[i] === STRONG ? 255 : 0));
}

/** Of each pixel the gradient of the channel in which it is largest, the first of equals. */
function strongest({ dx, dy }: Gradients, size: number): Gradients {
  const out = { dx: new Float32Array(size), dy: new Float32Array(size) };
  for (let i = 0; i < size; i++) {
    let best = 3 * i;
    for (let c = 3 * i + 1; c < 3 * i + 3; c++) if (Math.abs(dx[c]!) + Math.abs(dy[c]!) > Math.abs(dx[best]!) + Math.abs(dy[best]!)) best = c;
    out.dx[i] = dx[best]!;
    out.dy[i] = dy[best]!;
  }
  return out;
}

/** Only what is larger than its neighbours across the edge stays; outside of the picture there is nothing. Of two equals on an upright or level edge, the first. */
function thin({ dx, dy }: Gradients, width: number, height: number, low: number, high: number): Uint8Array {
  const map = new Uint8Array(width * height), stride = width + 2, size = new Float32Array(stride * (height + 2));
  for (let y = 0, i = 0; y < height; y++) for (let x = 0; x < width; x++, i++) size[(y + 1) * stride + x + 1] = Math.abs(dx[i]!) + Math.abs(dy[i]!);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = (y + 1) * stride + x + 1, m = size[at]!;
      if (m <= low) continue;
      const ax = Math.abs(dx[i]!), ay = Math.abs(dy[i]!) * ONE;
      const slant = (dx[i]! < 0) !== (dy[i]! < 0) ? -1 : 1;
      const peak = ay < ax * TAN_22 ? m > size[at - 1]! && m >= size[at + 1]!
        : ay > ax * (TAN_22 + 2 * ONE) ? m > size[at - stride]! && m >= size[at + stride]!
          : m > size[at - stride - slant]! && m > size[at + stride + slant]!;
      if (peak) map[i] = m > high ? STRONG : WEAK;
    }
  }
  return map;
}

/** Weak pixels beside strong ones are strong. */
function follow(map: Uint8Array, width: number, height: number): void {
  const stack: number[] = [];
  for (let i = 0; i < map.length; i++) if (map[i] === STRONG) stack.push(i);
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const x = at % width, y = (at - x) / width;
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        const next = v * width + u;
        if (map[next] !== WEAK) continue;
        map[next] = STRONG;
        stack.push(next);
      }
    }
  }
}
