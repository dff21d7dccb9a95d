// LoRAs into a checkpoint: every layer that one of them changes is read, changed and written; the rest is copied.
import type { DoraRule } from '../../engine/adapters/change';
import { changed } from '../../engine/adapters/evaluate';
import { AppError } from '../../engine/errors';
import type { Runtime } from '../../engine/pipeline/runtime';
import { float32, sizeOf, type Dims, type Tensor } from '../../engine/tensor';
import { misfit } from '../../engine/weights/lora/misfit';
import { loraModules, type LoraModule, type LoraPart } from '../../engine/weights/lora/modules';
import { loraTargets, targetOf, type LoraTarget } from '../../engine/weights/lora/targets';
import { widen } from '../../engine/weights/lora/widen';
import { isFloat, type FloatDType } from '../../engine/weights/merge/encode';
import { derivedMetadata } from '../../engine/weights/merge/metadata';
import { stored } from '../../engine/weights/merge/plan';
import { baseName, showDims } from '../../engine/weights/safetensors';
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
  readonly precision?: FloatDType;
  readonly dora?: DoraRule;
}

export interface BakeReport extends WrittenModel {
  readonly loras: readonly {
    readonly name: string;
    /** Modules that changed a layer. */
    readonly applied: number;
    /** Layers that the checkpoint does not have; '<layer> bias' where it lacks only the bias. */
    readonly unmatched: readonly string[];
    /** Modules with parts missing. */
    readonly incomplete: readonly string[];
  }[];
}

/** What one module does to one tensor. */
interface Change {
  readonly module: LoraModule;
  readonly multiplier: number;
  readonly field: 'weight' | 'bias';
  readonly target: LoraTarget;
}

/** `runtime` computes the changes. Throws weights.missingTensor when a LoRA fits nothing in the checkpoint, weights.shapeMismatch, and what `refuseInput` and `writeModel` throw. */
export async function bakeLoras(runtime: Runtime, { model: path, loras, out, precision, dora }: BakeRequest, run: ToolRun = {}): Promise<BakeReport> {
  const model = await openModel(path);
  const files = await Promise.all(loras.map((lora) => openModel(lora.path)));
  await refuseInput(out, [model, ...files]);
  const changes = new Map<string, Change[]>();
  const reports = files.map((file, i) => collectChanges(model, file, loras[i]!, changes));
  return withTensors([model, ...files], async (reader) => {
    const tensors = await Promise.all([...model.tensors.values()].map(async (entry): Promise<NewTensor> => {
      const dtype = stored(entry.dtype, entry.name, { precision }), own = changes.get(entry.name), shape = await shapeAfter(reader, entry, own);
      return { name: entry.name, dtype, shape, pieces: () => (own ? changedPieces(reader, entry, { dtype, shape }, own, { runtime, dora }) : castPieces(reader, entry, dtype)) };
    }));
    const baked = await Promise.all(loras.map(async ({ weight, te = weight }, i) => ({ name: baseName(files[i]!.path), sha256: (await hashModel(files[i]!)).sha256, weight, te })));
    const written = await writeModel(out, tensors, derivedMetadata(model.metadata, { atelier_baked_loras: JSON.stringify(baked) }), run);
    return { ...written, loras: reports };
  });
}

function collectChanges(model: WeightFile, file: WeightFile, { weight, te = weight }: LoraUse, changes: Map<string, Change[]>): BakeReport['loras'][number] {
  const { modules } = loraModules(file), targets = loraTargets(model);
  const unmatched: string[] = [], incomplete: string[] = [];
  let applied = 0;
  for (const module of modules) {
    const target = targetOf(module, targets);
    if (module.algorithm === 'incomplete') { incomplete.push(module.layer); continue; }
    if (!target) { unmatched.push(module.layer); continue; }
    const add = (entry: TensorEntry, field: Change['field']): void =>
      void changes.set(entry.name, [...changes.get(entry.name) ?? [], { module, multiplier: target.network === 'unet' ? weight : te, field, target }]);
    const forWeight = changesWeight(module), forBias = changesBias(module);
    if (forWeight) add(target.weight, 'weight');
    if (forBias && target.bias) add(target.bias, 'bias');
    if (forBias && !target.bias) unmatched.push(`${module.layer} bias`);
    if (forWeight || target.bias) applied++;
  }
  if (applied === 0) {
    throw new AppError('weights.missingTensor', {
      message: `${baseName(file.path)} changes no layer of ${baseName(model.path)}${modules.length === 0 ? ': it is no LoRA' : `; its first is ${modules[0]!.layer}`}`,
      hint: incomplete.length > 0 ? 'Parts of its modules are missing. Get an intact version of the file.' : 'Choose a LoRA that was made for this family. `inspect` tells the family of both.',
      data: { file: file.path, unmatched: unmatched.slice(0, 20), incomplete: incomplete.slice(0, 20) },
    });
  }
  return { name: baseName(file.path), applied, unmatched, incomplete };
}

const changesWeight = ({ algorithm, parts }: LoraModule): boolean => algorithm !== 'full' || (parts.diff ?? parts.set_weight) !== undefined;
const changesBias = ({ parts }: LoraModule): boolean => (parts.diffBias ?? parts.upBias) !== undefined;

/** The largest shape that a LoRA's factors ask for; nearly always the tensor's own. */
async function shapeAfter(reader: TensorReader, { shape }: TensorEntry, changes: readonly Change[] = []): Promise<Dims> {
  let after = shape;
  for (const { module: { layer, algorithm, parts: { up, down, reshape_weight: wanted } }, field } of changes) {
    if (!wanted || algorithm !== 'lora' || field === 'bias') continue;
    const asked = [...(await values(reader, wanted)).data];
    // The factors must fill it, so that no file asks for more than it brings.
    const fits = asked.length === shape.length && asked.every((size, axis) => Number.isInteger(size) && size >= shape[axis]!);
    if (!fits || asked[0] !== up!.shape[0] || sizeOf(asked.slice(1)) !== sizeOf(down!.shape.slice(1))) throw misfit(layer, shape, asked);
    after = after.map((size, axis) => Math.max(size, asked[axis]!));
  }
  return after;
}

async function* changedPieces(reader: TensorReader, entry: TensorEntry, { dtype, shape }: Pick<NewTensor, 'dtype' | 'shape'>, changes: readonly Change[], { runtime, dora }: { runtime: Runtime; dora?: DoraRule | undefined }): AsyncIterable<Uint8Array> {
  if (!isFloat(entry.dtype)) throw new AppError('weights.unsupportedDtype', { message: `${entry.name} ${showDims(entry.shape)} holds ${entry.dtype}, not weights`, hint: 'The checkpoint is damaged or of another kind.' });
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
  const parts = await Promise.all(Object.entries(module.parts).map(async ([part, entry]) => [part as LoraPart, await values(reader, entry)] as const));
  return { ...module, parts: Object.fromEntries(parts) as Partial<Record<LoraPart, Tensor>> };
}

const wholeNumbers = { I64: BigInt64Array, I32: Int32Array, I16: Int16Array, I8: Int8Array, U8: Uint8Array, BOOL: Uint8Array };

/** Flags, sizes and some alphas are whole numbers. */
async function values(reader: TensorReader, entry: TensorEntry): Promise<Tensor> {
  if (isFloat(entry.dtype)) return reader.tensor(entry);
  const { buffer } = (await reader.bytes(entry)).slice();
  return float32(entry.shape, Float32Array.from(new wholeNumbers[entry.dtype](buffer), Number));
}
