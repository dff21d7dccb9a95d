// Turns the worker's raw previews into data URLs, one at a time and off the queue's path. Only the newest that waits is kept.
import sharp from 'sharp';
import type { Pixels } from '../../worker/protocol';

export class PreviewEncoder {
  private waiting: { pixels: Pixels; use: (url: string) => void } | null = null;
  private encoding = false;

  /** `use` gets the data URL, unless a newer preview came first. */
  encode(pixels: Pixels, use: (url: string) => void): void {
    this.waiting = { pixels, use };
    if (!this.encoding) void this.drain();
  }

  private async drain(): Promise<void> {
    this.encoding = true;
    for (let next = this.waiting; next; next = this.waiting) {
      this.waiting = null;
      const url = await toDataUrl(next.pixels).catch(() => null);      // a preview that cannot be shown is no reason to stop
      if (url !== null && this.waiting === null) next.use(url);
    }
    this.encoding = false;
  }
}

async function toDataUrl({ width, height, rgb }: Pixels): Promise<string> {
  const webp = await sharp(rgb, { raw: { width, height, channels: 3 } }).webp({ quality: 80, effort: 1 }).toBuffer();
  return `data:image/webp;base64,${webp.toString('base64')}`;
}
