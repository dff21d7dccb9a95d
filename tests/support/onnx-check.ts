// Whether the bytes of a model are one that any runtime may open: names, order, operators with their types and shapes, and nothing in it for nothing.
import { readModel, type ElementType, type OnnxModel, type OnnxTensor } from './onnx-model';
import { infer, product, type Known } from './onnx-operators';

export interface Finding {
  /** `dead`: right, and of no use to any output. */
  readonly kind: 'version' | 'name' | 'order' | 'output' | 'operator' | 'data' | 'dead';
  readonly message: string;
}

/** What is wrong with a model, nothing when all is well. Throws where the bytes are no model. */
export const validateModel = (bytes: Uint8Array): Finding[] => [...findings(readModel(bytes))];

function* findings(model: OnnxModel): Generator<Finding> {
  yield* versions(model);
  yield* names(model);
  for (const tensor of model.initializers) yield* data(tensor);
  yield* computation(model);
  yield* dead(model);
}

/** IR version 10 came with opset 21's ONNX and reads 20; a node's domain must be among the imports. */
function* versions({ irVersion, opsets, nodes }: OnnxModel): Generator<Finding> {
  if (irVersion !== 10 || opsets[''] !== 20 || (opsets['com.microsoft'] ?? 1) !== 1) yield { kind: 'version', message: `IR version ${irVersion}, opsets ${JSON.stringify(opsets)}` };
  for (const domain of new Set(nodes.map((node) => node.domain))) if (!(domain in opsets)) yield { kind: 'version', message: `domain '${domain}' is not imported` };
}

function* names({ nodes, inputs, initializers, outputs }: OnnxModel): Generator<Finding> {
  const values = [...inputs, ...initializers].map(({ name }) => name).concat(nodes.flatMap((node) => node.outputs));
  for (const [what, all] of [['value', values], ['output', outputs.map(({ name }) => name)], ['node', nodes.map(({ name }) => name)]] as const) {
    for (const name of repeated(all)) yield { kind: 'name', message: `more than one ${what} is named '${name}'` };
    if (all.includes('')) yield { kind: 'name', message: `a ${what} has no name` };
  }
}

/** Bytes of the model or of a file below its folder, as many as the tensor has. */
function* data({ name, type, dims, raw, external }: OnnxTensor): Generator<Finding> {
  const expected = product(dims) * elementBytes[type];
  if ((raw === null) === (external === null)) yield { kind: 'data', message: `${name} has its values in ${raw ? 'two places' : 'no place'}` };
  if (raw && raw.length !== expected) yield { kind: 'data', message: `${name} has ${raw.length} bytes for ${type} [${dims}]` };
  if (!external) return;
  const { location = '', offset = '0', length, ...others } = external;
  if (!/^\d+$/.test(offset) || length !== String(expected)) yield { kind: 'data', message: `${name} has ${length} bytes from ${offset} on for ${type} [${dims}]` };
  if (!location || /^[/\\]|^[a-z]:|(?:^|\/)\.\.(?:\/|$)/i.test(location)) yield { kind: 'data', message: `${name} is at '${location}', which is not below the model's folder` };
  if (Object.keys(others).length > 0) yield { kind: 'data', message: `${name} has external ${Object.keys(others)}` };
}

/** Node by node: what it reads is there already, its operator takes it, and the outputs are what the model says. */
function* computation({ nodes, inputs, initializers, outputs }: OnnxModel): Generator<Finding> {
  const known = new Map<string, Known | 'wrong'>(inputs.map(({ name, type, dims }) => [name, { type, dims }]));
  for (const tensor of initializers) known.set(tensor.name, { type: tensor.type, dims: tensor.dims, values: wholeNumbers(tensor) });
  for (const node of nodes) {
    const missing = node.inputs.filter((name) => name && !known.has(name)), given = node.inputs.map((name) => known.get(name));
    for (const name of missing) yield { kind: 'order', message: `${node.name} (${node.type}) reads ${name}, which is not there yet` };
    let result: Known | 'wrong' = 'wrong';
    // What follows from a wrong value is not told again.
    if (missing.length === 0 && !given.includes('wrong')) {
      try {
        result = infer(node, given as (Known | undefined)[]);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        yield { kind: 'operator', message: `${node.name}: ${node.type} ${error.message}` };
      }
    }
    for (const name of node.outputs) known.set(name, result);
  }
  const computed = new Set(nodes.flatMap((node) => node.outputs));
  for (const { name, type, dims } of outputs) {
    const value = known.get(name);
    if (!computed.has(name)) yield { kind: 'output', message: `no node gives the output ${name}` };
    else if (value !== 'wrong' && (value!.type !== type || String(value!.dims) !== String(dims))) {
      yield { kind: 'output', message: `${name} is ${value!.type} [${value!.dims}], and the model says ${type} [${dims}]` };
    }
  }
}

/** Nodes, initializers and inputs that no output needs. */
function* dead({ nodes, inputs, initializers, outputs }: OnnxModel): Generator<Finding> {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const))), needed = new Set(outputs.map(({ name }) => name));
  // A set's own loop comes to what is added meanwhile.
  for (const name of needed) for (const input of makers.get(name)?.inputs ?? []) needed.add(input);
  for (const node of nodes) if (!node.outputs.some((name) => needed.has(name))) yield { kind: 'dead', message: `nothing needs ${node.name} (${node.type}) → ${node.outputs}` };
  for (const { name } of [...inputs, ...initializers]) if (!needed.has(name)) yield { kind: 'dead', message: `nothing needs ${name}` };
}

const elementBytes: Readonly<Record<ElementType, number>> = { float32: 4, uint8: 1, int32: 4, int64: 8, float16: 2, float64: 8, bfloat16: 2, float8e4m3: 1, float8e4m3fnuz: 1, float8e5m2: 1, float8e5m2fnuz: 1 };

const repeated = (names: readonly string[]): Set<string> => {
  const seen = new Set<string>();
  return new Set(names.filter((name) => seen.size === seen.add(name).size));
};

/** Of shapes and axes. */
function wholeNumbers({ type, raw, dims }: OnnxTensor): number[] | undefined {
  if (type !== 'int64' || !raw || dims.length > 1) return undefined;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Array.from({ length: raw.length >> 3 }, (_, i) => Number(view.getBigInt64(i * 8, true)));
}
