// What can be done with a finished picture. The menu under it and the strip's menu show this list.
import { ClipboardCopy, Copy, Download, ExternalLink, ImagePlus, Maximize2, PenLine, RotateCcw, Sparkles, Trash2, type LucideIcon } from 'lucide-react';
import type { JobSpec } from '../../preload/contract/job';
import type { PictureRecord } from '../../preload/contract/picture';
import { pictureUrl } from '../api';
import { editWords, moreLike, reuse } from '../generate/request';
import { startFromPicture } from '../generate/start-picture';
import { deletePicture } from '../strip/pictures';
import { copy } from '../ui/copy';
import { chooseUpscale } from './upscale';

interface PictureAction<Picture = PictureRecord> {
  id: 'more' | 'reuse' | 'editWords' | 'start' | 'upscale' | 'download' | 'open' | 'copyPrompt' | 'copyParameters' | 'delete';
  icon: LucideIcon;
  run: (picture: Picture) => unknown;
  /** Set off from those above by a line. */
  apart?: boolean;
}

/** What can be done with the file alone. */
const open: PictureAction<{ id: string }> = { id: 'open', icon: ExternalLink, run: (picture) => window.open(pictureUrl(picture.id), '_blank', 'noopener') };
const remove: PictureAction<{ id: string }> = { id: 'delete', icon: Trash2, run: deletePicture, apart: true };

export const unreadableActions = [open, remove] as const;

/** Of a picture that was painted: what it was made from. */
const ofPainted: readonly PictureAction['id'][] = ['more', 'reuse', 'editWords', 'copyPrompt'];
export const actionsOf = ({ job }: PictureRecord): readonly PictureAction[] => (job.kind === 'upscale' ? pictureActions.filter(({ id }) => !ofPainted.includes(id)) : pictureActions);

/** Runs with what a painted picture was made from. */
const painted = (run: (job: JobSpec) => unknown) => ({ job }: PictureRecord): void => { if (job.kind !== 'upscale') void run(job); };

const pictureActions: readonly PictureAction[] = [
  { id: 'more', icon: Sparkles, run: moreLike },
  { id: 'reuse', icon: RotateCcw, run: painted(reuse) },
  { id: 'editWords', icon: PenLine, run: painted(editWords) },
  { id: 'start', icon: ImagePlus, run: startFromPicture },
  { id: 'upscale', icon: Maximize2, run: chooseUpscale },
  { id: 'download', icon: Download, run: download, apart: true },
  open,
  { id: 'copyPrompt', icon: Copy, run: painted(({ prompt }) => copy(prompt)) },
  { id: 'copyParameters', icon: ClipboardCopy, run: (picture) => copy(picture.parameters) },
  remove,
];

function download(picture: PictureRecord): void {
  const link = document.createElement('a');
  link.href = pictureUrl(picture.id);
  link.download = `atelier-${picture.job.kind === 'upscale' ? `x${picture.job.scale}` : picture.job.seed}.png`;
  link.click();
}
