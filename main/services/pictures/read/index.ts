// All readers, in the order in which a picture is shown to them: who marks its texts comes before who uses another's form.
import type { Reading, Reader, Texts } from './reading';
import { readA1111 } from './a1111';
import { readAtelier } from './atelier';
import { readComfyUi } from './comfyui';
import { readDrawThings } from './draw-things';
import { readEasyDiffusion } from './easy-diffusion';
import { readFooocus } from './fooocus';
import { readInvokeAi } from './invokeai';
import { readNovelAi } from './novelai';

const readers: readonly Reader[] = [readAtelier, readInvokeAi, readFooocus, readNovelAi, readA1111, readDrawThings, readEasyDiffusion, readComfyUi];

/** What the first reader says that knows these texts; texts that it has not used are kept with the job. null when none does. Never throws. */
export function readTexts(picture: Texts): Reading | null {
  for (const read of readers) {
    const reading = read(picture);
    if (!reading) continue;
    const others = [...picture.texts].filter(([key]) => !reading.used.includes(key) && key !== 'xmp');
    return { ...reading, job: { ...reading.job, extra: { ...Object.fromEntries(others), ...reading.job.extra } } };
  }
  return null;
}
