// The head of the strip: how many wait, and the picture in the making, a click away from the stage.
import clsx from 'clsx';
import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { cancelWaiting } from '../queue/cancel';
import { useCurrentJob, useWaitingCount } from '../queue/jobs';
import { follow, useView } from '../stage/view';
import { Tip } from '../ui/tip';

export function NowMaking() {
  const { t } = useTranslation();
  const job = useCurrentJob();
  const waiting = useWaitingCount();
  const following = useView((view) => view.chosen === null);
  if (!job) return null;
  return (
    <div className="flex flex-col gap-2 px-1.5 pt-1 pb-1">
      {waiting > 0 && (
        <Tip text={t('strip.cancelWaiting')} side="left">
          <button type="button" aria-label={t('strip.cancelWaitingCount', { count: waiting })} onClick={() => void cancelWaiting(job.id)}
            className="group grid h-10 w-19 place-items-center rounded-picture border border-dashed border-line text-hint text-dim tabular-nums hover:border-dim">
            <span className="group-hover:hidden group-focus-visible:hidden">{t('strip.waiting', { count: waiting })}</span>
            <X size={15} aria-hidden className="hidden group-hover:block group-focus-visible:block" />
          </button>
        </Tip>
      )}
      <button type="button" aria-label={t('strip.making')} aria-current={following} onClick={follow}
        className={clsx('size-19 overflow-hidden rounded-picture bg-panel', following && 'outline-2 outline-offset-2 outline-accent')}>
        {job.preview ? <img src={job.preview} alt="" className="size-full object-cover blur-[2px]" /> : <span className="stage-grain block size-full" />}
      </button>
    </div>
  );
}
