// What a picture from elsewhere says of how it was made.
import type { PictureReading } from '../../preload/contract/picture-report';
import { programNames } from '../../preload/contract/vocabulary';
import { api } from '../api';
import type { InputPicture } from '../generate/form';
import { t } from '../i18n';

export const programOf = ({ report: { source } }: PictureReading): string => (source === 'none' || source === 'other' ? t('reading.unknown') : programNames[source]);

/** null when it cannot be told: a picture is of use all the same. */
export const readPicture = ({ hash }: InputPicture): Promise<PictureReading | null> => api.pictures.read.query({ blob: hash }).catch(() => null);
