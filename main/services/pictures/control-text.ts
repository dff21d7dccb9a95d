// Controls in A1111's text, as sd-webui-controlnet writes them (internal_controlnet/args.py, serialize): one `ControlNet N` for each, without its picture.
import { Control, type Reference } from '../../../preload/contract/control';
import type { JobSpec, NamedFile } from '../../../preload/contract/job';
import type { PictureJob } from '../../../preload/contract/picture-report';
import { findPreprocessor, preprocessorOf, RESOLUTION, type PreprocessorUse } from '../../../preload/contract/preprocessors';
import { asNumber, asText, compact, Fields, type Parse } from './read/fields';
import { asTitle } from './read/resources';

const modes: Readonly<Record<Control['mode'], string>> = { balanced: 'Balanced', prompt: 'My prompt is more important', control: 'ControlNet is more important' };
const resizes: Readonly<Record<Control['resize'], string>> = { crop: 'Crop and Resize', fill: 'Resize and Fill', stretch: 'Just Resize' };
/** As earlier versions said it. */
const resizesBefore: Readonly<Record<string, Control['resize']>> = { 'Inner Fit (Scale to Fit)': 'crop', 'Scale to Fit (Inner Fit)': 'crop', 'Outer Fit (Shrink to Fit)': 'fill', 'Envelope (Outer Fit)': 'fill' };

export const controlPairs = ({ controls = [], reference, files }: JobSpec): [key: string, value: string][] =>
  [...controls.map((control, i) => textOf(control, files.controls![i]!)), ...(reference ? [referenceText(reference)] : [])].map((text, i) => [`ControlNet ${i}`, text]);

/** There it is a control without a model. */
const referenceText = ({ mode, weight, fidelity, start, end, resize }: Reference): string => [
  `Module: ${mode}`, 'Model: None', `Weight: ${weight}`, `Resize Mode: ${resizes[resize]}`, `Processor Res: ${RESOLUTION.value}`, `Threshold A: ${fidelity}`, 'Threshold B: -1',
  `Guidance Start: ${start}`, `Guidance End: ${end}`, 'Pixel Perfect: False', `Control Mode: ${modes.balanced}`,
].join(', ');

function textOf({ weight, start, end, mode, resize, preprocessor }: Control, { name, hash }: NamedFile): string {
  const use: PreprocessorUse | undefined = preprocessor, [a = -1, b = -1] = preprocessor ? preprocessorOf(preprocessor.name).settings.map((setting) => use?.[setting.name] ?? setting.value) : [];
  return [
    `Module: ${preprocessor?.name ?? (isImageAdapter(name) ? 'ip-adapter-auto' : 'none')}`, `Model: ${name.replace(/[,:]/g, '')}${hash ? ` [${hash.slice(0, 8)}]` : ''}`, `Weight: ${weight}`, `Resize Mode: ${resizes[resize]}`,
    `Processor Res: ${preprocessor?.resolution ?? RESOLUTION.value}`, `Threshold A: ${a}`, `Threshold B: ${b}`, `Guidance Start: ${start}`, `Guidance End: ${end}`,
    `Pixel Perfect: ${preprocessor && preprocessor.resolution === undefined ? 'True' : 'False'}`, `Control Mode: ${modes[mode]}`,
  ].join(', ');
}

/** There the way to read a picture for an IP-Adapter is a module too. */
const isImageAdapter = (name: string): boolean => /ip-?adapter/i.test(name);

const labelled = <T extends string>(labels: Readonly<Record<T, string>>): Parse<T> => (value) => (Object.keys(labels) as T[]).find((name) => labels[name] === value);
const asResize: Parse<Control['resize']> = (value) => labelled(resizes)(value) ?? resizesBefore[asText(value) ?? ''];

/** What a preprocessor of ours does is told; another's text, and one without a model, stay in its words. */
export function readControls(left: Fields): PictureJob['controls'] {
  const keys = left.keys().filter((key) => /^ControlNet \d{1,2}$/.test(key));
  const controls = keys.flatMap((key) => {
    const control = left.peek(asControl, key);
    if (control) left.take(asText, key);
    return control ? [control] : [];
  });
  return controls.length > 0 ? controls : undefined;
}

const asControl: Parse<NonNullable<PictureJob['controls']>[number]> = (value) => {
  const pairs = (asText(value) ?? '').split(',').map((pair) => /^\s*([^:]+):\s*(.*?)\s*$/.exec(pair)).flatMap((match): [string, string][] => (match ? [[match[1]!, match[2]!]] : []));
  const fields = new Fields(pairs), module = fields.take(asText, 'Module') ?? 'none', model = fields.take(asTitle, 'Model'), name = isImageAdapter(module) ? 'none' : findPreprocessor(module);
  if (!model || !name) return undefined;
  const isPerfect = fields.take(asText, 'Pixel Perfect') === 'True', resolution = fields.take(asNumber, 'Processor Res'), { settings, scaled } = preprocessorOf(name);
  const thresholds = ['Threshold A', 'Threshold B'].map((key) => fields.take(asNumber, key));
  const control = compact({
    model, weight: fields.take(asNumber, 'Weight'), start: fields.take(asNumber, 'Guidance Start'), end: fields.take(asNumber, 'Guidance End'),
    mode: fields.take(labelled(modes), 'Control Mode'), resize: fields.take(asResize, 'Resize Mode'),
    ...(name !== 'none' && {
      preprocessor: { name, ...(scaled && !isPerfect && resolution !== undefined && resolution > 0 && { resolution }), ...Object.fromEntries(settings.flatMap((setting, i) => {
        const given = thresholds[i];
        return given === undefined || given < setting.min || given > setting.max ? [] : [[setting.name, given]];
      })) },
    }),
  });
  return Control.partial().safeParse(control).success ? control : undefined;
};
