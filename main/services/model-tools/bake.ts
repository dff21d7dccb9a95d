// LoRAs into a checkpoint: every layer that one of them changes is read, changed and written; the rest is copied.
import type { DoraRule } from '../../engine/adapters/change';
import { changed } from '../../engine/adapters/evaluate';
import { AppError } from '../../engine/errors';
import type { Runtime } from '../../engine/pipeline/runtime';
import { float32, sizeOf, type Dims, type Tensor } from '../../engine/tensor';
import { matchModules, type Match, type ModuleChange } from '../../engine/weights/lora/match';
import { changesNothing, misfit } from '../../engine/weights/lora/misfit';
import { loraModules, type LoraModule, type LoraPart } from '../../engine/weights/lora/modules';
import { loraTargets } from '../../engine/weights/lora/targets';
import { widen } from '../../engine/weights/lora/widen';
import { isFloat, type WrittenDType } from '../../engine/weights/dtypes';
import { derivedMetadata } from '../../engine/weights/merge/metadata';
import { stored } from '../../engine/weights/merge/plan';
import { baseName } from '../../engine/weights/safetensors';
import type { TensorEntry, WeightFile } from '../../engine/weights/source';
import { hashModel } from '../models/file-hashes';
import { openModel, refuseInput, withTensors, type TensorReader } from './tensor-reader';
import { castPieces, encodePieces, writeModel, type NewTensor, type ToolRun, type WrittenModel } from './write-model';

export interface LoraUse {
  readonly path: string;
  /** For the U-Net, and for the text encoders where `te` is not given. */
  readonly weight: number;
  readonly te?: number;
}

export interface BakeRequest {
  readonly model: string;
  /** Applied one after the other. */
  readonly loras: readonly LoraUse[];
  readonly out: string;
  readonly precision?: WrittenDType;
  readonly dora?: DoraRule;
}

export interface BakeReport extends WrittenModel {
  readonly loras: readonly ({ readonly name: string } & Omit<Match<LoraModule>, 'changes'>)[];
}

interface Change extends ModuleChange<LoraModule> { readonly multiplier: number }

/** `runtime` computes the changes. Throws weights.missingTensor when a LoRA fits nothing in the checkpoint, weights.shapeMismatch, and what `refuseInput` and `writeModel` throw. */
export async function bakeLoras(runtime: Runtime, { model: path, loras, out, precision, dora }: BakeRequest, run: ToolRun = {}): Promise<BakeReport> {
  const model = await openModel(path);
  const files = await Promise.all(loras.map((lora) => openModel(lora.path)));
  await refuseInput(out, [model, ...files]);
  const changes = new Map<string, Change[]>();
  const reports = files.map((file, i) => collectChanges(model, file, loras[i]!, changes));
  return withTensors([model, ...files], async (reader) => {
    const tensors = await Promise.all([...model.tensors.values()].map(async (entry): Promise<NewTensor> => {
      const dtype = stored(entry, { precision }), own = changes.get(entry.name), shape = await shapeAfter(reader, entry, own);
      return { name: entry.name, dtype, shape, pieces: () => (own ? changedPieces(reader, entry, { dtype, shape }, own, { runtime, dora }) : castPieces(reader, entry, dtype)) };
    }));
    const baked = await Promise.all(loras.map(async ({ weight, te = weight }, i) => ({ name: baseName(files[i]!.path), sha256: (await hashModel(files[i]!)).sha256, weight, te })));
    const written = await writeModel(out, tensors, derivedMetadata(model.metadata, { atelier_baked_loras: JSON.stringify(baked) }), run);
    return { ...written, loras: reports };
  });
}

function collectChanges(model: WeightFile, file: WeightFile, { weight, te = weight }: LoraUse, changes: Map<string, Change[]>): BakeReport['loras'][number] {
  const { modules } = loraModules(file), { changes: found, ...match } = matchModules(modules, loraTargets(model));
  for (const change of found) {
    const { entry: { name }, target } = change;
    changes.set(name, [...changes.get(name) ?? [], { ...change, multiplier: target.network === 'unet' ? weight : te }]);
  }
  if (match.applied === 0) throw changesNothing({ file: file.path, model: model.path }, modules, match);
  return { name: baseName(file.path), ...match };
}

/** The largest shape that a LoRA's factors ask for; nearly always the tensor's own. */
async function shapeAfter(reader: TensorReader, { shape }: TensorEntry, changes: readonly Change[] = []): Promise<Dims> {
  let after = shape;
  for (const { module: { layer, algorithm, parts: { up, down, reshape_weight: wanted } }, field } of changes) {
    if (!wanted || algorithm !== 'lora' || field === 'bias') continue;
    const asked = [...(await reader.numbers(wanted)).data];
    // The factors must fill it, so that no file asks for more than it brings.
    const fits = asked.length === shape.length && asked.every((size, axis) => Number.isInteger(size) && size >= shape[axis]!);
    if (!fits || asked[0] !== up!.shape[0] || sizeOf(asked.slice(1)) !== sizeOf(down!.shape.slice(1))) throw misfit(layer, shape, asked);
    after = after.map((size, axis) => Math.max(size, asked[axis]!));
  }
  return after;
}

async function* changedPieces(reader: TensorReader, entry: TensorEntry, { dtype, shape }: Pick<NewTensor, 'dtype' | 'shape'>, changes: readonly Change[], { runtime, dora }: { runtime: Runtime; dora?: DoraRule | undefined }): AsyncIterable<Uint8Array> {
  if (!isFloat(entry.dtype)) throw new AppError('weights.unsupportedDtype', { why: 'wholeNumbers', file: entry.file!, key: entry.name, dtype: entry.dtype, shape: [...entry.shape] });
  const before = await reader.floats(entry), weight = shape === entry.shape ? before : widen(before, entry.shape, shape);
  const [rows = 1, ...rest] = shape, rowSize = sizeOf(rest);
  for (const { module, multiplier, field, target } of changes) {
    const { start, count } = target.rows ?? { start: 0, count: rows };
    const part = float32([count, ...rest], weight.subarray(start * rowSize, (start + count) * rowSize));
    const { data } = await changed(runtime, part, await load(reader, module), { field, strength: multiplier, dora, transposed: target.transposed && field === 'weight' });
    part.data.set(data);
  }
  yield* encodePieces(weight, dtype);
}

async function load(reader: TensorReader, module: LoraModule): Promise<LoraModule<Tensor>> {
  const parts = await Promise.all(Object.entries(module.parts).map(async ([part, entry]) => [part as LoraPart, await reader.numbers(entry)] as const));
  return { ...module, parts: Object.fromEntries(parts) as Partial<Record<LoraPart, Tensor>> };
}
