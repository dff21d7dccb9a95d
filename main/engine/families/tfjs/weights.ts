// Weights of a network that no file describes: asked for by name, with the number of dimensions that its code means them to have.
import { AppError } from '../../errors';
import type { TfjsModel, TfjsTensor } from '../../weights/tfjs';

export type Lookup = (name: string) => TfjsTensor;

/** Throws weights.missingTensor. */
export const lookup = ({ tensors, file }: TfjsModel): Lookup => (name) => {
  const tensor = tensors.get(name);
  if (!tensor) throw new AppError('weights.missingTensor', { file, key: name });
  return tensor;
};
