// What a control's network will read: its picture as the preprocessor makes it, at the size of the new one.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { preprocessorOf } from '../../preload/contract/preprocessors';
import { api, errorInfoOf } from '../api';
import { said } from '../i18n';
import { useForm, type ChosenControl } from './form';
import { firstSize } from './sizes';

export function ControlPreview({ name, image, settings: { preprocessor, resize } }: { name: string; image: string; settings: Pick<ChosenControl['settings'], 'preprocessor' | 'resize'> }) {
  const { t } = useTranslation();
  const { width, height } = useForm(useShallow(firstSize));
  const looks = preprocessor !== undefined && preprocessorOf(preprocessor.name).looks;
  const asked = { image, preprocessor, resize, width, height };
  const { data, error } = useQuery({ queryKey: ['control-picture', asked], queryFn: () => api.pictures.control.query(asked), enabled: !looks, placeholderData: keepPreviousData, staleTime: Infinity, gcTime: 60_000 });
  if (looks) return <p className="text-hint text-dim">{t('controls.previewLater')}</p>;
  if (error) return <p role="alert" className="text-hint break-words text-accent-text">{said(errorInfoOf(error))}</p>;
  // Its place is kept while it is made.
  return <div className="flex h-32 justify-center overflow-hidden rounded-picture border border-line bg-ground">{data && <img src={data.picture} alt={t('controls.preview', { name })} className="size-full object-contain" />}</div>;
}
