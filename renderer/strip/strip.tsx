// What was made lately, beside the stage: what waits and what is being made at the top, then the pictures, newest first. Only those in sight are in the page.
import clsx from 'clsx';
import { ContextMenu } from 'radix-ui';
import { useEffect, useRef, useState, type KeyboardEvent, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import type { PictureRecord } from '../../preload/contract/picture';
import { thumbnailUrl } from '../api';
import { useCurrentJob, useJobs } from '../queue/jobs';
import { PictureMenu } from '../stage/picture';
import { useShownPicture } from '../stage/shown';
import { showPicture, useView } from '../stage/view';
import { menuSheet } from '../ui/menu';
import { NowMaking } from './now-making';
import { usePictures } from './pictures';

/** Thumbnail and the gap below it, in CSS pixels. */
const pitchPx = 84;
const spare = 4;

export function Strip() {
  const { t } = useTranslation();
  const { pictures, fetchMore } = usePictures();
  const making = useCurrentJob() !== null;
  const problem = useJobs((state) => state.problem !== null);
  const following = useView((view) => view.chosen === null);
  const shown = useShownPicture();
  const selected = (making || problem) && following ? null : shown?.id ?? null;
  const [pointed, setPointed] = useState<PictureRecord | null>(null);
  const list = useRef<HTMLDivElement>(null);
  const [first, last] = useRowsInSight(list, pictures.length);
  useEffect(() => {
    if (fetchMore && last >= pictures.length - spare) void fetchMore();
  }, [fetchMore, last, pictures.length]);

  const onKeyDown = (event: KeyboardEvent) => {
    const from = pictures.findIndex((picture) => picture.id === selected);
    const to = { ArrowDown: from + 1, ArrowUp: Math.max(0, from - 1), Home: 0, End: pictures.length - 1 }[event.key];
    const picture = to === undefined ? undefined : pictures[to];
    if (to === undefined || !picture) return;
    event.preventDefault();
    showPicture(picture.id);
    reveal(list.current, to);
  };
  if (pictures.length === 0 && !making) return null;
  return (
    <nav aria-label={t('strip.name')} className="mb-4 flex w-23 shrink-0 flex-col pt-5">
      <NowMaking />
      <ContextMenu.Root modal={false} onOpenChange={(open) => open || setPointed(null)}>
        <ContextMenu.Trigger asChild>
          <div ref={list} role="listbox" tabIndex={0} aria-label={t('strip.name')} aria-activedescendant={selected ? `strip-${selected}` : undefined} onKeyDown={onKeyDown}
            onContextMenuCapture={(event) => setPointed(pictures.find(({ id }) => event.target instanceof Element && event.target.closest(`#strip-${id}`)) ?? shown)}
            className="min-h-0 flex-1 overflow-y-auto rounded-control px-1.5 pt-1 [scrollbar-width:none] focus-visible:outline-offset-[-2px]">
            <div className="relative" style={{ height: pictures.length * pitchPx }}>
              {pictures.slice(first, last).map((picture, i) => (
                <Thumbnail key={picture.id} picture={picture} top={(first + i) * pitchPx} selected={picture.id === selected} place={first + i + 1} total={pictures.length} />
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

function Thumbnail({ picture, top, selected, place, total }: { picture: PictureRecord; top: number; selected: boolean; place: number; total: number }) {
  const { t } = useTranslation();
  const name = picture.job.prompt || t('stage.untitled');
  return (
    <div id={`strip-${picture.id}`} role="option" aria-label={name} aria-selected={selected} aria-posinset={place} aria-setsize={total} title={name} onClick={() => showPicture(picture.id)}
      style={{ top }} className={clsx('absolute size-19 rounded-picture', selected && 'outline-2 outline-offset-2 outline-accent')}>
      <img src={thumbnailUrl(picture.id)} alt="" draggable={false} decoding="async" className="size-full rounded-picture bg-panel object-cover" />
    </div>
  );
}

/** The first row in sight and the one behind the last, with a few to spare. */
function useRowsInSight(list: RefObject<HTMLDivElement | null>, count: number): [number, number] {
  const [sight, setSight] = useState({ top: 0, height: 0 });
  const there = count > 0;
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const look = () => setSight({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, [list, there]);
  const first = Math.max(0, Math.floor(sight.top / pitchPx) - spare);
  return [first, Math.min(count, Math.ceil((sight.top + sight.height) / pitchPx) + spare)];
}

/** Scrolls no further than needed to show a row. */
function reveal(list: HTMLDivElement | null, row: number): void {
  if (!list) return;
  const top = row * pitchPx;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + pitchPx > list.scrollTop + list.clientHeight) list.scrollTop = top + pitchPx - list.clientHeight;
}
