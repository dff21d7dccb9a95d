// Easy-Use, which has loaders that are everything at once, and pipes.
import { asNumber, asText } from '../../fields';
import type { Call } from '../call';
import { as, type Value } from '../values';
import { hiresFix, loadsAll, stackPlaces } from './all-in-one';
import { comparisons, operators, sums } from './arithmetic';
import { each, isOn, joinedConditioning, numberOf, passes, says, scalar, slots, text, under, whole, worked, type Made, type Rule, type Rules } from './kit';
import { loraOf, mixes, stackOf, withLoras } from './models';
import { chosenSize, kept, pictureOf, sampled, sidesOf, sizeBy } from './pictures';
import { byFlag, byIndex, letThrough } from './switches';
import { loadsTags } from './tags';
import { conditioningOf, firstText, joinTexts, written } from './text';

/** A picture to begin with comes before latents. */
const presamples: Rule = (call) => {
  const image = as('picture', call.inputs.get('image_to_latent'));
  return image ? kept(call, image) : {};
};

/** Words over those of the pipe, where there are some. */
const edits = (positive: string, negative: string): Rule => (call) => ({ ...edited(call, 'positive', positive), ...edited(call, 'negative', negative) });

function edited(call: Call, role: 'positive' | 'negative', name: string): Made {
  const own = call.inputs.get(role === 'positive' ? 'pos' : 'neg'), words = firstText(call, [name]), old = call.inputs.get('pipe');
  const before = own ?? (old?.kind === 'bundle' ? (old.fields.get(role) ?? old.rest) : old);
  if (own || (words.kind === 'plain' && words.value === '')) return { [role]: before };
  const fresh = conditioningOf(call, words), mode = asText(scalar(call, 'conditioning_mode')) ?? 'replace';
  const between = under({ concat: ' BREAK ', combine: ' AND ' }, mode);
  return { [role]: mode === 'replace' ? fresh : between === undefined ? call.unknown : joinedConditioning(call, [before, fresh], between) };
}

const operates = (finish: (value: number) => number): Rule => says('a b operation', (a, b, how) => {
  const [x, y] = [numberOf(a), numberOf(b)];
  return x === undefined || y === undefined ? undefined : finish(under(operators, how)?.(x, y) ?? NaN);
});

/** A size out of a list, times a number, down to a multiple of 8; and the sides as they are. */
const pixels: Rule = (call) => {
  const size = chosenSize(call, 'resolution', 'width', 'height'), by = call.inputs.get('scale'), isTurned = isOn(scalar(call, 'flip_w/h'));
  const norm = sizeBy(call, size, by, (side, scale) => Math.floor((side * scale) / 8) * 8);
  const exact = sizeBy(call, size, by, (side, scale) => side * scale), all = [norm?.width, norm?.height, exact?.width, exact?.height];
  return slots(...(isTurned ? [all[1], all[0], all[3], all[2]] : all), by);
};

/** `find1` and `replace1`, up to three. */
export const replaces = (name: string, count = 3): Rule => (call) => slots(
  worked(call, [name, ...Array.from({ length: count }, (_, i) => `find${i + 1}? replace${i + 1}?`)].join(' '), (first, ...pairs) => {
    let said = text(first);
    for (let i = 0; i < pairs.length; i += 2) if (text(pairs[i]) !== '') said = said.replaceAll(text(pairs[i]), () => text(pairs[i + 1]));
    return said;
  }),
);

/** Lines of its own; with one line, or one asked for, that one. */
const line: Rule = says('prompt start_index max_rows remove_empty_lines?', (all, from, most, isClean) => {
  const lines = all.split('\n').filter((each) => isClean === 'False' || each.trim() !== '');
  const first = Math.max(0, Math.min(numberOf(from) ?? 0, lines.length - 1)), rows = lines.slice(first, first + (numberOf(most) ?? 0));
  return rows.length === 1 ? rows[0] : undefined;
});

/** Filled in when the graph ran; where there is nothing to fill in, it is what is written. */
const wildcards: Rule = (call) => {
  const words = call.inputs.get('text');
  return slots(words, words?.kind === 'plain' && !/__|[{}<|]/.test(text(words.value)) ? words : call.unknown);
};

const styles: Rule = (call) =>
  text(scalar(call, 'select_styles')) === '' && call.inputs.get('select_styles')?.kind !== 'unknown'
    ? slots(call.inputs.get('positive'), call.inputs.get('negative'))
    : slots(call.unknown, call.unknown);

const chosenLora: Rule = (call) => {
  const i = asNumber(scalar(call, 'select')), isOff = call.inputs.has('toggle') && !isOn(scalar(call, 'toggle'));
  return stackOf(call, i === undefined || isOff ? [] : loraOf(call, `lora_${i}_name`, 'lora_strength'));
};

