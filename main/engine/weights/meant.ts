// A file's tensors as they are meant: under the network's own names, and with the factors that belong to them. Names and shapes tell; no bytes are read.
import { pairFactors } from './quantized/factors';
import type { WeightFile } from './source';
import { unwrapNames } from './wrapped-names';

const known = new WeakMap<WeightFile, WeightFile>();

/** The same for what is so already. */
export function meantBy(file: WeightFile): WeightFile {
  const found = known.get(file) ?? pairFactors(unwrapNames(file));
  known.set(file, found).set(found, found);
  return found;
}
