// What a picture goes by: its prompt, or what was done to another.
import type { PictureRecord } from '../../preload/contract/picture';
import { t } from '../i18n';

export const nameOf = ({ job }: PictureRecord): string =>
  (job.kind === 'upscale' ? t('upscale.made', { scale: job.scale, upscaler: job.files.upscaler.name }) : job.prompt || t('stage.untitled'));
