// Takes up a picture to start from, a file of one's own or one that was made here, and a mask for it.
import type { PictureRecord } from '../../preload/contract/picture';
import { errorInfoOf, pictureUrl, uploadBlob } from '../api';
import { said, t } from '../i18n';
import { programOf, readPicture } from '../reading/read';
import { showOffer } from '../stage/view';
import { toast } from '../ui/toasts';
import { setForm, useForm, type InputPicture } from './form';

const thumbnailPx = 96;

/** null when the studio does not take it. */
async function startFromFile(file: Blob): Promise<InputPicture | null> {
  const init = await takeUp(file);
  if (init) setForm({ init });
  return init;
}

/** For a file that was picked. What it says of how it was made is a click away. */
export async function pickStart(file: Blob): Promise<void> {
  const picture = await startFromFile(file);
  if (!picture) return;
  const reading = await readPicture(picture);
  if (reading?.request) toast(t('reading.says', { program: programOf(reading) }), { action: { label: t('reading.look'), run: () => showOffer({ picture, reading }) }, holdMs: 12_000 });
}

/** Only what is white in this picture may change of the one to start from; null: all of it. */
export function limitToMask(mask: InputPicture | null): void {
  const { init } = useForm.getState();
  if (!init) return;
  const { mask: _, ...whole } = init;
  setForm({ init: mask ? { ...whole, mask } : whole });
}

/** null, and a word to the user, when the studio does not take it. */
export async function takeUp(file: Blob): Promise<InputPicture | null> {
  try {
    const [blob, thumbnail] = await Promise.all([uploadBlob(file), thumbnailOf(file).catch(() => null)]);
    return { ...blob, thumbnail };
  } catch (thrown) {
    toast(said(errorInfoOf(thrown)), { holdMs: 8000 });
    return null;
  }
}

/** One that was made here. null, and a word to the user, when it is gone. */
export async function takeUpMade({ id }: PictureRecord): Promise<InputPicture | null> {
  const response = await fetch(pictureUrl(id));
  if (response.ok) return takeUp(await response.blob());
  toast(t('gone.picture'));
  return null;
}

/** The new picture gets the same shape. */
export async function startFromPicture(picture: PictureRecord): Promise<void> {
  const init = await takeUpMade(picture);
  if (init) setForm({ init, width: picture.job.width, height: picture.job.height });
}

/** A small data URL that fits into the form's store. */
async function thumbnailOf(file: Blob): Promise<string> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, thumbnailPx / Math.min(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.toDataURL('image/webp', 0.8);
}
