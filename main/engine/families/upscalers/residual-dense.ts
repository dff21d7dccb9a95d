// Residual dense networks (Zhang et al. 2018, arXiv:1802.08797) as UpscalerJS keeps them: they read and give 0…255. Those that come with Atelier.
import { Graph } from '../../graph/graph';
import { mul } from '../../nn/layers';
import type { TfjsModel } from '../../weights/tfjs';
import { applyLayersModel } from '../tfjs/layers-model';
import type { PictureSize, UpscalerNetwork } from './network';

/** Makes pictures as many times larger as its graph says. */
export function residualDenseNetwork(model: TfjsModel): UpscalerNetwork {
  const build = (size: PictureSize): Graph => buildResidualDense(model, size), [upscaled] = build({ batch: 1, height: 1, width: 1 }).outputs;
  return { scale: upscaled!.value.dims[2]!, colors: 3, multiple: 1, build };
}

/** Input `image` [B, 3, H, W] in 0…1. Output `upscaled` [B, 3, scale·H, scale·W], about 0…1. */
export function buildResidualDense(model: TfjsModel, { batch, height, width }: PictureSize): Graph {
  const g = new Graph('residual_dense'), image = g.input('image', 'float32', [batch, 3, height, width]);
  g.output('upscaled', mul(g, applyLayersModel(g, model, mul(g, image, g.scalar(255))), g.scalar(1 / 255)));
  return g;
}
