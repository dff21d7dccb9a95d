// A finished picture on stage, with what made it and what can be done with it: under it, and on the right mouse button.
import { Ellipsis } from 'lucide-react';
import { ContextMenu, DropdownMenu } from 'radix-ui';
import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import type { JobSpec } from '../../preload/contract/job';
import type { PictureRecord, UnreadablePicture } from '../../preload/contract/picture';
import { pictureUrl } from '../api';
import { seedText, took } from '../format';
import { moreLike, reuse } from '../generate/request';
import { useDamage } from '../queries';
import { Button, iconButton } from '../ui/button';
import { menuItem, menuLine, menuSheet } from '../ui/menu';
import { Tip } from '../ui/tip';
import { actionsOf, unreadableActions } from './actions';
import { fitStyle, Frame } from './frame';
import { nameOf } from './name';

export function PictureView({ picture }: { picture: PictureRecord }) {
  const { t } = useTranslation();
  const { job } = picture, name = nameOf(picture), made = job.kind === 'upscale' ? t('upscale.size', picture) : t('chance.seed', { seed: seedText(job.seed) });
  return (
    <div className="flex h-full flex-col items-center justify-center">
      <ContextMenu.Root modal={false}>
        <ContextMenu.Trigger asChild>
          <span className="contents">
            <Frame src={pictureUrl(picture.id)} width={picture.width} height={picture.height} alt={name} missing={<MissingFile picture={picture} />} />
          </span>
        </ContextMenu.Trigger>
        <ContextMenu.Portal><ContextMenu.Content className={menuSheet}><PictureMenu picture={picture} menu={ContextMenu} /></ContextMenu.Content></ContextMenu.Portal>
      </ContextMenu.Root>
      <div className="mt-3 stage-caption flex h-8 items-center justify-between gap-3" style={fitStyle(picture)}>
        <Tip text={name} side="bottom">
          <p className="flex min-w-0 gap-1 whitespace-nowrap text-dim tabular-nums">
            <span className="truncate font-medium text-text">{name}</span>
            <span className="shrink-0">· {made} · {took(picture.seconds)}</span>
          </p>
        </Tip>
        {job.kind === 'upscale' ? <MoreActions picture={picture} /> : <PictureBar picture={picture} job={job} />}
      </div>
    </div>
  );
}

function PictureBar({ picture, job }: { picture: PictureRecord; job: JobSpec }) {
  const { t } = useTranslation();
  return (
    <div className="flex shrink-0 items-center">
      <Tip text={t('actions.hint.more')} side="bottom">
        <Button look="quiet" className="px-2.5" onClick={() => void moreLike(picture)}>{t('actions.item.more')}</Button>
      </Tip>
      <Tip text={t('actions.hint.reuse')} side="bottom">
        <Button look="quiet" className="px-2.5 @max-[560px]:hidden" onClick={() => void reuse(job)}>{t('actions.item.reuse')}</Button>
      </Tip>
      <MoreActions picture={picture} />
    </div>
  );
}

function MoreActions({ picture }: { picture: PictureRecord }) {
  const { t } = useTranslation();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <button type="button" aria-label={t('actions.all')} className={iconButton}><Ellipsis size={16} aria-hidden /></button>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align="end" sideOffset={6} collisionPadding={12} className={menuSheet}><PictureMenu picture={picture} menu={DropdownMenu} /></DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** The items, in whichever kind of menu. */
export function PictureMenu({ picture, menu: Menu }: { picture: PictureRecord | UnreadablePicture; menu: typeof ContextMenu | typeof DropdownMenu }) {
  const { t } = useTranslation();
  const items = 'why' in picture ? unreadableActions.map(({ run, ...item }) => ({ ...item, act: () => run(picture) })) : actionsOf(picture).map(({ run, ...item }) => ({ ...item, act: () => run(picture) }));
  return items.map(({ id, icon: Icon, act, apart }) => (
    <Fragment key={id}>
      {apart && <Menu.Separator className={menuLine} />}
      <Menu.Item className={menuItem} onSelect={act}><Icon size={15} strokeWidth={1.75} className="text-dim" aria-hidden />{t(`actions.item.${id}`)}</Menu.Item>
    </Fragment>
  ));
}

function MissingFile({ picture }: { picture: PictureRecord }) {
  const { t } = useTranslation();
  const damage = useDamage(picture.id);
  if (!damage) return null;
  return (
    <div className="flex size-full flex-col items-center justify-center gap-2 p-6 text-center">
      <p className="font-medium">{t(damage === 'cut' ? 'gone.cut' : 'gone.picture')}</p>
      <p className="text-hint break-all text-dim select-text">{picture.path}</p>
    </div>
  );
}
