// MoveNet (Google 2021, singlepose lightning): where people's centres are, and where their 17 points. Its own graph goes on to choose one person; ours ends
// where it has said what it sees at each place, so that several can be chosen (vision/people.ts).
import type { Graph } from '../../graph/graph';
import type { TfjsModel } from '../../weights/tfjs';
import { buildGraphModel } from '../tfjs/graph-model';

/** That it was trained at. It runs at any multiple of 32. */
export const MOVENET_SIDE = 192;
/** Pixels of the input that one place of the maps stands for. */
export const MOVENET_STRIDE = 4;

const at = (node: string): string => `StatefulPartitionedCall/${node}`;

/**
 * Input `image` [1, 3, side, side] in 0…255. Outputs at each place: `center` [1, 1, h, w] and `heat` [1, 17, h, w] in 0…1, `regress` [1, 34, h, w] (from a
 * person's centre to each point) and `offset` [1, 34, h, w] (from a place to the point in it), y and x in turn, in places.
 */
export const buildMoveNet = (model: TfjsModel, side: number): Graph => buildGraphModel(model, {
  name: 'movenet', scale: side / MOVENET_SIDE,
  inputs: { image: { node: at('stack'), dims: [1, 3, side, side] } },
  outputs: { center: at('Sigmoid_1'), heat: at('Sigmoid'), regress: at('kpt_regress_0/conv2d_6/BiasAdd'), offset: at('kpt_offset_0/conv2d_7/BiasAdd') },
});
