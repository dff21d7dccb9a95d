// From a sampler's model back to its file: the LoRAs on the way, and what its answers mean; and from a text encoder back to the layers that are left out.
import type { PictureJob } from '../../../../../preload/contract/picture-report';
import { asNumber, asText, type Parse } from '../fields';
import { stem } from '../../../models/which-model';
import { asModelName, namedModel } from '../resources';
import type { Taken } from './taken';
import { as, type Lora, type Model, type Value } from './values';

export interface ModelPath {
  readonly model?: PictureJob['model'];
  readonly loras: PictureJob['loras'];
  readonly prediction?: 'eps' | 'v';
  readonly cfgRescale?: number;
}

/** More than anybody applies. */
const MOST_STEPS = 500;

/** From the last step to the file. */
function steps(value: Value | undefined): Model[] {
  const found: Model[] = [];
  for (let at = as('model', value); at && found.length < MOST_STEPS; at = as('model', at.before)) found.push(at);
  return found;
}

/** `field` is whose model it is. What of a model is not known counts as `field`. */
export function readModel(taken: Taken, value: Value | undefined, field = 'model'): PictureJob['model'] {
  const path = steps(value), last = path.at(-1), name = last && taken.take(field, last.file, asModelName);
  for (const { doubt } of path) if (doubt) taken.miss(field, doubt);
  const end = last ? last.before : value;
  if (name === undefined && end?.kind === 'unknown') taken.miss(field, end.node);
  return name === undefined ? undefined : namedModel(name);
}

export function readModelPath(taken: Taken, value: Value | undefined): ModelPath {
  let prediction: ModelPath['prediction'], cfgRescale: number | undefined;
  const loras: PictureJob['loras'] = [];
  for (const step of steps(value)) {
    loras.unshift(...[...stacked(step.stack), ...(step.loras ?? [])].flatMap((lora) => readLora(taken, lora)));
    prediction ??= taken.take('prediction', step.prediction, asPrediction);
    cfgRescale ??= taken.take('cfgRescale', step.rescale, asNumber);
  }
  return { model: readModel(taken, value), loras, prediction, cfgRescale };
}

const asPrediction: Parse<'eps' | 'v'> = (value) => (value === 'v_prediction' ? 'v' : value === 'eps' ? 'eps' : undefined);

/** A list's own LoRAs stand behind those of the list that came into it. */
function stacked(stack: Value | undefined): Lora[] {
  const found: Lora[] = [];
  let count = 0;
  for (let at = as('loras', stack); at && count < MOST_STEPS; at = as('loras', at.before), count++) found.unshift(...at.loras);
  return stack?.kind === 'unknown' ? [{ name: stack }] : found;
}

function readLora(taken: Taken, { name, weight, textWeight }: Lora): PictureJob['loras'] {
  const file = taken.take('loras', name, asText), unet = weight === undefined ? 1 : taken.take('loras', weight, asNumber);
  const text = textWeight === undefined ? unet : taken.take('loras', textWeight, asNumber);
  return file === undefined || unet === undefined ? [] : [{ name: stem(file), weight: unet, ...(text !== undefined && text !== unet && { textWeight: text }) }];
}

const asLayers: Parse<number> = (value) => {
  const number = asNumber(value);
  return number !== undefined && number < 0 ? -number : undefined;
};

/** The layer that is nearest to the words counts. */
export function readClipSkip(taken: Taken, conditioning: Value | undefined): number | undefined {
  let count = 0;
  for (let at = as('clip', as('conditioning', conditioning)?.clip); at && count < MOST_STEPS; at = as('clip', at.before), count++) {
    const layers = taken.take('clipSkip', at.skip, asLayers);
    if (layers !== undefined) return layers;
  }
  return undefined;
}
