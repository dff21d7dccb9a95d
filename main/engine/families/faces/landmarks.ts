// The 68 points of a face (iBUG 300-W's): dense blocks of depthwise separable convolutions. The weights are face-api.js's `face_landmark_68`.
import { Graph, type Value } from '../../graph/graph';
import { add, mul, relu } from '../../nn/layers';
import type { TfjsModel } from '../../weights/tfjs';
import { channelMeans, convolution, dense, depthwise } from '../tfjs/layers';
import { lookup, type Lookup } from '../tfjs/weights';

export const LANDMARK_SIDE = 112;
/** [R, G, B] */
const MEAN = [122.782, 117.001, 104.298];

/** Input `image` [1, 3, 112, 112] in 0…255: a face that fills the square. Output `points` [1, 136]: x and y in turn, as shares of the side. */
export function buildFaceLandmarks(model: TfjsModel): Graph {
  const g = new Graph('face_landmarks'), at = lookup(model);
  const image = g.input('image', 'float32', [1, 3, LANDMARK_SIDE, LANDMARK_SIDE]);
  const centred = g.apply('Sub', [image, g.constant('float32', [3, 1, 1], Float32Array.from(MEAN))]);
  let h = mul(g, centred, g.scalar(1 / 255));
  for (let i = 0; i < 4; i++) h = denseBlock(g, at, `dense${i}`, h, i === 0);
  g.output('points', dense(g, channelMeans(g, h), at('fc/weights'), at('fc/bias')));
  return g;
}

/** Four layers, the first of which halves the size; each of the others reads the sum of those before it. */
function denseBlock(g: Graph, at: Lookup, name: string, x: Value, isFirst: boolean): Value {
  const first = isFirst ? convolution(g, x, at(`${name}/conv0/filters`), { stride: 2, bias: at(`${name}/conv0/bias`) }) : separable(g, at, `${name}/conv0`, x, 2);
  const outs = [relu(g, first)];
  for (let i = 1; i < 4; i++) outs.push(separable(g, at, `${name}/conv${i}`, sum(g, outs)));
  return sum(g, outs);
}

/** Through a ReLU, which the first of them has been through. */
const sum = (g: Graph, [first, ...more]: readonly Value[]): Value => (more.length ? relu(g, add(g, first!, more.reduceRight((all, each) => add(g, each, all)))) : first!);

const separable = (g: Graph, at: Lookup, name: string, x: Value, stride = 1): Value =>
  convolution(g, depthwise(g, x, at(`${name}/depthwise_filter`), { stride }), at(`${name}/pointwise_filter`), { bias: at(`${name}/bias`) });
