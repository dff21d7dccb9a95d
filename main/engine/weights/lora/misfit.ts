// The one error of a module that does not fit its layer.
import { AppError } from '../../errors';
import type { Dims } from '../../tensor';
import { showDims } from '../safetensors';

/** `got`: the shape that the module has, or its parts that do not fit each other. `want`: the layer's shape. */
export function misfit(layer: string, want: Dims, ...got: readonly Dims[]): AppError {
  return new AppError('weights.shapeMismatch', {
    message: `The LoRA's ${layer} is ${got.map(showDims).join(' and ')}, for a layer of ${showDims(want)}`,
    hint: 'It was made for another kind of model. `inspect` tells which family a LoRA is for.',
    data: { key: layer, got, want },
  });
}
