// A model as a job runs on it: its file, and the files that stand in for parts of it.
import { basename } from 'node:path';
import { mapSlots, slotEntries, slotOf, type PartSlot, type SlotName, type Slots, type WithModel } from '../../../preload/contract/file-slots';
import type { SlotIds } from '../../../preload/contract/job';
import { combineParts, whyNotWhole, type WholeModel } from '../../engine/families/parts';
import type { WeightFile } from '../../engine/weights/source';
import { costOf, type PictureCost } from './cost';
import type { ModelFile } from './describe';

/** What a job asks for, by ids. Parts that are left out are those that go with the model; `vae` null: the model's own. */
export type ModelChoice = WithModel<Pick<SlotIds, 'model' | PartSlot>>;

/** A file as it is now. `hash` is null until it is known. */
export interface KnownFile { readonly id: string; readonly name: string; readonly path: string; readonly hash: string | null }

/** What a file says of itself. `made`: the family that it is for, where that is as good as sure. `outputName`: the name that its trainer gave it. */
export interface Said { readonly made: string | null; readonly outputName: string | undefined }
export const saidOf = ({ entry, identity }: ModelFile): Said => ({ made: entry.madeFor ?? null, outputName: identity?.metadata['ss_output_name'] });

/** A file that goes beside a model. `scale`: of an upscaler, where it is known. */
export interface KnownBeside extends KnownFile, Said { readonly scale: number | null }

/** A model that can make pictures. */
export interface RunnableModel extends KnownFile {
  /** The files that stand in for its own parts. */
  readonly parts: Pick<Slots<KnownFile>, PartSlot>;
  /** Of all its files. */
  readonly sizeBytes: number;
  readonly parameters: number;
  readonly family: string;
  /** What the user says that it predicts, whatever the file says. */
  readonly prediction?: 'eps' | 'v' | undefined;
  /** What a picture of this size in pixels takes to compute. */
  cost(width: number, height: number): PictureCost;
}

/** `weightsOf`: what lies in a file that could be read, the same answer while it is the same. */
interface Composition { readonly file: ModelFile; readonly parts: Pick<Slots<ModelFile>, PartSlot>; readonly weightsOf: (file: ModelFile) => Promise<WeightFile>; readonly prediction: 'eps' | 'v' | undefined }

/** `hashOf`: as far as it is known. Throws what `weightsOf` throws, and why it cannot be used: of the model's own file, of a part that is none, or of what still lacks. */
export async function composeModel({ file, parts, prediction, weightsOf }: Composition, hashOf: (file: ModelFile) => string | null): Promise<RunnableModel> {
  if (file.error) throw file.error;
  const whole = wholeOf(await weightsOf(file), parts.vae && await weightsOf(parts.vae), await Promise.all((parts.textEncoders ?? []).map(weightsOf)));
  const refusal = whyNotWhole(whole);
  if (refusal) throw refusal;
  const { parameters, family } = file.identity!;
  const known = (each: ModelFile, slot: SlotName): KnownFile => knownFile(each, slot, hashOf(each));
  return {
    ...known(file, 'model'), parts: mapSlots(parts, known), parameters, family: family!, prediction,
    sizeBytes: slotEntries(parts).reduce((sum, [, each]) => sum + each.sizeBytes, file.sizeBytes), cost: (width, height) => costOf(whole, width, height),
  };
}

/** As a job in whose `slot` it is names it. */
export const knownFile = ({ entry: { id, name }, path }: ModelFile, slot: SlotName, hash: string | null): KnownFile => ({ id, name: slotOf(slot).withEnding ? basename(path) : name, path, hash });

/** The last few, since an estimate is asked for with every change of a setting. */
const recent: { readonly key: readonly (WeightFile | undefined)[]; readonly whole: WholeModel }[] = [];
const RECENT_KEPT = 4;

/** `combineParts`, the same answer for the same files. */
function wholeOf(model: WeightFile, vae: WeightFile | undefined, textEncoders: readonly WeightFile[]): WholeModel {
  const key = [model, vae, ...textEncoders];
  const known = recent.find((each) => each.key.length === key.length && each.key.every((file, i) => file === key[i]));
  if (known) return known.whole;
  const whole = combineParts(model, { vae, textEncoders });
  recent.unshift({ key, whole });
  recent.length = Math.min(recent.length, RECENT_KEPT);
  return whole;
}
