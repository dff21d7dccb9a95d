// Efficiency nodes.
import { asText } from '../../fields';
import { evaluateExpression } from '../expression';
import { as, type Value } from '../values';
import { loadsAll } from './all-in-one';
import { each, isOn, numberOf, passes, scalar, slots, text, whole, worked, type Rule, type Rules } from './kit';
import { lorasIn, mixes, stackOf } from './models';
import { inEighths, pictureOf, renamed, resized, sampled, sizeBy } from './pictures';

const stacker: Rule = (call) => {
  const isSimple = scalar(call, 'input_mode') === 'simple';
  return stackOf(
    call,
    lorasIn(call, {
      name: 'lora_name_{}',
      strength: isSimple ? 'lora_wt_{}' : 'model_str_{}',
      textStrength: isSimple ? 'lora_wt_{}' : 'clip_str_{}',
      count: 'lora_count',
    }),
  );
};

const script: Rule = (call) => {
  const input = (name: string): Value | undefined => call.inputs.get(name), model = text(scalar(call, 'hires_ckpt_name'));
  return {
    script: {
      kind: 'script',
      scale: input('upscale_by'),
      steps: input('hires_steps'),
      denoise: input('denoise'),
      upscaler: input(asText(scalar(call, 'upscale_type')) === 'pixel' ? 'pixel_upscaler' : 'latent_upscaler'),
      model: model === '' || model === '(use same)' ? undefined : input('hires_ckpt_name'),
    },
  };
};

/** Other scripts of the chain stand before or behind the second pass. */
const otherScript: Rule = (call) => {
  const before = as('script', call.inputs.get('script'));
  return { script: before ?? { kind: 'script' } };
};

const baseFields = { model: 'base_model', clip: 'base_clip', positive: 'base_positive', negative: 'base_negative' };

const loadsSdxl: Rule = (call) => {
  const base = loadsAll('base_ckpt_name', 'base_clip_skip')(call) as Record<string, Value | undefined>;
  const refiner = text(scalar(call, 'refiner_ckpt_name'));
  return {
    ...base,
    ...Object.fromEntries(Object.entries(baseFields).map(([field, name]) => [name, base[field]])),
    ...(refiner !== '' && refiner !== 'None' && { refiner_model: { kind: 'model', file: call.inputs.get('refiner_ckpt_name') } }),
  };
};

const samplesSdxl: Rule = (call) => sampled(
  call,
  renamed(call.fields, baseFields),
  call.fields.has('refiner_model') ? { refiner: { model: call.fields.get('refiner_model'), at: call.inputs.get('refine_at_step') } } : {},
);

const evaluates: Rule = (call) => {
  const value = worked(call, 'python_expression a? b? c?', (source, ...values) =>
    evaluateExpression(text(source), (name) => {
      const at = ['a', 'b', 'c'].indexOf(name);
      return at < 0 ? undefined : numberOf(values[at] ?? 0);
    }),
  );
  return slots(
    value.kind === 'plain' ? { ...value, value: whole(numberOf(value.value)) ?? 0 } : value,
    value,
    value.kind === 'plain' ? { ...value, value: text(value.value) } : value,
  );
};

export const efficiency: Rules = {
  'Efficient Loader': loadsAll(),
  'Eff. Loader SDXL': loadsSdxl,
  ...each(['KSampler (Efficient)', 'KSampler Adv. (Efficient)'], (call) => sampled(call)),
  'KSampler SDXL (Eff.)': samplesSdxl,
  'LoRA Stacker': stacker,
  'HighRes-Fix Script': script,
  ...each(['Noise Control Script', 'Tiled Upscaler Script', 'XY Plot'], otherScript),
  ...each(['Evaluate Integers', 'Evaluate Floats'], evaluates),
  'Evaluate Strings': mixes,
  LatentUpscaler: (call) => {
    const by = call.inputs.get('scale_factor');
    return resized(call, { by, method: call.inputs.get('latent_ver') }, sizeBy(call, pictureOf(call)?.size, by, inEighths));
  },
  NNLatentUpscale: (call) => {
    const by = call.inputs.get('upscale');
    return resized(call, { by, method: call.inputs.get('version') }, sizeBy(call, pictureOf(call)?.size, by, inEighths));
  },
};

export const imageSaver: Rules = {
  'Seed Generator (Image Saver)': (call) => slots(
    call.inputs.has('increment') && scalar(call, 'increment') !== 0
      ? worked(call, 'seed increment', (seed, by) => {
          const [a, b] = [numberOf(seed), numberOf(by)];
          return a === undefined || b === undefined || !Number.isSafeInteger(a + b) ? undefined : a + b;
        })
      : call.inputs.get('seed'),
  ),
  'Seed Generator': passes('seed'),
  ...each(['String Literal (Image Saver)', 'String Literal'], passes('string')),
  ...each(['Int Literal (Image Saver)', 'Int Literal'], passes('int')),
  ...each(['Float Literal (Image Saver)', 'Float Literal'], passes('float')),
  ...each(['Cfg Literal (Image Saver)', 'Cfg Literal'], passes('cfg', 'float')),
  ...each(['Width/Height Literal (Image Saver)', 'Width/Height Literal'], passes('size', 'int')),
  'Any to String (Image Saver)': (call) => slots(worked(call, 'value', (value) => text(value))),
  ...each(['Sampler Selector (Image Saver)', 'Sampler Selector'], (call) => slots(call.inputs.get('sampler_name'), call.inputs.get('sampler_name'))),
  ...each(
    [
      'Scheduler Selector (Image Saver)', 'Scheduler Selector', 'Scheduler Selector (Eff.) (Image Saver)',
      'Scheduler Selector (inspire) (Image Saver)', 'Scheduler Selector (Comfy) (Image Saver)',
    ],
    (call) => slots(call.inputs.get('scheduler'), call.inputs.get('scheduler')),
  ),
  'Input Parameters (Image Saver)': (call) => slots(...['seed', 'steps', 'cfg', 'sampler', 'scheduler', 'denoise'].map((name) => call.inputs.get(name))),
  'Checkpoint Selector': passes('ckpt_name'),
  ...each(['Checkpoint Loader with Name (Image Saver)', 'Checkpoint Loader (Image Saver)'], (call) =>
    slots({ kind: 'model', file: call.inputs.get('ckpt_name') }, { kind: 'clip' }, { kind: 'vae' }, call.inputs.get('ckpt_name')),
  ),
  'UNet loader with Name (Image Saver)': (call) => slots({ kind: 'model', file: call.inputs.get('unet_name') }, call.inputs.get('unet_name')),
  'Conditioning Concat Optional (Image Saver)': (call) => slots(isOn(call.inputs.has('conditioning_from')) ? call.unknown : call.inputs.get('conditioning_to')),
};
