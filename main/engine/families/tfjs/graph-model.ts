// A frozen TensorFlow graph: nodes that name their operation and what they read. Built from the nodes that are asked for back to those that are fed, so that
// what stands around a network (resizing, the choice of results) is left to whoever runs it.
import { AppError } from '../../errors';
import { Graph, type Value } from '../../graph/graph';
import { add, mul } from '../../nn/layers';
import type { Dims } from '../../tensor';
import type { TfjsModel, TfjsTensor } from '../../weights/tfjs';
import { activated, channelMeans, constant, convolution, dense, depthwise, maxPool, turned, type Activation, type Padding } from './layers';

interface Attribute { readonly i?: string; readonly b?: boolean; readonly s?: string; readonly list?: { readonly i?: readonly string[]; readonly s?: readonly string[] } }
interface Node { readonly name: string; readonly op: string; readonly input?: readonly string[]; readonly attr?: Readonly<Record<string, Attribute>> }
/** Weights as they lie in the file; all else with its channels second, if it has four dimensions. */
type Operand = Value | TfjsTensor;

export interface Cut {
  readonly name: string;
  /** Of what is fed: the node whose result it takes the place of, and its size, [B, C, H, W] for pictures. */
  readonly inputs: Readonly<Record<string, { readonly node: string; readonly dims: Dims }>>;
  /** The nodes that give the outputs. */
  readonly outputs: Readonly<Record<string, string>>;
  /** How much larger it is fed than it was frozen for: sizes that are written down in it grow along. */
  readonly scale?: number;
}

/** Throws model.unsupported for an operation that is not known, weights.missingTensor for a node or weight that is not there. */
export function buildGraphModel(model: TfjsModel, { name, inputs, outputs, scale = 1 }: Cut): Graph {
  const g = new Graph(name), nodes = new Map(nodesOf(model).map((node) => [node.name, node]));
  const known = new Map<string, Operand>(Object.entries(inputs).map(([input, { node, dims }]) => [node, g.input(input, 'float32', dims)]));
  const operand = (reference: string): Operand => {
    const [key = ''] = reference.split(':'), made = known.get(key) ?? model.tensors.get(key) ?? make(key);
    known.set(key, made);
    return made;
  };
  const make = (key: string): Value => {
    const node = nodes.get(key);
    if (!node) throw new AppError('weights.missingTensor', { file: model.file, key });
    const operation = Object.hasOwn(operations, node.op) ? operations[node.op]! : unknown(model, node.op);
    const read = (node.input ?? []).filter((each) => !each.startsWith('^')).map(operand);
    return g.within(key, () => operation(g, read, new Settings(model, node, scale)));
  };
  for (const [output, node] of Object.entries(outputs)) g.output(output, value(g, operand(node)));
  return g;
}

function nodesOf({ topology, file }: TfjsModel): readonly Node[] {
  const { node } = (topology ?? {}) as { node?: unknown };
  if (!Array.isArray(node)) throw new AppError('weights.badHeader', { why: 'notObject', file });
  return node as Node[];
}

const unknown = ({ file }: TfjsModel, operation: string): never => { throw new AppError('model.unsupported', { why: 'operation', file, operation }); };

/** What a node is told beside its inputs. Texts are base64. */
class Settings {
  private readonly model: TfjsModel;
  private readonly node: Node;
  readonly scale: number;
  constructor(model: TfjsModel, node: Node, scale: number) { this.model = model; this.node = node; this.scale = scale; }

  get stride(): number { return this.sides('strides'); }
  get kernel(): number { return this.sides('ksize'); }
  get padding(): Padding {
    const padding = atob(this.node.attr?.['padding']?.s ?? '').toLowerCase();
    return padding === 'same' || padding === 'valid' ? padding : this.refuse(`padding ${padding}`);
  }

  /** What a fused node does behind its bias. */
  get activation(): Activation {
    const fused = (this.node.attr?.['fused_ops']?.list?.s ?? []).map((text) => atob(text)).filter((name) => name !== 'BiasAdd');
    const [only = 'linear'] = fused.map((name) => name.toLowerCase());
    return fused.length < 2 && (only === 'linear' || only === 'relu' || only === 'relu6') ? only : this.refuse(fused.join(' + '));
  }

