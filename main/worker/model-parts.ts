// The files of one model on the disk, opened as the one that a job runs on.
import { combineParts, whyNotWhole, type WholeModel } from '../engine/families/parts';
import { openModel } from '../files/model-folder';
import { stampOf } from '../files/stamp';

/** Absolute paths: the model's file or folder, and those that stand in for its own parts. */
export interface ModelPaths {
  readonly model: string;
  readonly vae?: string | undefined;
  readonly textEncoders?: readonly string[] | undefined;
}

export const pathsOf = ({ model, vae, textEncoders = [] }: ModelPaths): string[] => [model, ...(vae === undefined ? [] : [vae]), ...textEncoders];

/** Throws file.*, weights.*, model.* when they are not a model that runs. */
export async function openParts({ model, vae, textEncoders = [] }: ModelPaths): Promise<WholeModel> {
  const [file, vaeFile, ...texts] = await Promise.all([openModel(model), vae === undefined ? undefined : openModel(vae), ...textEncoders.map(openModel)]);
  const whole = combineParts(file, { vae: vaeFile, textEncoders: texts.filter((text) => text !== undefined) });
  const refusal = whyNotWhole(whole);
  if (refusal) throw refusal;
  return whole;
}

/** The files as they are now: another date or size is another version. */
export async function versionOf(paths: ModelPaths): Promise<{ version: string; sizeBytes: number }> {
  const stamps = await Promise.all(pathsOf(paths).map(stampOf));
  return { version: stamps.map((stamp) => `${stamp?.mtimeMs} ${stamp?.sizeBytes}`).join(), sizeBytes: stamps.reduce((sum, stamp) => sum + (stamp?.sizeBytes ?? 0), 0) };
}
