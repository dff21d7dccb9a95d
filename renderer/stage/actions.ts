// What can be done with a finished picture. The menu under it and the strip's menu show this list.
import { ClipboardCopy, Copy, Download, ExternalLink, ImagePlus, PenLine, RotateCcw, Sparkles, Trash2, type LucideIcon } from 'lucide-react';
import type { PictureRecord } from '../../preload/contract/picture';
import { pictureUrl } from '../api';
import { editWords, moreLike, reuse } from '../generate/request';
import { startFromPicture } from '../generate/start-picture';
import { deletePicture } from '../strip/pictures';
import { copy } from '../ui/copy';

interface PictureAction<Picture = PictureRecord> {
  id: 'more' | 'reuse' | 'editWords' | 'start' | 'download' | 'open' | 'copyPrompt' | 'copyParameters' | 'delete';
  icon: LucideIcon;
  run: (picture: Picture) => unknown;
  /** Set off from those above by a line. */
  apart?: boolean;
}

/** What can be done with the file alone. */
const open: PictureAction<{ id: string }> = { id: 'open', icon: ExternalLink, run: (picture) => window.open(pictureUrl(picture.id), '_blank', 'noopener') };
const remove: PictureAction<{ id: string }> = { id: 'delete', icon: Trash2, run: deletePicture, apart: true };

export const unreadableActions = [open, remove] as const;

export const pictureActions: readonly PictureAction[] = [
  { id: 'more', icon: Sparkles, run: moreLike },
  { id: 'reuse', icon: RotateCcw, run: (picture) => void reuse(picture.job) },
  { id: 'editWords', icon: PenLine, run: (picture) => void editWords(picture.job) },
  { id: 'start', icon: ImagePlus, run: startFromPicture },
  { id: 'download', icon: Download, run: download, apart: true },
  open,
  { id: 'copyPrompt', icon: Copy, run: (picture) => copy(picture.job.prompt) },
  { id: 'copyParameters', icon: ClipboardCopy, run: (picture) => copy(picture.parameters) },
  remove,
];

function download(picture: PictureRecord): void {
  const link = document.createElement('a');
  link.href = pictureUrl(picture.id);
  link.download = `atelier-${picture.job.seed}.png`;
  link.click();
}
