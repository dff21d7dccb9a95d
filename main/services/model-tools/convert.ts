// A model file in another precision or without what no picture needs; pickled checkpoints become safetensors on the way.
import { derivedMetadata } from '../../engine/weights/merge/metadata';
import type { WrittenDType } from '../../engine/weights/dtypes';
import { stored } from '../../engine/weights/merge/plan';
import { isPrunable } from '../../engine/weights/merge/prune';
import { openModel, refuseInput, withTensors } from './tensor-reader';
import { castPieces, writeModel, type NewTensor, type ToolRun, type WrittenModel } from './write-model';

export interface ConvertRequest {
  readonly in: string;
  readonly out: string;
  /** Of all weights; buffers and whole numbers keep theirs. Without it everything does. */
  readonly precision?: WrittenDType;
  readonly prune?: boolean;
}

export interface ConvertReport extends WrittenModel {
  /** Tensors that were left out. */
  readonly dropped: readonly string[];
}

/** Throws what `openModel`, `refuseInput` and `writeModel` throw. */
export async function convertModel({ in: path, out, precision, prune = false }: ConvertRequest, run: ToolRun = {}): Promise<ConvertReport> {
  const model = await openModel(path);
  await refuseInput(out, [model]);
  const all = [...model.tensors.values()];
  const kept = all.filter(({ name }) => !(prune && isPrunable(name)));
  return withTensors([model], async (reader) => {
    const tensors = kept.map((entry): NewTensor => {
      const dtype = stored(entry, { precision });
      return { name: entry.name, dtype, shape: entry.shape, pieces: () => castPieces(reader, entry, dtype) };
    });
    const written = await writeModel(out, tensors, derivedMetadata(model.metadata), run);
    return { ...written, dropped: all.filter((entry) => !kept.includes(entry)).map(({ name }) => name) };
  });
}