  flag(name: string): boolean { return this.node.attr?.[name]?.b === true; }

  refuse(what: string): never { return unknown(this.model, `${this.node.op}, ${what}`); }

  /** [1, n, n, 1] */
  private sides(name: string): number {
    const [, y, x] = this.node.attr?.[name]?.list?.i ?? [];
    return y !== undefined && y === x ? Number(y) : this.refuse(`${name} ${y} × ${x}`);
  }
}

const isWeight = (operand: Operand): operand is TfjsTensor => 'values' in operand;

/** A weight beside values of four dimensions broadcasts along their channels. */
function value(g: Graph, operand: Operand, rank = isWeight(operand) ? operand.dims.length : 4): Value {
  if (!isWeight(operand)) return operand;
  const { dims } = operand;
  if (dims.length === 4) return constant(g, turned(operand, [0, 3, 1, 2]));
  return constant(g, operand, rank === 4 && dims.length === 1 ? [dims[0]!, 1, 1] : dims);
}

type Operation = (g: Graph, read: readonly Operand[], settings: Settings) => Value;

const picture = (operand: Operand | undefined, settings: Settings): Value => (operand && !isWeight(operand) && operand.dims.length === 4 ? operand : settings.refuse('of what is no picture'));
const weight = (operand: Operand | undefined, settings: Settings): TfjsTensor => (operand && isWeight(operand) ? operand : settings.refuse('with weights that are computed'));

const elementwise = (apply: (g: Graph, a: Value, b: Value) => Value): Operation => (g, read) => {
  const rank = Math.max(...read.map(({ dims }) => dims.length));
  return read.map((operand) => value(g, operand, rank)).reduce((a, b) => apply(g, a, b));
};

const convolutions = (layer: typeof convolution): Operation => (g, [x, filter, bias], settings) => {
  const weights = weight(filter, settings);
  if (layer === depthwise && weights.dims[3] !== 1) settings.refuse(`${weights.dims[3]} outputs a channel`);
  const { stride, padding, activation } = settings;
  return layer(g, picture(x, settings), weights, { stride, padding, activation, bias: bias && weight(bias, settings) });
};

const operations: Readonly<Record<string, Operation>> = {
  Identity: (g, [x]) => value(g, x!),
  Add: elementwise(add), AddV2: elementwise(add), AddN: elementwise(add), Mul: elementwise(mul), Sub: elementwise((g, a, b) => g.apply('Sub', [a, b])),
  Relu6: (g, [x]) => activated(g, value(g, x!), 'relu6'),
  Sigmoid: (g, [x]) => g.apply('Sigmoid', [value(g, x!)]),
  Conv2D: convolutions(convolution), _FusedConv2D: convolutions(convolution),
  DepthwiseConv2dNative: convolutions(depthwise), FusedDepthwiseConv2dNative: convolutions(depthwise),
  MaxPool: (g, [x], settings) => maxPool(g, picture(x, settings), settings.kernel, settings.stride, settings.padding),
  /** Over rows and columns, which go. */
  Mean: (g, [x, axes], settings) => {
    if (settings.flag('keep_dims') || String(weight(axes, settings).values) !== '1,2') settings.refuse('over other axes than rows and columns');
    return channelMeans(g, picture(x, settings));
  },
  _FusedMatMul: (g, [x, weights, bias], settings) => {
    if (settings.flag('transpose_a') || settings.flag('transpose_b')) settings.refuse('turned');
    return activated(g, dense(g, value(g, x!), weight(weights, settings), weight(bias, settings)), settings.activation);
  },
  ResizeBilinear: (g, [x, size], settings) => {
    const [height = 0, width = 0] = weight(size, settings).values.map((side) => side * settings.scale);
    if (!settings.flag('half_pixel_centers') || settings.flag('align_corners')) settings.refuse('by corners');
    return g.apply('ResizeBilinear', [picture(x, settings)], { height, width });
  },
};
