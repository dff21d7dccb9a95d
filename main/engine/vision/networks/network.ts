// A network of the user's between pictures: what goes in and what comes out, as its contract says (preload/contract/annotators.ts).
import type { AnnotatorContract } from '../../../../preload/contract/annotators';
import { AppError } from '../../errors';
import { float32, type Dims, type Tensor } from '../../tensor';
import type { OnnxHeader, OnnxValue } from '../../weights/onnx-header';
import { grey, type Picture } from '../picture';
import { linear, resizeCubic, shrink } from '../resize';

/** How the file takes a picture: channels first [1, 3, H, W] or last [1, H, W, 3]. A side that it leaves open is null. */
export interface ImageInput { readonly name: string; readonly channelsFirst: boolean; readonly width: number | null; readonly height: number | null }

const FLOAT = 1, MAX_SIDE = 8192;

/** The one picture that the network asks for. Throws onnx.contract naming what it asks for instead. */
export function imageInputOf({ path, inputs }: OnnxHeader): ImageInput {
  if (inputs.length !== 1) throw new AppError('onnx.contract', { why: 'inputs', file: path, names: inputs.map(({ name }) => name) });
  const { name, type, dims } = inputs[0]!, [batch, ...rest] = dims;
  const channelsFirst = rest[0] === 3 || rest[0] === null && rest[2] !== 3;
  if (type !== FLOAT || dims.length !== 4 || (batch !== null && batch !== 1) || !channelsFirst && rest[2] !== 3 || rest.some((side) => (side ?? 0) > MAX_SIDE)) {
    throw new AppError('onnx.contract', { why: 'input', file: path, form: shown(inputs[0]!) });
  }
  const [height, width] = (channelsFirst ? rest.slice(1) : rest) as [number | null, number | null];
  return { name, channelsFirst, width, height };
}

/** For people: '1×3×?×?', and of other numbers than float32 their type. */
const shown = ({ type, dims }: OnnxValue): string => [dims.map((side) => side ?? '?').join('×'), ...(type === FLOAT ? [] : [`type ${type}`])].join(', ');

/** The picture as the network takes it. */
export function toInput(picture: Picture, { input }: AnnotatorContract, { channelsFirst, width, height }: ImageInput): Tensor {
  const { rgb, width: wide, height: high } = resized(picture, sizeFor(picture, input, { width, height }));
  const size = wide * high, data = new Float32Array(3 * size);
  const full = input.toPeak ? Math.max(1, rgb.reduce((most, value) => Math.max(most, value), 0)) : 255;
  for (let c = 0; c < 3; c++) {
    const from = input.order === 'rgb' ? c : 2 - c, mean = input.mean[c]!, std = input.std[c]!;
    for (let i = 0; i < size; i++) data[channelsFirst ? c * size + i : 3 * i + c] = (rgb[3 * i + from]! / full * input.range - mean) / std;
  }
  return float32(channelsFirst ? [1, 3, high, wide] : [1, high, wide, 3], data);
}

interface Size { readonly width: number; readonly height: number }

function sizeFor(picture: Size, { size, fit, multiple }: AnnotatorContract['input'], fixed: { width: number | null; height: number | null }): Size {
  const k = size / Math.min(picture.width, picture.height);
  const side = (given: number | null, own: number): number => given ?? Math.max(multiple, Math.round((fit === 'shorter' ? own * k : size) / multiple) * multiple);
  return { width: side(fixed.width, picture.width), height: side(fixed.height, picture.height) };
}

/** Each side by the filter for its direction. */
function resized(picture: Picture, to: Size): Picture {
  const smaller = { width: Math.min(picture.width, to.width), height: Math.min(picture.height, to.height) };
  const shrunk = smaller.width === picture.width && smaller.height === picture.height ? picture : shrink(picture, smaller);
  return shrunk.width === to.width && shrunk.height === to.height ? shrunk : resizeCubic(shrunk, to);
}

/** What the network found, for each pixel of the picture: values of 0…1, of one channel or three. Throws onnx.contract where the output is no picture. */
export function fromOutput({ dims, data }: Tensor, { task, output }: AnnotatorContract, to: Size, file: string): Found {
  const form = formOf(dims), wanted = task === 'normal' ? 3 : 1;
  if (!form || form.channels < wanted) throw new AppError('onnx.contract', { why: 'output', file, form: dims.join('×') });
  const { width, height, at } = form, size = width * height, values = new Float32Array(size * wanted);
  for (let i = 0; i < size; i++) for (let c = 0; c < wanted; c++) values[i * wanted + c] = data[at(i, c)]!;
  if (values.some((value) => !Number.isFinite(value))) throw new AppError('onnx.contract', { why: 'notFinite', file });
  const shares = toShares(values, output.values).map((share) => (output.invert ? 1 - share : share));
  const full = linear({ width, height, channels: wanted, data: shares }, to);
  return { ...to, channels: wanted, data: Float32Array.from(full.data, (value) => Math.min(1, Math.max(0, value))) };
}
export interface Found extends Size { readonly channels: number; readonly data: Float32Array }

/** [H, W], [1, H, W], [1, C, H, W] or [1, H, W, C] with C at most 4; else undefined. */
function formOf(dims: Dims): { width: number; height: number; channels: number; at: (pixel: number, channel: number) => number } | undefined {
  const [h, w, ...none] = dims.length === 4 ? [] : dims.slice(dims.length - 2);
  if (dims.length === 2 || dims.length === 3 && dims[0] === 1) return none.length === 0 ? { height: h!, width: w!, channels: 1, at: (pixel) => pixel } : undefined;
  if (dims.length !== 4 || dims[0] !== 1) return undefined;
  const [, a, b, c] = dims as [number, number, number, number];
  if (a <= 4) return { channels: a, height: b, width: c, at: (pixel, channel) => channel * b * c + pixel };
  return c <= 4 ? { channels: c, height: a, width: b, at: (pixel, channel) => pixel * c + channel } : undefined;
}

/** What has no range is all 0. */
function toShares(values: Float32Array, kind: AnnotatorContract['output']['values']): Float32Array {
  if (kind === 'share') return values;
  if (kind === 'signed') return values.map((value) => (value + 1) / 2);
  if (kind === 'logit') return values.map((value) => 1 / (1 + Math.exp(-value)));
  let low = Infinity, high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
}

export function asPicture({ width, height, channels, data }: Found): Picture {
  if (channels === 1) return grey(width, height, (i) => Math.round(255 * data[i]!));
  return { width, height, rgb: Uint8Array.from(data, (value) => Math.round(255 * value)) };
}
