// The second pass of A1111 and Forge: a dozen fields whose names begin with "Hires".
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { asInteger, asNumber, asSize, asText, asWords, compact, type Fields } from './fields';
import { asTitle } from './resources';
import { asSchedule, takeSampler } from './sampling-fields';

/** `final`: the size of the whole where the text is of the time when `Size` meant that. "Use same …" is none of ours and stays. */
export function readHires(left: Fields, strength: number | undefined, final: { width: number; height: number } | undefined): PictureJob['hires'] {
  const sampling = takeSampler(left, 'Hires sampler');
  const hires = compact({
    scale: left.take(asNumber, 'Hires upscale'),
    ...(left.take((value) => { const size = asSize(value); return size && size.width > 0 && size.height > 0 ? size : undefined; }, 'Hires resize') ?? final),
    steps: left.take(asInteger, 'Hires steps'), upscaler: left.take(asWords, 'Hires upscaler'), cfg: left.take(asNumber, 'Hires CFG Scale', 'Hires CFG scale'),
    sampler: sampling?.sampler, schedule: left.take(asSchedule, 'Hires schedule type') ?? sampling?.schedule,
    model: left.take((value) => (/^Use same/i.test(asText(value) ?? '') ? undefined : asTitle(value)), 'Hires checkpoint'),
    prompt: left.take(asWords, 'Hires prompt'), negative: left.take(asWords, 'Hires negative prompt'),
  });
  return Object.keys(hires).length === 0 ? undefined : compact({ ...hires, strength });
}
