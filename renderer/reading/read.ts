// What a picture from elsewhere says of how it was made.
import type { PictureReading, PictureSource } from '../../preload/contract/picture-report';
import { api } from '../api';
import type { InputPicture } from '../generate/form';
import { t } from '../i18n';

const programs: Record<Exclude<PictureSource, 'none'>, string> = {
  atelier: 'Atelier', a1111: 'AUTOMATIC1111', forge: 'Forge', comfyui: 'ComfyUI', invokeai: 'InvokeAI', fooocus: 'Fooocus', novelai: 'NovelAI', drawthings: 'Draw Things',
  easydiffusion: 'Easy Diffusion',
};

export const programOf = ({ report: { source } }: PictureReading): string => (source === 'none' ? t('reading.unknown') : programs[source]);

/** null when it cannot be told: a picture is of use all the same. */
export const readPicture = ({ hash }: InputPicture): Promise<PictureReading | null> => api.pictures.read.query({ blob: hash }).catch(() => null);
