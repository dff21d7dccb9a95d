// The files of one model on the disk, opened as the one that a job runs on.
import { combineParts, whyNotWhole, type WholeModel } from '../engine/families/parts';
import { openModel } from '../files/model-folder';

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
