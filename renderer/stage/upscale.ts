// A picture that is to be made larger: which one, and asking the studio for it.
import { create } from 'zustand';
import type { UpscaleJob } from '../../preload/contract/job';
import type { PictureRecord } from '../../preload/contract/picture';
import { api, errorInfoOf, pictureUrl, uploadBlob } from '../api';
import { said, t } from '../i18n';
import { toast } from '../ui/toasts';
import { follow } from './view';

/** The picture that it is being chosen for. */
export const useUpscaling = create<{ picture: PictureRecord | null }>(() => ({ picture: null }));

export const chooseUpscale = (picture: PictureRecord): void => useUpscaling.setState({ picture });
export const closeUpscale = (): void => useUpscaling.setState({ picture: null });

/** By the upscaler of this id. The picture's file goes to the studio as one from elsewhere does. */
export async function startUpscale(picture: PictureRecord, upscaler: string, scale: number): Promise<void> {
  closeUpscale();
  const response = await fetch(pictureUrl(picture.id));
  if (!response.ok) return void toast(t('gone.picture'));
  await ask(async () => ({ upscaler, scale, init: (await uploadBlob(await response.blob())).hash }));
}

/** Once more what a failed job was to do. */
export async function upscaleAgain({ files: { upscaler: { name, hash } }, init, scale, tile }: UpscaleJob): Promise<void> {
  await ask(async () => {
    const known = (await api.models.parts.query()).filter(({ kind }) => kind === 'upscaler');
    const found = known.find((each) => hash !== null && each.hash === hash) ?? known.find((each) => each.name === name);
    return found ? { upscaler: found.id, init, scale, tile } : void toast(t('gone.model', { name }));
  });
}

async function ask(request: () => Promise<Parameters<typeof api.queue.upscale.mutate>[0] | void>): Promise<void> {
  try {
    const wanted = await request();
    if (!wanted) return;
    await api.queue.upscale.mutate(wanted);
    follow();
  } catch (thrown) {
    toast(said(errorInfoOf(thrown)), { holdMs: 8000 });
  }
}
