// Merges of checkpoints: plan from the headers, hashes for the recipe, then piece by piece through all tensors.
import { extname } from 'node:path';
import { AppError } from '../../engine/errors';
import { identify } from '../../engine/identify/identify';
import { sizeOf } from '../../engine/tensor';
import { addDifference, putChannels, takeChannels, weightedSum } from '../../engine/weights/merge/algebra';
import { derivedMetadata, mergeMetadata, type MergedModel } from '../../engine/weights/merge/metadata';
import { planMerge, type MergeOptions, type MergePlan, type PlannedTensor } from '../../engine/weights/merge/plan';
import { baseName } from '../../engine/weights/safetensors';
import type { WeightFile } from '../../engine/weights/source';
import { hashModel } from '../models/file-hashes';
import { openModel, refuseInput, withTensors, type TensorReader } from './tensor-reader';
import { castPieces, encodePieces, plannedBytes, ranges, writeModel, type NewTensor, type ToolRun, type WrittenModel } from './write-model';

export interface MergeRequest extends MergeOptions {
  readonly a: string;
  readonly b: string;
  /** For add-difference. */
  readonly c?: string;
  readonly out: string;
  /** Only says what would be written. */
  readonly dryRun?: boolean;
}

export interface MergeReport extends WrittenModel, Pick<MergePlan, 'merged' | 'onlyA' | 'onlyB' | 'variant'> {
  readonly dryRun: boolean;
}

/** Throws model.notACheckpoint for LoRAs, and what `refuseInput`, `planMerge` and `writeModel` throw. */
export async function mergeModels(request: MergeRequest, run: ToolRun = {}): Promise<MergeReport> {
  const { a, b, c, out, dryRun = false } = request;
  const models = await Promise.all([a, b, ...(request.mode === 'add-difference' && c !== undefined ? [c] : [])].map(openModel));
  models.forEach(refuseLora);
  await refuseInput(out, models);
  const plan = planMerge(models[0]!, models[1]!, models[2], request);
  const { merged, onlyA, onlyB, variant } = plan;
  return withTensors(models, async (reader) => {
    const tensors = plan.tensors.map((tensor): NewTensor => ({ ...tensor, pieces: () => mergedPieces(reader, tensor) }));
    const written = dryRun
      ? { path: out, sizeBytes: plannedBytes(tensors, {}), tensors: tensors.length, notFinite: [] }
      : await writeModel(out, tensors, await metadataFor(models, request, plan, run), run);
    return { ...written, dryRun, merged, onlyA, onlyB, variant };
  });
}

/** The mean of two products is not the product of the means. */
function refuseLora(file: WeightFile): void {
  if (identify(file).kind !== 'lora') return;
  throw new AppError('merge.lora', { file: file.path });
}

async function metadataFor(models: readonly WeightFile[], { out, mode, multiplier, blocks, precision, prune = false }: MergeRequest, { variant }: MergePlan, { signal }: ToolRun): Promise<Record<string, string>> {
  const name = baseName(out).slice(0, -extname(out).length || undefined);
  const hashed: MergedModel[] = [];
  for (const file of models) hashed.push({ name: baseName(file.path), metadata: file.metadata, ...await hashModel(file, { signal }) });
  const facts = { models: hashed, mode, multiplier, blocks, isHalf: precision === 'F16', isPruned: prune, variant, name };
  return derivedMetadata(models[0]!.metadata, mergeMetadata(facts));
}

async function* mergedPieces(reader: TensorReader, { a, b, c, dtype, multiplier }: PlannedTensor): AsyncIterable<Uint8Array> {
  if (!b) { yield* castPieces(reader, a, dtype); return; }
  const combine = async (values: Float32Array, start: number, count: number): Promise<Float32Array> => {
    const others = await reader.floats(b, start, count);
    return c ? addDifference(values, others, await reader.floats(c, start, count), multiplier) : weightedSum(values, others, multiplier);
  };
  const elements = sizeOf(b.shape);
  if (elements === sizeOf(a.shape)) {
    for (const [start, count] of ranges(elements)) yield* encodePieces(await combine(await reader.floats(a, start, count), start, count), dtype);
    return;
  }
  // A's extra input channels stay as they are. This is the network's first layer, a small one.
  const [, wide = 0] = a.shape, [, narrow = 0] = b.shape, each = sizeOf(a.shape.slice(2));
  const values = await reader.floats(a);
  yield* encodePieces(putChannels(values, await combine(takeChannels(values, wide, narrow, each), 0, elements), wide, narrow, each), dtype);
}
