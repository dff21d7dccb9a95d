// A small picture with a disk, lines, a bar, slopes and grain, drawn by whole numbers so that any program draws the same.
import type { Picture } from '../../main/engine/vision/picture';

export function scene(width: number, height: number): Picture {
  const rgb = new Uint8Array(3 * width * height);
  let state = 7;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      const grain = (state >> 16) % 20 - 10;
      const colour = (2 * x - width) ** 2 + (2 * y - height) ** 2 < Math.floor(height * height / 3) ? [200, 40, 30]
        : x === 5 || y === height - 6 || (x + y) % 23 === 0 ? [10, 12, 20] : x > width - 9 ? [30, 90, 210] : [225, 220, 200 - y];
      rgb.set(colour.map((value) => Math.max(0, Math.min(255, value + grain))), at);
    }
  }
  return { width, height, rgb };
}
