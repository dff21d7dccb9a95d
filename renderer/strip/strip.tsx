// What was made lately, beside the stage: what waits and what is being made at the top, then the pictures, newest first. Only those in sight are in the page.
import { useVirtualizer } from '@tanstack/react-virtual';
import clsx from 'clsx';
import { FileQuestion } from 'lucide-react';
import { ContextMenu } from 'radix-ui';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { nameOf } from '../stage/name';
import type { PictureRecord, UnreadablePicture } from '../../preload/contract/picture';
import { thumbnailUrl } from '../api';
import { useCurrentJob, useJobs } from '../queue/jobs';
import { PictureMenu } from '../stage/picture';
import { useShownPicture, useShownUnreadable } from '../stage/shown';
import { showPicture, useView } from '../stage/view';
import { menuSheet } from '../ui/menu';
import { NowMaking } from './now-making';
import { usePictures } from './pictures';
import { UnreadableJobs } from './unreadable-jobs';
import { whyUnreadable } from './why-unreadable';

/** Thumbnail and the gap below it, in CSS pixels. */
const pitchPx = 84;
const spare = 4;

export function Strip() {
  const { t } = useTranslation();
  const { pictures, unreadable, fetchMore } = usePictures();
  const entries = useMemo(() => (unreadable.length === 0 ? pictures : [...pictures, ...unreadable].sort((a, b) => b.createdAt - a.createdAt)), [pictures, unreadable]);
  const cannotRead = useJobs((state) => state.unreadableCount > 0);
  const making = useCurrentJob() !== null;
  const problem = useJobs((state) => state.problem !== null);
  const following = useView((view) => view.chosen === null);
  const shown = useShownPicture(), shownUnreadable = useShownUnreadable();
  const selected = (making || problem) && following ? null : (shownUnreadable ?? shown)?.id ?? null;
  const [pointed, setPointed] = useState<PictureRecord | UnreadablePicture | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({ count: entries.length, getScrollElement: () => list.current, estimateSize: () => pitchPx, overscan: spare });
  const inSight = rows.getVirtualItems(), last = inSight.at(-1)?.index ?? 0;
  useEffect(() => {
    if (fetchMore && last >= entries.length - 1 - spare) void fetchMore();
  }, [fetchMore, last, entries.length]);

  const onKeyDown = (event: KeyboardEvent) => {
    const from = entries.findIndex((picture) => picture.id === selected);
    const to = { ArrowDown: from + 1, ArrowUp: Math.max(0, from - 1), Home: 0, End: entries.length - 1 }[event.key];
    const picture = to === undefined ? undefined : pictures[to];
    if (to === undefined || !picture) return;
    event.preventDefault();
    showPicture(picture.id);
    rows.scrollToIndex(to);
  };
  if (entries.length === 0 && !making && !cannotRead) return null;
  return (
    <nav aria-label={t('strip.name')} className="mb-4 flex w-23 shrink-0 flex-col pt-5">
      <NowMaking />
      <UnreadableJobs />
      <ContextMenu.Root modal={false} onOpenChange={(open) => open || setPointed(null)}>
        <ContextMenu.Trigger asChild>
          <div ref={list} role="listbox" tabIndex={0} aria-label={t('strip.name')} aria-activedescendant={selected ? `strip-${selected}` : undefined} onKeyDown={onKeyDown}
            onContextMenuCapture={(event) => setPointed(entries.find(({ id }) => event.target instanceof Element && event.target.closest(`#strip-${id}`)) ?? shownUnreadable ?? shown)}
            className="min-h-0 flex-1 overflow-y-auto rounded-control px-1.5 pt-1 [scrollbar-width:none] focus-visible:outline-offset-[-2px]">
            <div className="relative" style={{ height: rows.getTotalSize() }}>
              {inSight.map(({ index, start }) => ({ picture: entries[index]!, index, start })).map(({ picture, index, start }) => (
                <Thumbnail key={picture.id} picture={picture} top={start} selected={picture.id === selected} place={index + 1} total={entries.length} />
              ))}
            </div>
          </div>
        </ContextMenu.Trigger>
        <ContextMenu.Portal>
          {pointed && <ContextMenu.Content className={menuSheet}><PictureMenu picture={pointed} menu={ContextMenu} /></ContextMenu.Content>}
        </ContextMenu.Portal>
      </ContextMenu.Root>
    </nav>
  );
}

function Thumbnail({ picture, top, selected, place, total }: { picture: PictureRecord | UnreadablePicture; top: number; selected: boolean; place: number; total: number }) {
  const name = 'why' in picture ? whyUnreadable(picture.why) : nameOf(picture);
  return (
    <div id={`strip-${picture.id}`} role="option" aria-label={name} aria-selected={selected} aria-posinset={place} aria-setsize={total} title={name} onClick={() => showPicture(picture.id)}
      style={{ top }} className={clsx('absolute size-19 rounded-picture', selected && 'outline-2 outline-offset-2 outline-accent')}>
      {'why' in picture ? <UnreadableMark /> : <img src={thumbnailUrl(picture.id)} alt="" draggable={false} decoding="async" className="size-full rounded-picture bg-panel object-cover" />}
    </div>
  );
}

const UnreadableMark = () => (
  <span className="grid size-full place-items-center rounded-picture border border-dashed border-line bg-panel text-dim"><FileQuestion size={22} strokeWidth={1.5} aria-hidden /></span>
);
