// Detail passes in A1111's text, by the names that ADetailer gives them (adetailer/args.py, extra_params): what is usual is not said, and the second setting's
// names end in " 2nd".
import { MOST_DETAILS, type Detail } from '../../../preload/contract/detail';
import type { JobSpec } from '../../../preload/contract/job';
import type { PictureJob } from '../../../preload/contract/picture-report';
import { type DetailTarget, samplerLabels, scheduleLabels } from '../../../preload/contract/vocabulary';
import { asInteger, asNumber, asText, asWords, compact, type Fields, type Parse } from './read/fields';
import { asSchedule, takeSampler } from './read/sampling-fields';

type Pair = [key: string, value: string | number | null | undefined];

/** The networks by which ADetailer's users know what is looked for. Ours are others. */
const models: Readonly<Record<DetailTarget, string>> = { face: 'face_yolov8n.pt', hand: 'hand_yolov8n.pt', person: 'person_yolov8n-seg.pt' };
const unionLabels: Readonly<Record<Detail['together'], string>> = { none: 'None', merge: 'Merge', invert: 'Merge and Invert' };
/** A setting of the whole program there, which its text does not tell. */
const orderLabels: Readonly<Record<Detail['order'], string>> = { found: 'None', 'left to right': 'Position (left to right)', 'centre to edge': 'Position (center to edge)', area: 'Area (large to small)' };

const suffix = (index: number): string => (index === 0 ? '' : ` ${index + 1}${['nd', 'rd'][index - 1] ?? 'th'}`);

export const detailPairs = ({ details = [] }: JobSpec): Pair[] => details.flatMap((detail, i) => pairsOf(detail).map(([key, value]): Pair => [`ADetailer ${key}${suffix(i)}`, value]));

function pairsOf({ find, prompt, negative, confidence, largest, minRatio, maxRatio, xOffset, yOffset, dilateErode, together, order, blur, strength, area, padding, width, height, steps, cfg, sampler, schedule, clipSkip }: Detail): Pair[] {
  const isPart = area === 'masked', own = (value: unknown): 'True' | null => (value === undefined ? null : 'True');
  return [
    ['model', models[find]], ['prompt', prompt || null], ['negative prompt', negative || null], ['confidence', confidence],
    ['mask only top k largest', largest || null], ['mask min ratio', minRatio || null], ['mask max ratio', maxRatio === 1 ? null : maxRatio], ['x offset', xOffset || null], ['y offset', yOffset || null],
    ['dilate erode', dilateErode], ['mask merge invert', together === 'none' ? null : unionLabels[together]], ['bbox sortby', order === 'found' ? null : orderLabels[order]],
    ['mask blur', blur], ['denoising strength', strength], ['inpaint only masked', isPart ? 'True' : null], ['inpaint padding', isPart ? padding : null],
    ['use inpaint width height', own(width ?? height)], ['inpaint width', width], ['inpaint height', height],
    ['use separate steps', own(steps)], ['steps', steps], ['use separate CFG scale', own(cfg)], ['CFG scale', cfg],
    ['use separate sampler', own(sampler ?? schedule)], ['sampler', sampler && samplerLabels[sampler]], ['scheduler', schedule && scheduleLabels[schedule]],
    ['use separate CLIP skip', own(clipSkip)], ['CLIP skip', clipSkip],
  ];
}

const asTarget: Parse<DetailTarget> = (value) => {
  const name = (asText(value) ?? '').toLowerCase();
  return /^(?:face_|mediapipe_face)/.test(name) ? 'face' : /^hand_/.test(name) ? 'hand' : /^person_/.test(name) ? 'person' : undefined;
};
const labelled = <T extends string>(labels: Readonly<Record<T, string>>): Parse<T> => (value) => (Object.keys(labels) as T[]).find((name) => labels[name] === value);
const asTrue: Parse<true> = (value) => (asText(value) === 'True' ? true : undefined);
/** As ADetailer said it at first. */
const asHundredth: Parse<number> = (value) => { const percent = asNumber(value); return percent === undefined ? undefined : percent / 100; };

/** `isOurs`: networks differ in what they call sure, so another program's confidence stays its own. What looks for other things stays in the text's words. */
export function readDetails(left: Fields, isOurs: boolean): PictureJob['details'] {
  const details: NonNullable<PictureJob['details']> = [];
  for (let index = 0; index < MOST_DETAILS; index++) {
    const end = suffix(index), key = (name: string): string => `ADetailer ${name}${end}`, find = left.take(asTarget, key('model'));
    if (!find) continue;
    const number = (...names: string[]): number | undefined => left.take(asNumber, ...names.map(key)), count = (...names: string[]): number | undefined => left.take(asInteger, ...names.map(key));
    const sampling = takeSampler(left, key('sampler')), isPart = left.take(asTrue, key('inpaint only masked'), key('inpaint full'));
    details.push(compact({
      find, prompt: left.take(asWords, key('prompt')), negative: left.take(asWords, key('negative prompt')),
      confidence: isOurs ? number('confidence') ?? left.take(asHundredth, key('conf')) : undefined,
      largest: count('mask only top k largest', 'mask only top k'), minRatio: number('mask min ratio'), maxRatio: number('mask max ratio'), xOffset: number('x offset'), yOffset: number('y offset'),
      dilateErode: number('dilate erode', 'dilate/erode'), together: left.take(labelled(unionLabels), key('mask merge invert'), key('mask merge/invert')), order: left.take(labelled(orderLabels), key('bbox sortby')),
      blur: number('mask blur'), strength: number('denoising strength'), area: isPart ? 'masked' as const : 'whole' as const, padding: number('inpaint padding'),
      ...(left.take(asTrue, key('use inpaint width height'), key('use inpaint width/height')) && { width: count('inpaint width'), height: count('inpaint height') }),
      ...(left.take(asTrue, key('use separate steps')) && { steps: count('steps') }), ...(left.take(asTrue, key('use separate CFG scale')) && { cfg: number('CFG scale') }),
      ...(left.take(asTrue, key('use separate CLIP skip')) && { clipSkip: count('CLIP skip') }), ...(left.take(asTrue, key('use separate sampler')) && { sampler: sampling?.sampler, schedule: left.take(asSchedule, key('scheduler')) ?? sampling?.schedule }),
    }));
  }
  return details.length > 0 ? details : undefined;
}
