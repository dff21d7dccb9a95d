// A module's change of its layer's weight, ΔW, as values of a graph: baking evaluates them, adapters run them. Formulas: LoRA (Hu et al. 2021,
// arXiv:2106.09685), LyCORIS (Yeh et al. 2023, arXiv:2309.14859), IA³ (Liu et al. 2022, arXiv:2205.05638), GLoRA (Chavan et al. 2023, arXiv:2306.07967).
// Where programs differ, LyCORIS is followed, which trains these: alpha / rank counts in all but IA³ and full differences (A1111 leaves it out of GLoRA),
// once, as in its forward pass.
import type { Graph, Value } from '../graph/graph';
import { sizeOf, type Dims } from '../tensor';
import { misfit } from '../weights/lora/misfit';
import type { Adapter } from './module';
import { rotate } from './rotation';

/** What is changed [out, in, …], and by what. */
interface Layer { readonly g: Graph; readonly weight: Value; readonly module: Adapter<Value> }

/**
 * ΔW at a strength [], without DoRA, in the weight's shape. undefined: the module leaves the weight alone.
 * Throws weights.shapeMismatch naming the layer.
 */
export function weightDelta(g: Graph, weight: Value, module: Adapter<Value>, strength: Value): Value | undefined {
  const layer: Layer = { g, weight, module }, { parts } = module;
  const scaled = (delta: Value, rank: number | undefined): Value => g.apply('Mul', [delta, scaleOf(g, module, rank, strength)]);
  switch (module.algorithm) {
    case 'lora': return scaled(fitted(layer, loraProduct(layer)), parts.down!.dims[0]);
    case 'loha': return scaled(fitted(layer, hadamard(layer)), parts.hada_w1_b!.dims[0]);
    case 'lokr': return scaled(fitted(layer, kronecker(layer)), (parts.lokr_w2_b ?? parts.lokr_w1_b)?.dims[0]);
    case 'glora': { const { delta, rank } = glora(layer); return scaled(delta, rank); }
    case 'ia3': return g.apply('Mul', [ia3(layer), strength]);
    case 'oft': case 'boft': return g.apply('Sub', [rotate(g, weight, module, strength), weight]);
    case 'full': { const delta = storedDifference(layer); return delta && g.apply('Mul', [delta, strength]); }
    case 'incomplete': return undefined;
  }
}

/** strength · alpha / rank []; alpha counts as rank where there is none of either. */
export function scaleOf(g: Graph, { parts: { alpha } }: Adapter<Value>, rank = 0, strength: Value): Value {
  if (!alpha || rank <= 0) return strength;
  return g.apply('Mul', [strength, g.apply('Div', [alpha, g.scalar(rank)])]);
}

/** The first axis as rows, all others as columns. */
const matrix = (g: Graph, value: Value): Value => g.apply('Reshape', [value], { dims: [value.dims[0] ?? 1, sizeOf(value.dims.slice(1))] });
const turned = (g: Graph, value: Value): Value => g.apply('Transpose', [value], { perm: [1, 0] });

/**
 * The matrix as the layer's weight. Where a LoRA of the plain model meets the first convolution of an inpainting variant, which has more channels going
 * in, those come last and stay as they are, as in A1111.
 */
function fitted({ g, weight: { dims }, module: { layer } }: Layer, value: Value): Value {
  const [rows = 1, columns = 1] = value.dims, [out = 1, input = 1, ...kernel] = dims, each = sizeOf(kernel), plainInput = 4;
  if (rows !== out || (columns !== input * each && !(dims.length === 4 && input > plainInput && columns === plainInput * each))) throw misfit(layer, dims, [rows, columns]);
  if (columns === input * each) return g.apply('Reshape', [value], { dims });
  const others = [out, input - plainInput, ...kernel];
  return g.apply('Concat', [g.apply('Reshape', [value], { dims: [out, plainInput, ...kernel] }), g.constant('float32', others, new Float32Array(sizeOf(others)))], { axis: 1 });
}

/** left [p, i] · right [j, r], with a convolution's core [i, j, …] between them where there is one. */
function product({ g, weight: { dims }, module: { layer } }: Layer, left: Value, right: Value, core?: Value): Value {
  const inner = core?.dims ?? [left.dims[1], left.dims[1]];
  if (left.dims[1] !== inner[0] || right.dims[0] !== inner[1]) throw misfit(layer, dims, left.dims, ...(core ? [core.dims] : []), right.dims);
  return g.apply('MatMul', [left, core ? throughCore(g, core, right) : right]);
}

/** Σⱼ core[i, j, κ] · right[j, r] → [i, r·κ]. */
function throughCore(g: Graph, core: Value, right: Value): Value {
  const [i = 1, j = 1] = core.dims, each = sizeOf(core.dims.slice(2)), columns = right.dims[1]!;
  const byPlace = g.apply('Transpose', [g.apply('Reshape', [core], { dims: [i, j, each] })], { perm: [0, 2, 1] });             // [i, κ, j]
  const made = g.apply('MatMul', [g.apply('Reshape', [byPlace], { dims: [i * each, j] }), right]);                             // [i·κ, r]
  return g.apply('Reshape', [g.apply('Transpose', [g.apply('Reshape', [made], { dims: [i, each, columns] })], { perm: [0, 2, 1] })], { dims: [i, columns * each] });
}

