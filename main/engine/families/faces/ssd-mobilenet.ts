// Finds faces: an SSD (Liu et al. 2016, arXiv:1512.02325) over MobileNet v1 (Howard et al. 2017, arXiv:1704.04861), trained on WIDER FACE; the weights are
// face-api.js's `ssd_mobilenetv1`. It looks at squares of one size, for which its anchors are laid out.
import { Graph, type Value } from '../../graph/graph';
import { add, concat, mul, reshape, transpose } from '../../nn/layers';
import type { TfjsModel, TfjsTensor } from '../../weights/tfjs';
import { convolution, depthwise } from '../tfjs/layers';
import { lookup, type Lookup } from '../tfjs/weights';

export const SSD_SIDE = 512;
/** Of MobileNet's pairs of layers, those that halve the size, and the one that the finest boxes are predicted from. */
const HALVING = [2, 4, 6, 12], FINEST = 11;
const EPSILON = 0.001;

/** Input `image` [1, 3, 512, 512] in 0…255. Outputs, for each anchor, `boxes` [1, N, 4] (how its box differs from the anchor) and `scores` [1, N, 3] (logits: background, face, unused). */
export function buildSsdFaces(model: TfjsModel): Graph {
  const g = new Graph('ssd_faces'), at = lookup(model);
  const image = g.input('image', 'float32', [1, 3, SSD_SIDE, SSD_SIDE]);
  const features = mobileNet(g, at, add(g, mul(g, image, g.scalar(1 / 127.5)), g.scalar(-1)));
  const predicted = [...features, ...smaller(g, at, features[1]!)].map((feature, i) => {
    const predict = (what: string, numbers: number): Value => {
      const prefix = `Prediction/BoxPredictor_${i}/${what}`;
      return perAnchor(g, convolution(g, feature, at(`${prefix}/weights`), { bias: at(`${prefix}/biases`) }), numbers);
    };
    return { boxes: predict('BoxEncodingPredictor', 4), scores: predict('ClassPredictor', 3) };
  });
  g.output('boxes', concat(g, predicted.map(({ boxes }) => boxes), 1));
  g.output('scores', concat(g, predicted.map(({ scores }) => scores), 1));
  return g;
}

/** [top, left, bottom, right] of each anchor, as shares of the square: [N · 4]. */
export const anchorsOf = (model: TfjsModel): Float32Array => lookup(model)('Output/extra_dim').values;

/** → the features at a sixteenth of the size, and at the end, a thirty-second. */
function mobileNet(g: Graph, at: Lookup, x: Value): [Value, Value] {
  let h = pointwise(g, at, x, 'MobilenetV1/Conv2d_0', 2), finest = h;
  for (let i = 1; i <= 13; i++) {
    const { filter, bias } = normed(at, `MobilenetV1/Conv2d_${i}_depthwise`);
    h = depthwise(g, h, filter, { stride: HALVING.includes(i) ? 2 : 1, bias, activation: 'relu6' });
    h = pointwise(g, at, h, `MobilenetV1/Conv2d_${i}`);
    if (i === FINEST) finest = h;
  }
  return [finest, h];
}

/** Four more features, each half as large as the last. */
function smaller(g: Graph, at: Lookup, x: Value): Value[] {
  const features: Value[] = [];
  let h = x;
  for (let i = 0; i < 8; i += 2) {
    h = pointwise(g, at, pointwise(g, at, h, `Prediction/Conv2d_${i}`), `Prediction/Conv2d_${i + 1}`, 2);
    features.push(h);
  }
  return features;
}

const pointwise = (g: Graph, at: Lookup, x: Value, name: string, stride = 1): Value =>
  convolution(g, x, at(`${name}_pointwise/weights`), { stride, bias: at(`${name}_pointwise/convolution_bn_offset`), activation: 'relu6' });

/** A depthwise filter and the batch normalization behind it, as one: filter·γ/√(σ² + ε) and β − μ·γ/√(σ² + ε). */
function normed(at: Lookup, name: string): { filter: TfjsTensor; bias: TfjsTensor } {
  const filter = at(`${name}/depthwise_weights`), channels = filter.dims[2]!;
  const [gamma, beta, mean, variance] = (['gamma', 'beta', 'moving_mean', 'moving_variance'] as const).map((part) => at(`${name}/BatchNorm/${part}`).values) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const scale = gamma.map((value, c) => value / Math.sqrt(variance[c]! + EPSILON));
  return {
    filter: { ...filter, values: filter.values.map((value, i) => value * scale[i % channels]!) },
    bias: { name: `${name}/bias`, dims: [channels], values: beta.map((value, c) => value - mean[c]! * scale[c]!) },
  };
}

/** x [1, A·n, H, W] → [1, H·W·A, n]. */
function perAnchor(g: Graph, x: Value, numbers: number): Value {
  const [, channels, height, width] = x.dims as [number, number, number, number];
  return reshape(g, transpose(g, x, [0, 2, 3, 1]), [1, height * width * channels / numbers, numbers]);
}
