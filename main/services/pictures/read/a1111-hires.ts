// The second pass in A1111's form: a dozen fields whose names begin with "Hires", and which each program spells in its own way.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { asInteger, asNumber, asSize, asText, asWords, compact, type Fields, type Parse } from './fields';
import { asTitle } from './resources';
import { asSchedule, takeSampler } from './sampling-fields';

type Size = { width: number; height: number };

/** A side that is 0 is left to the other. */
const asWholeSize: Parse<Size> = (value) => { const size = asSize(value); return size && size.width > 0 && size.height > 0 ? size : undefined; };

/** Where nothing else is said: a name, and no "Use same …". */
const asOwn: Parse<string> = (value) => (/^use same|^none$/i.test(asText(value) ?? '') ? undefined : asWords(value));

/**
 * `final`: the size of the whole where the text is of the time when `Size` meant that. A1111 has `Hires upscale` and `Hires resize`, SD.Next `Hires scale`, `size`,
 * `fixed` and `strength`; in stable-diffusion.cpp `Hires upscale` is a name.
 */
export function readHires(left: Fields, strength: number | undefined, final: Size | undefined): PictureJob['hires'] {
  const sampling = takeSampler(left, 'Hires sampler');
  const hires: NonNullable<PictureJob['hires']> = compact({
    scale: left.take(asNumber, 'Hires upscale', 'Hires scale', 'Hires upscale by'),
    ...(left.take(asWholeSize, 'Hires resize', 'Hires size', 'Hires fixed') ?? final),
    steps: left.take(asInteger, 'Hires steps', 'Hires second pass steps'), upscaler: left.take(asWords, 'Hires upscaler', 'Hires upscale', 'Hires upscale method'), cfg: left.take(asNumber, 'Hires CFG scale', 'Hires CFG'),
    sampler: sampling?.sampler, schedule: left.take(asSchedule, 'Hires schedule type', 'Hires scheduler', 'Hires schedule') ?? sampling?.schedule,
    model: left.take((value) => (asOwn(value) === undefined ? undefined : asTitle(value)), 'Hires checkpoint', 'Hires model'),
    prompt: left.take(asWords, 'Hires prompt'), negative: left.take(asWords, 'Hires negative prompt', 'Hires negative'),
    strength: left.take(asNumber, 'Hires strength', 'Hires denoising strength', 'Hires denoise'),
  });
  return Object.keys(hires).length === 0 ? undefined : compact({ ...hires, strength: hires.strength ?? strength });
}
