// A LoRA's file, ready to be put on models: its modules, with what the form of the graph hangs on read ahead. All else stays in the file.
import { AppError } from '../errors';
import type { Tensor } from '../tensor';
import { matchModules, type Match } from '../weights/lora/match';
import { loraModules, type LoraModule, type LoraPart, type LoraParts } from '../weights/lora/modules';
import type { LoraTargets } from '../weights/lora/targets';
import type { TensorEntry, WeightFile } from '../weights/source';
import { isReadAhead, prepareModule, type Adapter } from './module';

/** Tensors in the file, and those that were made of what was read. */
export type ReadyModule = Adapter<TensorEntry | Tensor>;

export interface Lora {
  readonly file: WeightFile;
  /** Tells contents apart: two files of one version are the same. */
  readonly version: string;
  readonly modules: readonly ReadyModule[];
}

/** `read`: values of a tensor of its, whole numbers too. Throws lora.broken naming the layer, and what `read` throws. */
export async function openLora(file: WeightFile, version: string, read: (entry: TensorEntry) => Promise<Tensor>): Promise<Lora> {
  const modules: ReadyModule[] = [];
  for (const module of loraModules(file).modules) {
    if (module.algorithm === 'incomplete' && Object.keys(module.parts).every((part) => part === 'alpha')) continue;      // of a layer that a trainer left out
    checkWhole(file, module);
    const parts: [LoraPart, Tensor][] = [];
    for (const [part, entry] of Object.entries(module.parts)) if (isReadAhead(part)) parts.push([part as LoraPart, await read(entry)]);
    const ahead: LoraParts<Tensor> = Object.fromEntries(parts), blocks = ahead.oft_blocks ?? ahead.oft_diag;
    modules.push(prepareModule(module, ahead, blocks ? (blocks.dims.at(-1) ?? 0) * (blocks.dims.at(-3) ?? 0) : 0));
  }
  return { file, version, modules };
}

function checkWhole(file: WeightFile, { layer, algorithm, parts }: LoraModule): void {
  if (algorithm === 'incomplete') throw new AppError('lora.broken', { why: 'half', file: file.path, layer });
  if (Object.values(parts).some(({ shape }) => shape.includes(0))) throw new AppError('lora.broken', { why: 'rank', file: file.path, layer });
}

/** `targets`: of all networks of the model that may change. */
export const matchLora = ({ modules }: Lora, targets: LoraTargets): Match<ReadyModule> => matchModules(modules, targets);
