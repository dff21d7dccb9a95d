// Weights in forms that other programs pack them into (four bits, integers with scales, rotations, …), known by the tensors beside them. Each of these changes what a
// weight means, and none is read here: the file is named for what it is and refused, since the bytes without their companions would make pictures of noise.
import { AppError } from '../../errors';
import { sizeOf } from '../../tensor';
import { isEmaCopy } from '../../identify/buffers';
import { isEightBit, isFloat } from '../dtypes';
import type { TensorEntry, WeightFile } from '../source';
import { isPlainEight } from './comfy-notes';
import { scaledBy } from './factors';

/** `form`: an id that has words, of the program or format. `key`: the tensor that tells. */
export interface ForeignForm { readonly form: string; readonly key: string }

/** The narrower sign before the wider one: what a tensor's name ends with, behind a layer's path. */
const signs = Object.entries({
  bitsandbytes: String.raw`weight\.(?:absmax|quant_map|nested_absmax|nested_quant_map|quant_state(?:\..+)?)|SCB|weight_format`,
  comfyui: 'comfy_quant',
  nunchaku: 'smooth_factor(?:_orig)?|smooth_orig|wscales|wcscales|wtscale|wzeros',
  quanto: String.raw`weight\._(?:data|scale|shift|zeropoint)(?:\..+)?|weight_qtype`,
  torchao: String.raw`weight\.(?:tensor_impl|original_weight_tensor|layout_tensor|int_data)(?:\..+)?|_weight_(?:qdata|scale|zero_point|data)`,
  sdnq: String.raw`svd_up|svd_down|zero_point|quantized_weight_shape|sdnq_\w+`,
  'compressed-tensors': 'weight_packed|weight_shape|weight_zero_point|weight_global_scale|weight_g_idx|input_global_scale',
  modelopt: '(?:weight|input|output)_quantizer\\._\\w+|weight_scale_2|weights?_scaling_factor\\w*|activation_scaling_factor|_?pre_quant_scale|_amax',
  gptq: 'qweight|qzeros|g_idx',
  hqq: 'W_q',
  gguf: 'ggml_type|gguf_type|gguf_shape',
}).map(([form, ends]) => [form, new RegExp(`(?:^|\\.)(?:${ends})$`, 's')] as const);

/** What stands in a module, or below its weight, and by its name has to do with how numbers were packed. */
const packing = /scale|zero|quant|absmax|amax|codebook|lut$|packed|rotation|hadamard|s_rel|s_channel/i;
/** Of LoRAs and the like, which scale layers of their own. */
const ofAdapters = /(?:^|[._])(?:dora_scale|rescale|lora_\w+|alpha)$/;

const known = new WeakMap<WeightFile['tensors'], ForeignForm | null>();

/** null where every weight means what its own bytes say, or these times a factor that is known. */
export function foreignForm(file: WeightFile): ForeignForm | null {
  let found = known.get(file.tensors);
  if (found === undefined) known.set(file.tensors, found = search(file));
  return found;
}

/** Throws weights.foreignForm. For whatever reads a file's values. */
export function refuseForeignForm(file: WeightFile): void {
  const found = foreignForm(file);
  if (found) throw foreignFormError(file, found);
}

export const foreignFormError = ({ path }: WeightFile, { form, key }: ForeignForm): AppError => new AppError('weights.foreignForm', { file: path, form, key });

function search(file: WeightFile): ForeignForm | null {
  const { tensors, metadata } = file, names = [...tensors.keys()].filter((name) => !isEmaCopy(name));      // these have lost their dots
  for (const [form, sign] of signs) {
    const key = names.find((name) => sign.test(name));
    if (key !== undefined) return { form, key };
  }
  if (!isPlainEight(metadata)) return { form: 'comfyui', key: '_quantization_metadata' };
  const packed = new Map([...tensors.values()].flatMap((entry) => (isPacked(entry) ? [[moduleOf(entry.name), entry] as const] : [])));
  for (const entry of tensors.values()) {
    if (isEmaCopy(entry.name)) continue;
    const form = formBeside(entry, tensors, packed);
    if (form) return { form, key: entry.name };
  }
  return null;
}

const moduleOf = (name: string): string => name.slice(0, name.lastIndexOf('.') + 1);
const isPacked = ({ name, dtype, shape }: TensorEntry): boolean => name.endsWith('weight') && shape.length > 1 && (isEightBit(dtype) || !isFloat(dtype));

/** Of a tensor that no table knows: what it must be, from the weight that it belongs to. `packed`: weights of few bits, by their modules. */
function formBeside({ name }: TensorEntry, tensors: WeightFile['tensors'], packed: ReadonlyMap<string, TensorEntry>): string | null {
  const scaled = scaledBy(name);
  if (scaled !== undefined) return formOf(tensors.get(scaled));
  const [, owner, rest] = /^(.*weight)[._]([^.]+)$/s.exec(name) ?? [];
  const weight = owner === undefined ? undefined : tensors.get(owner);
  if (weight && (name[owner!.length] === '.' || packing.test(rest!)) && !ofAdapters.test(name)) return formOf(weight);
  const module = moduleOf(name), sibling = tensors.get(`${module}weight`) ?? packed.get(module);
  return sibling && sibling.name !== name && packing.test(name.slice(module.length)) && !ofAdapters.test(name) ? formOf(sibling) : null;
}

/** A factor that does not fit, beside an fp8 weight; numbers of few bits; or something beside a usual weight. */
function formOf(weight: TensorEntry | undefined): string {
  if (!weight) return 'scaled';
  if (isEightBit(weight.dtype)) return 'fp8';
  return isFloat(weight.dtype) || sizeOf(weight.shape) === 0 ? 'unknown' : 'integers';
}
