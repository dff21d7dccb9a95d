// pysssss, whose nodes have their pack behind their name.
import { asText } from '../../fields';
import { plain, type Value } from '../values';
import { sums } from './arithmetic';
import { each, numberOf, passes, says, scalar, slots, text, worked, type Rule, type Rules } from './kit';
import { loads, loadsLora } from './models';
import { pictureOf, resized } from './pictures';
import { joinTexts } from './text';

const tidy = (said: string): string => said.replace(/\s{2,}/g, ' ').replaceAll(' ,', ',').replace(/,{2,}/g, ',').trim();

const stringFunction: Rule = (call) => {
  const isTidy = asText(scalar(call, 'tidy_tags')) === 'yes';
  if (asText(scalar(call, 'action')) === 'replace')
    return says('text_a text_b text_c?', (said, find, by) => {
      const made = find === '' || /^\/.*\/$/s.test(find) ? undefined : said.replaceAll(find, () => by);
      return made !== undefined && isTidy ? tidy(made) : made;
    })(call);
  const made = joinTexts(call, { names: ['text_a', 'text_b', 'text_c'], between: () => plain(isTidy ? ', ' : ''), skipsEmpty: true });
  return slots(made.kind === 'plain' && isTidy ? { ...made, value: tidy(text(made.value)) } : made);
};

/** The picture fitted into the sides: only known where the picture's own are. */
const constrains: Rule = (call) => {
  const size = pictureOf(call)?.size, inputs = new Map([...call.inputs, ...(size ? [['w', size.width] as const, ['h', size.height] as const] : [])]);
  const side = (which: 0 | 1): Value =>
    worked({ ...call, inputs, unknown: call.unknown }, 'w h max_width max_height min_width min_height crop_if_required?', (...values) => {
      const [w, h, maxW, maxH, minW, minH] = values.slice(0, 6).map((value) => numberOf(value) ?? NaN) as [number, number, number, number, number, number];
      if (text(values[6]) === 'yes') return undefined;
      const ratio = w / h, width = Math.min(Math.max(w, minW), maxW), height = Math.min(Math.max(h, minH), maxH);
      return (width / height > ratio ? [Math.max(Math.trunc(height * ratio), minW), height] : [width, Math.max(Math.trunc(width / ratio), minH)])[which];
    });
  const to = size ? { width: side(0), height: side(1) } : undefined;
  return resized(call, { to }, to);
};

export const pysssss: Rules = {
  'ShowText|pysssss': passes('text'),
  'StringFunction|pysssss': stringFunction,
  'MathExpression|pysssss': sums('expression', Math.trunc, 'a b c'),
  'ConstrainImage|pysssss': constrains,
  'ConstrainImageforVideo|pysssss': constrains,
  'ReroutePrimitive|pysssss': passes('value'),
  ...each(['PlaySound|pysssss', 'SystemNotification|pysssss'], passes('any')),
  'Repeater|pysssss': passes('source'),
  'CheckpointLoader|pysssss': loads('ckpt_name'),
  'LoraLoader|pysssss': loadsLora('lora_name', 'strength_model', 'strength_clip'),
};
