// Whole jobs on the engine alone, with models and pictures opened anew: nothing is left from another run.
import type { Lora } from '../../main/engine/adapters/lora';
import { generate, type StepReport } from '../../main/engine/pipeline/generate';
import { composeModel, type Model } from '../../main/engine/pipeline/model';
import type { PassState } from '../../main/engine/pipeline/pass-state';
import type { Inputs } from '../../main/engine/pipeline/passes';
import type { Runtime } from '../../main/engine/pipeline/runtime';
import type { Tensor } from '../../main/engine/tensor';
import { Tokenizer } from '../../main/engine/text/tokenizer';
import { openWeightFile } from '../../main/files/weight-file';
import { readCanvas, readGreyPicture, readInitPicture } from '../../main/worker/init-picture';
import { ortRuntime } from '../../main/worker/ort-runtime';
import { clipMerges } from '../../main/worker/tokenizer-vocabulary';
import type { JobSpec } from '../../preload/contract/job';

/** Paths. */
export interface JobFiles { readonly model: string; readonly refiner?: string; readonly init?: string; readonly mask?: string }

interface Options {
  /** Of the job's, in their order. */
  readonly loras?: readonly Lora[];
  readonly resume?: PassState;
  readonly runtime?: Runtime;
  readonly signal?: AbortSignal;
  readonly onStep?: (report: StepReport) => void | Promise<void>;
  /** Looks at what is open when the job has ended, in whatever way. */
  readonly afterwards?: () => void;
}

/** Two of what is looked for, wherever that is, but no person. */
const find: Inputs['find'] = (target) => Promise.resolve(target === 'person' ? [] : [{ box: { x: 8, y: 6, width: 20, height: 24 }, score: 0.9 }, { box: { x: 34, y: 30, width: 22, height: 18 }, score: 0.8 }]);

/** The picture before it is rounded to 8 bits. */
export async function runWholeJob(job: JobSpec, files: JobFiles, { loras = [], resume, runtime = ortRuntime({ threads: 1 }), signal = new AbortController().signal, onStep = () => {}, afterwards }: Options = {}): Promise<Tensor> {
  const open = async (path: string): Promise<Model> => {
    const file = await openWeightFile(path);
    return composeModel({ unet: file, text: file, vae: file }, runtime);
  };
  const { width, height, inpaint, outpaint } = job, { init, mask } = files;
  const model = await open(files.model), refiner = files.refiner === undefined ? undefined : await open(files.refiner);
  const inputs: Inputs = init && (outpaint || (inpaint && mask)) ? { refiner, find, loras, canvas: await readCanvas({ init, mask }, !outpaint && inpaint?.area === 'whole' ? { width, height } : undefined) } : {
    refiner, find, loras, init: files.init === undefined ? undefined : await readInitPicture(files.init, width, height),
    mask: files.mask === undefined ? undefined : await readGreyPicture(files.mask, width, height),
  };
  try {
    return (await generate(job, model, inputs, { vocabulary: new Tokenizer(await clipMerges()), now: () => 0, signal, onPhase: () => {}, onStep, resume })).image;
  } finally {
    afterwards?.();
    await Promise.all([model.close(), refiner?.close()]);
  }
}
