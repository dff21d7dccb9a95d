// A module applied to its layer's tensors, at a strength; DoRA's magnitudes with it (Liu et al. 2024, arXiv:2402.09353).
import type { Graph, Value } from '../graph/graph';
import { sizeOf } from '../tensor';
import { misfit } from '../weights/lora/misfit';
import { scaleOf, weightDelta } from './delta';
import type { Adapter } from './module';

/**
 * How DoRA's magnitudes meet a strength m other than 1, W the weight, V = W + ΔW and s = scale / ‖V‖:
 * blend W + m·(sV − W); lycoris V·(1 + m·(s − 1)), where the direction always changes in full; comfyui as blend, with ‖W‖ for scales of the outputs.
 */
export const doraRules = ['blend', 'lycoris', 'comfyui'] as const;
export type DoraRule = (typeof doraRules)[number];

/** The layer's weight [out, in, …] with the module in it; the weight itself where the module leaves it alone. Throws weights.shapeMismatch naming the layer. */
export function changedWeight(g: Graph, weight: Value, module: Adapter<Value>, strength: Value, rule: DoraRule = 'comfyui'): Value {
  const isDora = module.parts.doraScale !== undefined;
  const delta = weightDelta(g, weight, module, isDora ? g.scalar(1) : strength);
  if (!delta) return weight;
  const changed = g.apply('Add', [weight, delta]);
  return isDora ? withMagnitudes(g, weight, changed, module, strength, rule) : changed;
}

/** The same for the layer's bias: a difference, or the bias of PEFT's second factor, which is scaled as the factors are. */
export function changedBias(g: Graph, bias: Value, module: Adapter<Value>, strength: Value): Value {
  const { diffBias, upBias, down } = module.parts;
  return ([[diffBias, strength], [upBias, scaleOf(g, module, down?.dims[0], strength)]] as const).reduce((sum, [part, scale]) => {
    if (!part) return sum;
    if (sizeOf(part.dims) !== sizeOf(bias.dims)) throw misfit(module.layer, bias.dims, part.dims);
    return g.apply('Add', [sum, g.apply('Mul', [g.apply('Reshape', [part], { dims: bias.dims }), scale])]);
  }, bias);
}

function withMagnitudes(g: Graph, weight: Value, changed: Value, { layer, parts }: Adapter<Value>, m: Value, rule: DoraRule): Value {
  const scale = parts.doraScale!, { dims } = weight, [out = 1, input = 1] = dims;
  const ofOutputs = scale.dims.length === 1 || scale.dims[0] === out;
  if (sizeOf(scale.dims) !== (ofOutputs ? out : input)) throw misfit(layer, dims, scale.dims);
  const line = ofOutputs ? 0 : 1, axes = dims.flatMap((_, axis) => (axis === line ? [] : [axis]));
  const measured = rule === 'comfyui' && ofOutputs ? weight : changed;
  const norm = g.apply('Sqrt', [g.apply('ReduceSum', [g.apply('Mul', [measured, measured])], { axes })]);
  const magnitudes = g.apply('Reshape', [scale], { dims: dims.map((n, axis) => (axis === line ? n : 1)) });
  const s = g.apply('Div', [magnitudes, g.apply('Add', [norm, g.scalar(TINY)])]);
  if (rule === 'lycoris') return g.apply('Mul', [changed, g.apply('Add', [g.scalar(1), g.apply('Mul', [m, g.apply('Sub', [s, g.scalar(1)])])])]);
  return g.apply('Add', [weight, g.apply('Mul', [m, g.apply('Sub', [g.apply('Mul', [changed, s]), weight])])]);
}

/** Keeps a line of zeros from being divided by nothing. */
const TINY = 1e-30;
