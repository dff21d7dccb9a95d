// A module applied to its layer's tensors, at a strength; DoRA's magnitudes with it (Liu et al. 2024, arXiv:2402.09353).
import { sizeOf, type Dims } from '../../tensor';
import { loraScale, weightDelta, type LoadedModule } from './delta';
import { misfit } from './misfit';

/**
 * How DoRA's magnitudes meet a strength m other than 1, W the weight, V = W + ΔW and s = scale / ‖V‖:
 * blend W + m·(sV − W); lycoris V·(1 + m·(s − 1)), where the direction always changes in full; comfyui as blend, with ‖W‖ for scales of the outputs.
 */
export const doraRules = ['blend', 'lycoris', 'comfyui'] as const;
export type DoraRule = (typeof doraRules)[number];

/** Adds the module to a layer's weight, in place. `dims` [out, in, …]. Throws weights.shapeMismatch naming the layer. */
export function applyToWeight(weight: Float32Array, dims: Dims, module: LoadedModule, multiplier: number, rule: DoraRule = 'blend'): void {
  const isDora = module.parts.doraScale !== undefined;
  const delta = weightDelta(weight, dims, module, isDora ? 1 : multiplier);
  if (!delta) return;
  if (isDora) applyDora(weight, delta, dims, module, multiplier, rule);
  else addTo(weight, delta, 1);
}

/** The same for the layer's bias: a difference, or the bias of PEFT's second factor, which is scaled as the factors are. */
export function applyToBias(bias: Float32Array, module: LoadedModule, multiplier: number): void {
  const { diffBias, upBias } = module.parts;
  for (const [part, factor] of [[diffBias, multiplier], [upBias, multiplier * loraScale(module)]] as const) {
    if (!part) continue;
    if (part.data.length !== bias.length) throw misfit(module.layer, [bias.length], part.dims);
    addTo(bias, part.data, factor);
  }
}

function addTo(values: Float32Array, change: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = values[i]! + factor * change[i]!;
}

function applyDora(weight: Float32Array, delta: Float32Array, dims: Dims, module: LoadedModule, m: number, rule: DoraRule): void {
  const scale = module.parts.doraScale!;
  const [out = 1, input = 1] = dims, each = sizeOf(dims.slice(2));
  const ofOutputs = scale.dims.length === 1 || scale.dims[0] === out;
  if (scale.data.length !== (ofOutputs ? out : input)) throw misfit(module.layer, dims, scale.dims);
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
