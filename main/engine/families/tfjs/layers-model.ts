// A Keras network as TensorFlow.js keeps it: layers by name, each with the layers that it reads.
import { AppError } from '../../errors';
import type { Graph, Value } from '../../graph/graph';
import { add, concat, upsample } from '../../nn/layers';
import type { TfjsModel } from '../../weights/tfjs';
import { activated, convolution, type Activation, type Padding } from './layers';
import { lookup } from './weights';

interface Config {
  readonly activation?: string; readonly padding?: Padding; readonly strides?: readonly number[]; readonly use_bias?: boolean; readonly dilation_rate?: readonly number[];
  readonly axis?: number; readonly size?: readonly number[]; readonly interpolation?: string;
}
interface Layer { readonly class_name: string; readonly name: string; readonly config: Config; readonly inbound_nodes: readonly (readonly (readonly [layer: string, ...unknown[]])[])[] }
interface Network { readonly layers: readonly Layer[]; readonly input_layers: readonly (readonly [string, ...unknown[]])[]; readonly output_layers: readonly (readonly [string, ...unknown[]])[] }

/** The network of one input and one output over `x` [B, C, H, W]. Throws model.unsupported for a layer that is not known, weights.missingTensor. */
export function applyLayersModel(g: Graph, model: TfjsModel, x: Value): Value {
  const { layers, input_layers: [input], output_layers: [output] } = networkOf(model), at = lookup(model);
  const known = new Map<string, Value>([[input![0], x]]);
  for (const layer of layers) if (!known.has(layer.name)) known.set(layer.name, g.within(layer.name, () => apply(layer)));
  return known.get(output![0])!;

  function apply({ class_name: kind, name, config, inbound_nodes: [read = []] }: Layer): Value {
    const inputs = read.map(([from]) => known.get(from) ?? missing(from)), [first] = inputs as [Value];
    switch (kind) {
      case 'Conv2D': {
        const { padding = 'valid', strides = [], dilation_rate: dilation = [] } = config, [stride = 1] = strides;
        if ([...strides, ...dilation].some((n, i) => n !== (i < strides.length ? stride : 1))) unknown(`${kind}, strides ${strides.join(' × ')}, dilation ${dilation.join(' × ')}`);
        return convolution(g, first, at(`${name}/kernel`), { padding, stride, bias: config.use_bias === false ? undefined : at(`${name}/bias`), activation: activation(kind, config) });
      }
      case 'Activation': return activated(g, first, activation(kind, config));
      case 'Add': return inputs.reduce((a, b) => add(g, a, b));
      case 'Concatenate': return config.axis === 3 || config.axis === -1 ? concat(g, inputs, 1) : unknown(`${kind}, axis ${config.axis}`);
      case 'UpSampling2D': {
        const [y = 1, times = 1] = config.size ?? [];
        return config.interpolation === 'nearest' ? upsample(g, first, first.dims[2]! * y, first.dims[3]! * times) : unknown(`${kind}, ${config.interpolation}`);
      }
      default: return unknown(kind);
    }
  }

  function activation(kind: string, { activation: name = 'linear' }: Config): Activation {
    return name === 'linear' || name === 'relu' || name === 'relu6' ? name : unknown(`${kind}, ${name}`);
  }
  function missing(key: string): never { throw new AppError('weights.missingTensor', { file: model.file, key }); }
  function unknown(operation: string): never { throw new AppError('model.unsupported', { why: 'operation', file: model.file, operation }); }
}

function networkOf({ topology, file }: TfjsModel): Network {
  const network = (topology as { model_config?: { config?: Partial<Network> } } | undefined)?.model_config?.config;
  if (!Array.isArray(network?.layers) || !network.input_layers?.length || !network.output_layers?.length) throw new AppError('weights.badHeader', { why: 'notObject', file });
  return network as Network;
}
