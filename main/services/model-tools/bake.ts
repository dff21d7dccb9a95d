// LoRAs into a checkpoint: every layer that one of them changes is read, changed and written; the rest is copied.
import { AppError } from '../../engine/errors';
import { sizeOf, type Tensor } from '../../engine/tensor';
import { applyToBias, applyToWeight, type DoraRule, type LoadedModule } from '../../engine/weights/lora/dense';
import { loraModules, type LoraModule, type LoraPart } from '../../engine/weights/lora/modules';
import { loraTargets, targetOf, type LoraTarget } from '../../engine/weights/lora/targets';
import { isFloat, type FloatDType } from '../../engine/weights/merge/encode';
import { derivedMetadata } from '../../engine/weights/merge/metadata';
import { stored } from '../../engine/weights/merge/plan';
import { baseName, showDims } from '../../engine/weights/safetensors';
import type { TensorEntry, WeightFile } from '../../engine/weights/source';
import { hashModel } from '../hashes';
import { openModel, withTensors, type TensorReader } from './tensor-reader';
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
    /** Layers that the checkpoint does not have. */
    readonly unmatched: readonly string[];
    /** Modules of a kind that cannot be baked (IA³, GLoRA, OFT, …). */
    readonly unsupported: readonly string[];
  }[];
}

/** What one module does to one tensor. */
interface Change {
  readonly module: LoraModule;
  readonly multiplier: number;
  readonly field: 'weight' | 'bias';
  readonly rows?: LoraTarget['rows'];
}

/** Throws weights.missingTensor when a LoRA fits nothing in the checkpoint, weights.shapeMismatch, and what `writeModel` throws. */
export async function bakeLoras({ model: path, loras, out, precision, dora }: BakeRequest, run: ToolRun = {}): Promise<BakeReport> {
  const model = await openModel(path);
  const files = await Promise.all(loras.map((lora) => openModel(lora.path)));
  const changes = new Map<string, Change[]>();
  const reports = files.map((file, i) => collectChanges(model, file, loras[i]!, changes));
  return withTensors([model, ...files], async (reader) => {
    const tensors = [...model.tensors.values()].map((entry): NewTensor => {
      const dtype = stored(entry.dtype, entry.name, { precision }), own = changes.get(entry.name);
      return { name: entry.name, dtype, shape: entry.shape, pieces: () => (own ? changedPieces(reader, entry, dtype, own, dora) : castPieces(reader, entry, dtype)) };
    });
    const baked = await Promise.all(loras.map(async ({ weight, te = weight }, i) => ({ name: baseName(files[i]!.path), sha256: (await hashModel(files[i]!)).sha256, weight, te })));
    const written = await writeModel(out, tensors, derivedMetadata(model.metadata, { atelier_baked_loras: JSON.stringify(baked) }), run);
    return { ...written, loras: reports };
  });
}

function collectChanges(model: WeightFile, file: WeightFile, { weight, te = weight }: LoraUse, changes: Map<string, Change[]>): BakeReport['loras'][number] {
  const { modules } = loraModules(file), targets = loraTargets(model);
  const unmatched: string[] = [], unsupported: string[] = [];
  let applied = 0;
  for (const module of modules) {
    const target = targetOf(module, targets);
    if (module.algorithm === 'unsupported') unsupported.push(module.layer);
    else if (!target || (module.parts.diffBias && !target.bias)) unmatched.push(module.layer);
    else {
      applied++;
      const multiplier = target.network === 'unet' ? weight : te, { rows } = target;
      const add = (entry: TensorEntry, field: Change['field']): void => void changes.set(entry.name, [...changes.get(entry.name) ?? [], { module, multiplier, field, rows }]);
      if (hasWeight(module)) add(target.weight, 'weight');
      if (module.parts.diffBias) add(target.bias!, 'bias');
    }
  }
  if (applied === 0) {
    throw new AppError('weights.missingTensor', {
      message: `${baseName(file.path)} changes no layer of ${baseName(model.path)}${modules.length === 0 ? ': it is no LoRA' : `; its first is ${modules[0]!.layer}`}`,
      hint: unsupported.length > 0 ? 'LoRA, LoCon, LoHa, LoKr, DoRA and full differences can be baked; IA³, GLoRA and OFT cannot.' : 'Choose a LoRA that was made for this family. `inspect` tells the family of both.',
      data: { file: file.path, unmatched: unmatched.slice(0, 20), unsupported: unsupported.slice(0, 20) },
    });
  }
  return { name: baseName(file.path), applied, unmatched, unsupported };
}

const hasWeight = ({ algorithm, parts }: LoraModule): boolean => algorithm !== 'full' || parts.diff !== undefined;

async function* changedPieces(reader: TensorReader, entry: TensorEntry, dtype: TensorEntry['dtype'], changes: readonly Change[], dora?: DoraRule): AsyncIterable<Uint8Array> {
  if (!isFloat(entry.dtype)) throw new AppError('weights.unsupportedDtype', { message: `${entry.name} ${showDims(entry.shape)} holds ${entry.dtype}, not weights`, hint: 'The checkpoint is damaged or of another kind.' });
  const values = await reader.floats(entry);
  const rowSize = sizeOf(entry.shape.slice(1));
  for (const { module, multiplier, field, rows } of changes) {
    const loaded = await load(reader, module);
    const { start, count } = rows ?? { start: 0, count: entry.shape[0]! };
    const part = values.subarray(start * rowSize, (start + count) * rowSize);
    if (field === 'weight') applyToWeight(part, [count, ...entry.shape.slice(1)], loaded, multiplier, dora);
    else applyToBias(part, loaded, multiplier);
  }
  yield* encodePieces(values, dtype);
}

async function load(reader: TensorReader, module: LoraModule): Promise<LoadedModule> {
  const parts = await Promise.all(Object.entries(module.parts).map(async ([part, entry]) => [part as LoraPart, await reader.tensor(entry)] as const));
  return { ...module, parts: Object.fromEntries(parts) as Partial<Record<LoraPart, Tensor>> };
}