export const easyUse: Rules = {
  ...each(
    ['easy fullLoader', 'easy a1111Loader', 'easy comfyLoader', 'easy hunyuanDiTLoader', 'easy fluxLoader', 'easy mochiLoader', 'easy pixArtLoader'],
    loadsAll(),
  ),
  'easy kolorsLoader': loadsAll('unet_name'),
  ...each(
    [
      'easy preSampling', 'easy preSamplingAdvanced', 'easy preSamplingDynamicCFG', 'easy preSamplingNoiseIn', 'easy preSamplingCustom',
      'easy preSamplingSdTurbo', 'easy preSamplingLayerDiffusion',
    ],
    presamples,
  ),
  ...each(
    [
      'easy kSampler', 'easy fullkSampler', 'easy kSamplerTiled', 'easy kSamplerSDTurbo', 'easy kSamplerInpainting', 'easy kSamplerDownscaleUnet',
      'easy kSamplerLayerDiffusion', 'easy kSamplerCustom',
    ],
    (call) => sampled(call),
  ),
  ...each(['easy cascadeKSampler', 'easy fullCascadeKSampler', 'easy unSampler', 'easy latentNoisy'], mixes),
  'easy pipeEdit': edits('optional_positive', 'optional_negative'),
  'easy pipeEditPrompt': edits('positive', 'negative'),
  'easy hiresFix': hiresFix('image'),
  'easy anythingIndexSwitch': byIndex('index', 'value{}'),
  'easy textIndexSwitch': byIndex('index', 'text{}'),
  'easy conditioningIndexSwitch': byIndex('index', 'cond{}'),
  'easy imageIndexSwitch': byIndex('index', 'image{}'),
  'easy textSwitch': byIndex('input', 'text{}'),
  'easy imageSwitch': byFlag('boolean', ['image_a', 'image_b']),
  'easy ifElse': byFlag('boolean', ['on_true', 'on_false']),
  'easy if': byFlag('any', ['if', 'else']),
  'easy ab': (call) => (slot) => letThrough(call, 'A or B', slot === 0),
  'easy blocker': (call) => slots(letThrough(call, 'continue', true)),
  ...each(['easy int', 'easy float', 'easy string', 'easy boolean'], passes('value')),
  'easy seed': passes('seed'),
  'easy positive': passes('positive'),
  'easy negative': passes('negative'),
  'easy prompt': passes('text', 'prompt'),
  'easy ckptNames': passes('ckpt_name'),
  'easy loraNames': passes('lora_name'),
  ...each(['easy showAnything', 'easy showAnythingLazy', 'easy cleanGpuUsed', 'easy clearCacheAll', 'easy clearCacheKey'], passes('anything')),
  'easy sleep': passes('any'),
  'easy promptConcat': (call) => slots(joinTexts(call, { names: ['prompt1', 'prompt2'], between: written('separator', '') })),
  'easy promptReplace': replaces('prompt'),
  'easy promptLine': line,
  'easy wildcards': wildcards,
  'easy stylesSelector': styles,
  'easy convertAnything': (call) => {
    const value = call.inputs.get('*'), wanted = asText(scalar(call, 'output_type'));
    return slots(
      value?.kind !== 'plain'
        ? value
        : worked(call, '*', (of) => (wanted === 'string' ? text(of) : wanted === 'int' ? whole(numberOf(of)) : wanted === 'float' ? numberOf(of) : isOn(of))),
    );
  },
  'easy mathInt': operates(Math.floor),
  'easy mathFloat': operates((value) => Math.round(value * 1000) / 1000),
  'easy compare': says('a b comparison', (a, b, how) => under(comparisons, how)?.(numberOf(a) ?? NaN, numberOf(b) ?? NaN)),
  'easy simpleMath': sums('value'),
  'easy simpleMathDual': (call) => {
    const [a, b] = [sums('value1')(call), sums('value2')(call)] as [(slot: number) => Value | undefined, (slot: number) => Value | undefined];
    return slots(a(0), a(1), b(0), b(1));
  },
  'easy pixels': pixels,
  'easy imageSize': (call) => {
    const { width, height } = sidesOf(pictureOf(call), call);
    return slots(width, height);
  },
  'easy loraStack': (call) => stackOf(call, stackPlaces(call)),
  'easy loraSwitcher': chosenLora,
  'easy loraStackApply': (call) => withLoras(call, [], call.inputs.get('lora_stack')),
  'easy loraPromptApply': loadsTags('positive', 'negative'),
};
