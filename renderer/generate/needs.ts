// What a model cannot do without and has not got: said beside its field, in the list of models, and instead of a picture that would fail.
import type { ErrorInfo } from '../../preload/contract/errors';
import type { ModelEntry } from '../../preload/contract/model';
import { listed } from '../format';
import { t } from '../i18n';
import { usableWith } from '../models/beside';
import type { Overrides, FormValues } from './form';

type Part = ModelEntry['lacks'][number];

/** SDXL reads two, and so does its U-Net alone. */
export const textEncodersOf = ({ family }: ModelEntry): number => (family === 'sdxl' ? 2 : 1);

/** Parts that are neither inside the file nor chosen. */
export function missingParts(model: ModelEntry, overrides: Overrides | null): Part[] {
  const { vae = model.parts.vae, textEncoders = model.parts.textEncoders } = overrides ?? {};
  const enough = model.kind === 'unet' ? textEncodersOf(model) : 1;
  return model.lacks.filter((part) => (part === 'vae' ? vae === null : textEncoders.length < enough));
}

/** "a VAE and two text encoders" */
export const partWords = (parts: readonly Part[], model: ModelEntry): string =>
  listed(parts.map((part) => (part === 'vae' ? t('needs.vae') : t('needs.textEncoders', { count: textEncodersOf(model) }))));

/** Why no picture can be asked for yet, or null. */
export function obstacle(model: ModelEntry, { overrides, depth, controls }: Pick<FormValues, 'overrides' | 'depth' | 'controls'>): ErrorInfo | null {
  const parts = missingParts(model, overrides);
  if (parts.length > 0) return { code: 'model.needs', data: { why: 'parts', model: model.name, parts: partWords(parts, model) } };
  if (model.variant === 'depth' && !depth) return { code: 'model.needs', data: { why: 'depth', model: model.name } };
  const empty = usableWith(controls, model).find(({ picture }) => !picture);
  return empty ? { code: 'control.noPicture', data: { control: empty.name } } : null;
}
