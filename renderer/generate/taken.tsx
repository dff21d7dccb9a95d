// A picture that a job brings, small: its own thumbnail, else the picture itself as the studio keeps it.
import clsx from 'clsx';
import { ImagePlus, X } from 'lucide-react';
import { useState } from 'react';
import { blobUrl } from '../api';
import { shapeText } from '../format';
import { IconButton } from '../ui/button';
import type { InputPicture } from './form';

export function Taken({ picture, name, removeLabel, onRemove }: { picture: InputPicture; name: string; removeLabel: string; onRemove: () => void }) {
  const [seen, setSeen] = useState<{ hash: string; width: number; height: number } | null>(null);
  // A job does not say how large its pictures are; they do.
  const { width, height } = !picture.thumbnail && seen?.hash === picture.hash ? seen : picture;
  return (
    <div className="flex items-center gap-3 rounded-card border border-line bg-raised p-2">
      <InputThumbnail picture={picture} alt={name} className="size-12 rounded-picture border border-line" iconPx={18} onSize={(size) => setSeen({ hash: picture.hash, ...size })} />
      <span className="flex-1 text-dim tabular-nums">{shapeText(width, height)}</span>
      <IconButton icon={X} label={removeLabel} onClick={onRemove} />
    </div>
  );
}

/** An icon stands for a picture that cannot be shown. */
export function InputThumbnail({ picture, alt, className, iconPx, onSize }: {
  picture: InputPicture; alt: string; className: string; iconPx: number; onSize?: (size: { width: number; height: number }) => void;
}) {
  const [broken, setBroken] = useState<string | null>(null);
  const src = picture.thumbnail ?? blobUrl(picture.hash);
  if (broken === src) return <span className={clsx('grid shrink-0 place-items-center bg-hover text-dim', className)}><ImagePlus size={iconPx} aria-hidden /></span>;
  return (
    <img src={src} alt={alt} decoding="async" className={clsx('shrink-0 object-cover', className)} onError={() => setBroken(src)}
      onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) => onSize?.({ width: naturalWidth, height: naturalHeight })} />
  );
}
