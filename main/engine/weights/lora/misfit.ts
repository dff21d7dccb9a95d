// The errors of LoRAs: of a module that does not fit its layer, of a file in which nothing fits, and of broken modules.
import { AppError } from '../../errors';
import type { Dims } from '../../tensor';
import type { Match } from './match';

/** `got`: the shape that the module has, or its parts that do not fit each other. `want`: the layer's shape. */
export function misfit(layer: string, want: Dims, ...got: readonly Dims[]): AppError {
  return new AppError('lora.misfit', { layer, got: got.map((dims) => [...dims]), want: [...want] });
}

/** `modules`: all that the file has. */
export function changesNothing(files: { file: string; model: string }, modules: readonly { layer: string }[], { incomplete }: Pick<Match<unknown>, 'incomplete'>): AppError {
  const [first] = modules, [half] = incomplete;
  if (!first) return new AppError('lora.changesNothing', { why: 'noLora', ...files });
  return new AppError('lora.changesNothing', half === undefined ? { why: 'family', ...files, layer: first.layer } : { why: 'incomplete', ...files, layer: half });
}
