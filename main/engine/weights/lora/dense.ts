// A module's change as a dense matrix, and the layer's weight with it. Formulas: Hu et al. 2021 (arXiv:2106.09685), LyCORIS (Yeh et al. 2023,
// arXiv:2309.14859), DoRA (Liu et al. 2024, arXiv:2402.09353). alpha / rank is applied once, as LyCORIS' forward pass and ComfyUI do.
import { AppError } from '../../errors';
import { sizeOf, type Dims, type Tensor } from '../../tensor';
import { showDims } from '../safetensors';
import type { LoraModule } from './modules';
import { kron, matmul, transpose, tucker } from './products';

/** A module with its tensors read. */
export type LoadedModule = LoraModule<Tensor>;

/**
 * How DoRA's magnitudes meet a strength m other than 1, W the weight, V = W + ΔW and s = scale / ‖V‖:
 * blend W + m·(sV − W); lycoris V·(1 + m·(s − 1)), where the direction always changes in full; comfyui as blend, with ‖W‖ for scales of the outputs.
 */
export const doraRules = ['blend', 'lycoris', 'comfyui'] as const;
export type DoraRule = (typeof doraRules)[number];

/** Adds the module to a layer's weight, in place. `dims` [out, in, …]. Throws weights.shapeMismatch naming the layer. */
export function applyToWeight(weight: Float32Array, dims: Dims, module: LoadedModule, multiplier: number, rule: DoraRule = 'blend'): void {
  const delta = weightDelta(module);
  if (!delta) return;
  if (delta.length !== weight.length) throw mismatch(module, dims, delta.length);
  if (module.parts.doraScale) applyDora(weight, delta, dims, module, multiplier, rule);
  else for (let i = 0; i < weight.length; i++) weight[i] = weight[i]! + multiplier * delta[i]!;
}

/** The same for the layer's bias. */
export function applyToBias(bias: Float32Array, module: LoadedModule, multiplier: number): void {
  const delta = module.parts.diffBias?.data;
  if (!delta) return;
  if (delta.length !== bias.length) throw mismatch(module, [bias.length], delta.length);
  for (let i = 0; i < bias.length; i++) bias[i] = bias[i]! + multiplier * delta[i]!;
}

/** ΔW at strength 1, without DoRA; as many values as the layer's weight, in its order. undefined: the module leaves the weight alone. */
function weightDelta(module: LoadedModule): Float32Array | undefined {
  const { parts } = module;
  switch (module.algorithm) {
    case 'lora': return scaled(loraProduct(parts.up!, parts.down!, parts.mid), scaleOf(module, parts.down!.dims[0]!));
    case 'loha': return scaled(hadamard(module), scaleOf(module, parts.hada_w1_b!.dims[0]!));
    case 'lokr': return kronecker(module);
    case 'full': return parts.diff?.data;
    case 'unsupported': return undefined;
  }
}

/** alpha / rank; 1 without an alpha. */
function scaleOf({ parts: { alpha } }: LoadedModule, rank: number): number {
  return alpha?.data[0] === undefined ? 1 : alpha.data[0] / rank;
}

function scaled(values: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < values.length; i++) values[i] = values[i]! * factor;
  return values;
}

const columns = ({ dims }: Tensor): number => sizeOf(dims.slice(1));

/** up [out, r, …] · down [r, in, …], with a core [r, r, k, k] where there is one. */
function loraProduct(up: Tensor, down: Tensor, mid?: Tensor): Float32Array {
  if (mid) return tucker(up.data, mid.data, down.data, [up.dims[0]!, mid.dims[0]!, mid.dims[1]!, columns(down), sizeOf(mid.dims.slice(2))]);
  return matmul(up.data, down.data, up.dims[0]!, columns(up), columns(down));
}

/** LyCORIS' cores come with both matrices as [r, …]. */
function lowRank(a: Tensor, b: Tensor, core?: Tensor): Float32Array {
  if (!core) return matmul(a.data, b.data, a.dims[0]!, columns(a), columns(b));
  return tucker(transpose(a.data, a.dims[0]!, columns(a)), core.data, b.data, [columns(a), core.dims[0]!, core.dims[1]!, columns(b), sizeOf(core.dims.slice(2))]);
}

/** (w1a·w1b) ∘ (w2a·w2b). */
function hadamard({ parts }: LoadedModule): Float32Array {
  const first = lowRank(parts.hada_w1_a!, parts.hada_w1_b!, parts.hada_t1), second = lowRank(parts.hada_w2_a!, parts.hada_w2_b!, parts.hada_t2);
  for (let i = 0; i < first.length; i++) first[i] = first[i]! * second[i]!;
  return first;
}

/** w1 ⊗ w2, either as it is or as a product. alpha counts only where one is a product. */
function kronecker(module: LoadedModule): Float32Array {
  const { lokr_w1, lokr_w1_a, lokr_w1_b, lokr_w2, lokr_w2_a, lokr_w2_b, lokr_t2 } = module.parts;
  const w1 = lokr_w1?.data ?? lowRank(lokr_w1_a!, lokr_w1_b!);
  const w2 = lokr_w2?.data ?? lowRank(lokr_w2_a!, lokr_w2_b!, lokr_t2);
  const [m, n] = lokr_w1 ? [lokr_w1.dims[0]!, lokr_w1.dims[1]!] : [lokr_w1_a!.dims[0]!, columns(lokr_w1_b!)];
  // A product of a convolution's factor without a core is flat over its kernel: the kernel then counts with the columns, where it belongs anyway.
  const p = lokr_w2 ? lokr_w2.dims[0]! : lokr_t2 ? columns(lokr_w2_a!) : lokr_w2_a!.dims[0]!;
  const rank = (lokr_w2_b ?? lokr_w1_b)?.dims[0];
  return scaled(kron(w1, w2, [m, n, p, w2.length / p, 1]), rank === undefined ? 1 : scaleOf(module, rank));
}

function applyDora(weight: Float32Array, delta: Float32Array, dims: Dims, module: LoadedModule, m: number, rule: DoraRule): void {
  const scale = module.parts.doraScale!;
  const [out = 1, input = 1] = dims, each = sizeOf(dims.slice(2));
  const ofOutputs = scale.dims.length === 1 || scale.dims[0] === out;
  if (scale.data.length !== (ofOutputs ? out : input)) throw mismatch(module, dims, scale.data.length);
  const lineOf = (i: number): number => (ofOutputs ? Math.floor(i / (input * each)) : Math.floor(i / each) % input);
  const norms = new Float64Array(scale.data.length);
  for (let i = 0; i < weight.length; i++) {
    const value = weight[i]! + (rule === 'comfyui' && ofOutputs ? 0 : delta[i]!);
    norms[lineOf(i)]! += value * value;
  }
  for (let i = 0; i < weight.length; i++) {
    const line = lineOf(i), changed = weight[i]! + delta[i]!, s = scale.data[line]! / Math.max(Math.sqrt(norms[line]!), Number.MIN_VALUE);
    weight[i] = rule === 'lycoris' ? changed * (1 + m * (s - 1)) : weight[i]! + m * (changed * s - weight[i]!);
  }
}

function mismatch({ layer }: LoadedModule, dims: Dims, got: number): AppError {
  return new AppError('weights.shapeMismatch', {
    message: `The LoRA's ${layer} has ${got} values for a layer of ${showDims(dims)}`,
    hint: 'It was made for another kind of model. `inspect` tells which family a LoRA is for.',
    data: { key: layer, got, want: dims },
  });
}
