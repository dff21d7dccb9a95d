// The 21 points of a hand: MediaPipe's hand landmark model (Zhang et al. 2020, arXiv:2006.10214), the lite one.
import type { Graph } from '../../graph/graph';
import type { TfjsModel } from '../../weights/tfjs';
import { buildGraphModel } from '../tfjs/graph-model';

export const HAND_SIDE = 224;

/** Input `image` [1, 3, 224, 224] in 0…1: a hand in an upright square, its fingers up. Outputs `points` [1, 63], x, y and depth in pixels of the input, and `presence` [1, 1] in 0…1. */
export const buildHand = (model: TfjsModel): Graph => buildGraphModel(model, {
  name: 'hand', inputs: { image: { node: 'input_1', dims: [1, 3, HAND_SIDE, HAND_SIDE] } }, outputs: { points: 'Identity', presence: 'Identity_1' },
});
