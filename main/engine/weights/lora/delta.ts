// A module's change of its layer's weight as a dense matrix ΔW. Formulas: LoRA (Hu et al. 2021, arXiv:2106.09685), LyCORIS (Yeh et al. 2023,
// arXiv:2309.14859), IA³ (Liu et al. 2022, arXiv:2205.05638), GLoRA (Chavan et al. 2023, arXiv:2306.07967). Where programs differ, LyCORIS is followed, which
// trains these: alpha / rank counts in all but IA³ and full differences (A1111 leaves it out of GLoRA), once, as in its forward pass.
import { sizeOf, type Dims, type Tensor } from '../../tensor';
import { misfit } from './misfit';
import type { LoraModule } from './modules';
import { kron, matmul, matrixOf, transpose, tucker, type Matrix } from './products';
import { rotate } from './rotation';

/** A module with its tensors read. */
export type LoadedModule = LoraModule<Tensor>;

/** What is changed, and by what; `dims` [out, in, …]. */
interface Layer { readonly weight: Float32Array; readonly dims: Dims; readonly module: LoadedModule }

/**
 * ΔW at a strength, without DoRA, in the weight's order; the weight itself stays as it is. undefined: the module leaves the weight alone.
 * Throws weights.shapeMismatch naming the layer.
 */
export function weightDelta(weight: Float32Array, dims: Dims, module: LoadedModule, strength: number): Float32Array | undefined {
  const layer: Layer = { weight, dims, module };
  switch (module.algorithm) {
    case 'lora': return scaled(fitted(layer, loraProduct(layer)), strength * loraScale(module));
    case 'loha': return scaled(fitted(layer, hadamard(layer)), strength * alphaOver(module, module.parts.hada_w1_b!.dims[0]));
    case 'lokr': return scaled(fitted(layer, kronecker(layer)), strength * alphaOver(module, (module.parts.lokr_w2_b ?? module.parts.lokr_w1_b)?.dims[0]));
    case 'glora': return glora(layer, strength);
    case 'ia3': return ia3(layer, strength);
    case 'oft': case 'boft': return rotation(layer, strength);
    case 'full': return storedDifference(layer, strength);
    case 'incomplete': return undefined;
  }
}

/** alpha / rank of a pair of factors. */
export const loraScale = (module: LoadedModule): number => alphaOver(module, module.parts.down?.dims[0]);

/** 1 without an alpha or without a rank. */
const alphaOver = ({ parts: { alpha } }: LoadedModule, rank = 0): number => (alpha && rank > 0 ? alpha.data[0]! / rank : 1);

function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < values.length; i++) values[i] = values[i]! * factor;
  return values;
}

/**
 * The matrix as the layer's. Where a LoRA of the plain model meets the first convolution of an inpainting variant, which has more channels going in,
 * those come last and stay as they are, as in A1111.
 */
function fitted({ dims, module }: Layer, { rows, columns, data }: Matrix): Float32Array {
  const [out = 1, input = 1] = dims, each = sizeOf(dims.slice(2)), plainInput = 4;
  if (rows !== out || (columns !== input * each && !(dims.length === 4 && input > plainInput && columns === plainInput * each))) throw misfit(module.layer, dims, [rows, columns]);
  if (columns === input * each) return data;
  const wide = new Float32Array(out * input * each);
  for (let row = 0; row < rows; row++) wide.set(data.subarray(row * columns, (row + 1) * columns), row * input * each);
  return wide;
}

/** left · right, with a convolution's core between them where there is one. */
function product({ dims, module: { layer } }: Layer, left: Matrix, right: Matrix, core?: Tensor): Matrix {
  const inner = core?.dims ?? [left.columns, left.columns];
  if (left.columns !== inner[0] || right.rows !== inner[1]) throw misfit(layer, dims, [left.rows, left.columns], ...(core ? [core.dims] : []), [right.rows, right.columns]);
  return core ? tucker(left, core, right) : matmul(left, right);
}

/** LyCORIS' cores come with both matrices as [r, …]. */
const lycorisProduct = (layer: Layer, a: Tensor, b: Tensor, core?: Tensor): Matrix => product(layer, core ? transpose(matrixOf(a)) : matrixOf(a), matrixOf(b), core);

/** up [out, r, …] · down [r, in, …], and what LyCORIS' extraction may keep of the rest: a sparse matrix, with row and column of each value in [2, n]. */
function loraProduct(layer: Layer): Matrix {
  const { up, down, mid, bias_indices: at, bias_values: rest, bias_size: size } = layer.module.parts;
  const matrix = product(layer, matrixOf(up!), matrixOf(down!), mid), { rows, columns, data } = matrix;
  if (!at || !rest || !size) return matrix;
  if (size.data[0] !== rows || size.data[1] !== columns) throw misfit(layer.module.layer, layer.dims, [rows, columns], [...size.data]);
  rest.data.forEach((value, i) => { data[at.data[i]! * columns + at.data[rest.data.length + i]!]! += value; });
  return matrix;
}

