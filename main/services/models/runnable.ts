// A model as a job runs on it: its file, and the files that stand in for parts of it.
import { basename } from 'node:path';
import { combineParts, whyNotWhole, type WholeModel } from '../../engine/families/parts';
import type { WeightFile } from '../../engine/weights/source';
import { costOf, type PictureCost } from './cost';
import type { ModelFile } from './describe';

/** What a job asks for, by ids. Parts that are left out are those that go with the model; `vae` null: the model's own. */
export interface ModelChoice { readonly model: string; readonly vae?: string | null | undefined; readonly textEncoders?: readonly string[] | undefined }

/** A file as it is now. `hash` is null until it is known. */
export interface KnownFile { readonly id: string; readonly name: string; readonly path: string; readonly hash: string | null }

/** A model that can make pictures, with the files that stand in for its own parts. */
export interface RunnableModel extends KnownFile {
  readonly vae: KnownFile | null;
  readonly textEncoders: readonly KnownFile[];
  /** Of all its files. */
  readonly sizeBytes: number;
  readonly parameters: number;
  readonly family: string;
  /** What the user says that it predicts, whatever the file says. */
  readonly prediction?: 'eps' | 'v' | undefined;
  /** What a picture of this size in pixels takes to compute. */
  cost(width: number, height: number): PictureCost;
}

interface Composition { readonly file: ModelFile; readonly vae: ModelFile | null; readonly texts: readonly ModelFile[]; readonly prediction: 'eps' | 'v' | undefined }

/** `hashOf`: as far as it is known. Throws why it cannot be used: of the model's own file, of a part that is none, or of what still lacks. */
export function composeModel({ file, vae, texts, prediction }: Composition, hashOf: (file: ModelFile) => string | null): RunnableModel {
  if (file.error) throw file.error;
  const whole = wholeOf(file.weights!, vae?.weights ?? undefined, texts.flatMap(({ weights }) => weights ?? []));
  const refusal = whyNotWhole(whole);
  if (refusal) throw refusal;
  const { parameters, family } = file.identity!;
  const known = (each: ModelFile, name = each.entry.name): KnownFile => ({ id: each.entry.id, name, path: each.path, hash: hashOf(each) });
  return {
    ...known(file), vae: vae && known(vae, basename(vae.path)), textEncoders: texts.map((text) => known(text)), parameters, family: family!, prediction,
    sizeBytes: [file, vae, ...texts].reduce((sum, each) => sum + (each?.sizeBytes ?? 0), 0), cost: (width, height) => costOf(whole, width, height),
  };
}

/** The last few, since an estimate is asked for with every change of a setting. */
const recent: { readonly key: readonly (WeightFile | undefined)[]; readonly whole: WholeModel }[] = [];
const RECENT_KEPT = 8;

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
