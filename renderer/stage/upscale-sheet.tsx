// By which upscaler and how many times as large: a small sheet over the stage.
import { X } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PictureRecord } from '../../preload/contract/picture';
import { listedName } from '../format';
import { useParts } from '../queries';
import { Button, iconButton } from '../ui/button';
import { Field } from '../ui/field';
import { Segmented } from '../ui/segmented';
import { Select } from '../ui/select';
import { closeUpscale, startUpscale, useUpscaling } from './upscale';

export function UpscaleSheet() {
  const picture = useUpscaling((state) => state.picture);
  return picture && <Sheet key={picture.id} picture={picture} />;
}

function Sheet({ picture }: { picture: PictureRecord }) {
  const { t } = useTranslation();
  const { data: parts = [] } = useParts();
  const upscalers = parts.filter(({ kind }) => kind === 'upscaler');
  const [chosen, setChosen] = useState<string | null>(null), [factor, setFactor] = useState<number | null>(null);
  const upscaler = upscalers.find(({ id }) => id === chosen) ?? upscalers[0], own = Math.min(4, upscaler?.scale ?? 4), scale = factor ?? own;
  const factors = own === 1 ? [1, 2, 3, 4] : [2, 3, 4];      // one that cleans a picture
  const size = { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) };
  return (
    <div role="dialog" aria-label={t('upscale.name')} onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        closeUpscale();
      }}
      className="absolute bottom-4 left-1/2 z-30 flex w-80 -translate-x-1/2 animate-in flex-col gap-4 rounded-dock border border-line bg-panel p-4 shadow-2xl shadow-shade">
      <div className="flex items-center justify-between">
        <p className="font-medium">{t('upscale.name')}</p>
        <button type="button" autoFocus aria-label={t('common.dismiss')} className={iconButton} onClick={closeUpscale}><X size={16} aria-hidden /></button>
      </div>
      {!upscaler ? <p className="text-dim">{t('upscale.none')}</p> : (
        <>
          <Field name={t('upscale.by')}>
            <Select label={t('upscale.by')} value={upscaler.id} onChange={setChosen} choices={upscalers.map((each) => ({ value: each.id, label: listedName(each) }))} />
          </Field>
          <Field name={t('upscale.times')} value={t('upscale.size', size)}>
            <Segmented label={t('upscale.times')} value={String(scale)} stretch onChange={(value) => setFactor(Number(value))} choices={factors.map((n) => ({ value: String(n), label: t('upscale.factor', { n }) }))} />
          </Field>
          <Button look="main" onClick={() => void startUpscale(picture, upscaler.id, scale)}>{t('upscale.go')}</Button>
        </>
      )}
    </div>
  );
}