/** LyCORIS' cores come with both matrices as [r, …]. */
const lycorisProduct = (layer: Layer, a: Value, b: Value, core?: Value): Value =>
  product(layer, core ? turned(layer.g, matrix(layer.g, a)) : matrix(layer.g, a), matrix(layer.g, b), core);

/** up [out, r, …] · down [r, in, …], and what LyCORIS' extraction may keep of the rest. */
function loraProduct(layer: Layer): Value {
  const { g, weight, module: { layer: name, parts: { up, down, mid, rest } } } = layer;
  const made = product(layer, matrix(g, up!), matrix(g, down!), mid);
  if (!rest) return made;
  if (String(rest.dims) !== String(made.dims)) throw misfit(name, weight.dims, made.dims, rest.dims);
  return g.apply('Add', [made, rest]);
}

/** (w1a·w1b) ∘ (w2a·w2b). */
function hadamard(layer: Layer): Value {
  const { g, weight, module: { layer: name, parts } } = layer;
  const first = lycorisProduct(layer, parts.hada_w1_a!, parts.hada_w1_b!, parts.hada_t1), second = lycorisProduct(layer, parts.hada_w2_a!, parts.hada_w2_b!, parts.hada_t2);
  if (String(first.dims) !== String(second.dims)) throw misfit(name, weight.dims, first.dims, second.dims);
  return g.apply('Mul', [first, second]);
}

/** w1 [m, n] ⊗ w2 [p, q·κ] → [m·p, n·q·κ], either as it is or as a product. The kernel counts with the columns of w2, where it belongs. */
function kronecker(layer: Layer): Value {
  const { g, module: { parts: { lokr_w1, lokr_w1_a, lokr_w1_b, lokr_w2, lokr_w2_a, lokr_w2_b, lokr_t2 } } } = layer;
  const a = lokr_w1 ? matrix(g, lokr_w1) : lycorisProduct(layer, lokr_w1_a!, lokr_w1_b!);
  const b = lokr_w2 ? matrix(g, lokr_w2) : lycorisProduct(layer, lokr_w2_a!, lokr_w2_b!, lokr_t2);
  const [m, n] = a.dims as [number, number], [p, q] = b.dims as [number, number];
  return g.apply('Reshape', [g.apply('Mul', [g.apply('Reshape', [a], { dims: [m, 1, n, 1] }), g.apply('Reshape', [b], { dims: [1, p, 1, q] })])], { dims: [m * p, n * q] });
}

/** W·a1·a2 + b1·b2 with a1 [in, r], a2 [r, in], b1 [out, r], b2 [r, in, …]. Before May 2024 LyCORIS wrote the pairs the other way round. */
function glora(layer: Layer): { delta: Value; rank: number } {
  const { g, weight, module: { layer: name, parts } } = layer, { dims } = weight, [out = 1, input = 1] = dims, each = sizeOf(dims.slice(2));
  const [a1, a2, b1, b2] = (parts.a1!.dims[0] === input ? [parts.a1!, parts.a2!, parts.b1!, parts.b2!] : [parts.a2!, parts.a1!, parts.b2!, parts.b1!])
    .map((value) => matrix(g, value)) as [Value, Value, Value, Value];
  const swap = (value: Value, a: number, b: number): Value => g.apply('Transpose', [g.apply('Reshape', [value], { dims: [out, a, b] })], { perm: [0, 2, 1] });
  const rows = g.apply('Reshape', [swap(weight, input, each)], { dims: [out * each, input] });                                 // a convolution's inputs as columns
  const viaInputs = product(layer, product(layer, rows, a1), a2);
  if (viaInputs.dims[1] !== input) throw misfit(name, dims, a1.dims, a2.dims);
  const back = g.apply('Reshape', [swap(viaInputs, each, input)], { dims });
  return { delta: g.apply('Add', [back, fitted(layer, product(layer, b1, b2))]), rank: a2.dims[0]! };
}

/** Each input's or output's share of W, times its scale. */
function ia3({ g, weight, module: { layer, onInput, parts: { scales } } }: Layer): Value {
  const [out = 1, input = 1, ...kernel] = weight.dims, ones = kernel.map(() => 1);
  if (sizeOf(scales!.dims) !== (onInput ? input : out)) throw misfit(layer, weight.dims, scales!.dims);
  return g.apply('Mul', [weight, g.apply('Reshape', [scales], { dims: onInput ? [1, input, ...ones] : weight.dims.length > 1 ? [out, 1, ...ones] : [out] })]);
}

/** A difference; or a new weight, which strengths other than 1 mix with the old one (ComfyUI would take it whole). */
function storedDifference(layer: Layer): Value | undefined {
  const { g, weight, module: { layer: name, parts: { diff, set_weight: replacement } } } = layer, { dims }: { dims: Dims } = weight;
  if (!replacement) return diff && fitted(layer, matrix(g, diff));
  if (sizeOf(replacement.dims) !== sizeOf(dims)) throw misfit(name, dims, replacement.dims);
  return g.apply('Sub', [g.apply('Reshape', [replacement], { dims }), weight]);
}