/** (w1a·w1b) ∘ (w2a·w2b). */
function hadamard(layer: Layer): Matrix {
  const { parts } = layer.module;
  const first = lycorisProduct(layer, parts.hada_w1_a!, parts.hada_w1_b!, parts.hada_t1), second = lycorisProduct(layer, parts.hada_w2_a!, parts.hada_w2_b!, parts.hada_t2);
  if (first.rows !== second.rows || first.columns !== second.columns) throw misfit(layer.module.layer, layer.dims, [first.rows, first.columns], [second.rows, second.columns]);
  for (let i = 0; i < first.data.length; i++) first.data[i] = first.data[i]! * second.data[i]!;
  return first;
}

/** w1 ⊗ w2, either as it is or as a product. The kernel counts with the columns of w2, where it belongs. */
function kronecker(layer: Layer): Matrix {
  const { lokr_w1, lokr_w1_a, lokr_w1_b, lokr_w2, lokr_w2_a, lokr_w2_b, lokr_t2 } = layer.module.parts;
  return kron(
    lokr_w1 ? matrixOf(lokr_w1) : lycorisProduct(layer, lokr_w1_a!, lokr_w1_b!),
    lokr_w2 ? matrixOf(lokr_w2) : lycorisProduct(layer, lokr_w2_a!, lokr_w2_b!, lokr_t2),
  );
}

/** W·a1·a2 + b1·b2 with a1 [in, r], a2 [r, in], b1 [out, r], b2 [r, in, …]. Before May 2024 LyCORIS wrote the pairs the other way round. */
function glora(layer: Layer, strength: number): Float32Array {
  const { weight, dims, module } = layer, { parts } = module, [, input = 1] = dims;
  const [a1, a2, b1, b2] = (parts.a1!.dims[0] === input ? [parts.a1!, parts.a2!, parts.b1!, parts.b2!] : [parts.a2!, parts.a1!, parts.b2!, parts.b1!]).map(matrixOf) as [Matrix, Matrix, Matrix, Matrix];
  const each = sizeOf(dims.slice(2)), rows = weight.length / input;
  const viaInputs = product(layer, product(layer, { rows, columns: input, data: swapAxes(weight, input, each) }, a1), a2);
  if (viaInputs.columns !== input) throw misfit(module.layer, dims, [a1.rows, a1.columns], [a2.rows, a2.columns]);
  const delta = swapAxes(viaInputs.data, each, input), added = fitted(layer, product(layer, b1, b2));
  for (let i = 0; i < delta.length; i++) delta[i] = delta[i]! + added[i]!;
  return scaled(delta, strength * alphaOver(module, a2.rows));
}

/** [out, a, b] → [out, b, a]: a convolution's inputs as its columns, and back. */
function swapAxes(values: Float32Array, a: number, b: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let at = 0; at < values.length; at += a * b) out.set(transpose({ rows: a, columns: b, data: values.subarray(at, at + a * b) }).data, at);
  return out;
}

/** Each input's or output's share of W, times its scale. */
function ia3({ weight, dims, module: { layer, parts } }: Layer, strength: number): Float32Array {
  const [out = 1, input = 1] = dims, each = sizeOf(dims.slice(2)), onInput = parts.on_input!.data[0] !== 0, { data, dims: shape } = parts.scales!;
  if (data.length !== (onInput ? input : out)) throw misfit(layer, dims, shape);
  return weight.map((value, i) => strength * value * data[onInput ? Math.floor(i / each) % input : Math.floor(i / (input * each))]!);
}

function rotation({ weight, dims, module }: Layer, strength: number): Float32Array {
  const turned = weight.slice();
  rotate(turned, dims, module, strength);
  return turned.map((value, i) => value - weight[i]!);
}

/** A difference; or a new weight, which strengths other than 1 mix with the old one (ComfyUI would take it whole). */
function storedDifference(layer: Layer, strength: number): Float32Array | undefined {
  const { weight, dims, module: { layer: name, parts: { diff, set_weight: replacement } } } = layer;
  if (!replacement) return diff && fitted(layer, matrixOf(diff)).map((value) => strength * value);
  if (replacement.data.length !== weight.length) throw misfit(name, dims, replacement.dims);
  return replacement.data.map((value, i) => strength * (value - weight[i]!));
}
