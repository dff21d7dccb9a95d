// All readers, in the order in which a picture is shown to them: who marks its texts comes before who uses another's form.
import type { Reading, Reader, Texts } from './reading';
import { readA1111 } from './a1111';
import { readAtelier } from './atelier';
import { readCivitai } from './civitai';
import { readComfyUi } from './comfy/comfyui';
import { readDrawThings } from './draw-things';
import { readEasyDiffusion } from './easy-diffusion';
import { readFooocus } from './fooocus';
import { readInvokeAi } from './invokeai';
import { readJsonText } from './json-text';
import { readMidjourney } from './midjourney';
import { readMochi } from './mochi';
import { readNovelAi } from './novelai';
import { readStabilityMatrix } from './stability-matrix';
import { readSwarmUi } from './swarmui';
import { readTensorArt } from './tensor-art';

const readers: readonly Reader[] = [
  readAtelier, readInvokeAi, readSwarmUi, readFooocus, readNovelAi, readStabilityMatrix, readTensorArt, readMochi, readA1111, readDrawThings, readEasyDiffusion, readCivitai, readComfyUi, readJsonText, readMidjourney,
];

/** What the first reader says that knows these texts; texts that it has not used are kept with the job. null when none does. Never throws. */
export function readTexts(written: Texts): Reading | null {
  const picture = { ...written, texts: new Map([...written.texts].map(([key, text]): [string, string] => [/^parameters$/i.test(key) ? 'parameters' : key, clean(text)])) };
  for (const read of readers) {
    const reading = read(picture);
    if (!reading) continue;
    const { job } = reading, others = [...picture.texts].filter(([key]) => !reading.used.includes(key) && !key.startsWith('xmp'));
    const prompts = reading.source === 'atelier' ? {} : { prompt: clean(job.prompt), negative: clean(job.negative) };
    return { ...reading, job: { ...job, ...prompts, extra: { ...Object.fromEntries(others), ...job.extra } } };
  }
  return null;
}

/** Some fill up with NUL, or begin with it. */
const clean = (text: string): string => text.replaceAll('\0', '').replace(/^\ufeff/, '');
