// ONNX files as somebody may have them: a 1×1 convolution over a picture, whose result is known without a runtime.
import { ProtoWriter } from '../../main/engine/graph/protobuf';

interface Options {
  /** Numbers are fixed sides, texts open ones. */
  readonly dims?: readonly (number | string)[];
  /** One row of three for each channel of the output. */
  readonly weights?: readonly (readonly [number, number, number])[];
  /** Where the weights lie, else inside. */
  readonly location?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Channels last: the picture is turned around first. */
  readonly channelsLast?: boolean;
  readonly extraInput?: boolean;
  readonly elementType?: number;
}

export const floats = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

export function userOnnx({ dims = [1, 3, 'height', 'width'], weights = [[1, 0, 0]], location, metadata = {}, channelsLast = false, extraInput = false, elementType = 1 }: Options = {}): Uint8Array {
  const value = (field: number, graph: ProtoWriter, name: string, type: number, sides: readonly (number | string)[]): void => {
    graph.message(field, (info) => info.string(1, name).message(2, (kind) => kind.message(1, (tensor) => tensor.int(1, type).message(2, (shape) => {
      for (const side of sides) shape.message(1, (dim) => (typeof side === 'number' ? dim.int(1, side) : dim.string(2, side)));
    }))));
  };
  const writer = new ProtoWriter().int(1, 8).string(2, 'by hand').message(7, (graph) => {
    if (channelsLast) graph.message(1, (node) => node.string(1, 'image').string(2, 'turned').string(4, 'Transpose').message(5, (attribute) => { attribute.string(1, 'perm').int(20, 7); for (const axis of [0, 3, 1, 2]) attribute.int(8, axis); }));
    graph.message(1, (node) => node.string(1, channelsLast ? 'turned' : 'image').string(1, 'kernel').string(2, 'found').string(4, 'Conv'));
    graph.string(2, 'picture');
    graph.message(5, (tensor) => {
      for (const side of [weights.length, 3, 1, 1]) tensor.int(1, side);
      tensor.int(2, 1).string(8, 'kernel');
      if (location === undefined) tensor.data(9, floats(weights.flat()));
      else tensor.message(13, (entry) => entry.string(1, 'location').string(2, location)).int(14, 1);
    });
    value(11, graph, 'image', elementType, dims);
    value(11, graph, 'kernel', 1, [weights.length, 3, 1, 1]);
    if (extraInput) value(11, graph, 'mask', 1, [1]);
    value(12, graph, 'found', 1, [1, weights.length, 'height', 'width']);
  });
  for (const [key, text] of Object.entries(metadata)) writer.message(14, (entry) => entry.string(1, key).string(2, text));
  return writer.message(8, (opset) => opset.string(1, '').int(2, 13)).finish();
}
