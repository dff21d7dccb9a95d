// In the head of the strip: pictures that wait and that this Atelier cannot read. They wait for one that can, or are cancelled here.
import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { cancelUnreadable } from '../queue/cancel';
import { useJobs } from '../queue/jobs';
import { Tip } from '../ui/tip';
import { whyUnreadable } from './why-unreadable';

export function UnreadableJobs() {
  const { t } = useTranslation();
  const first = useJobs((state) => state.unreadable), count = useJobs((state) => state.unreadableCount);
  if (!first) return null;
  return (
    <div className="px-1.5 pt-1 pb-1">
      <Tip text={`${t('unreadable.jobs', { count })} ${whyUnreadable(first.why)} ${t('unreadable.cancel')}`} side="left">
        <button type="button" aria-label={t('unreadable.cancelCount', { count })} onClick={() => void cancelUnreadable()}
          className="group grid h-10 w-19 place-items-center rounded-picture border border-dashed border-line text-hint text-dim tabular-nums hover:border-dim">
          <span className="group-hover:hidden group-focus-visible:hidden">{t('unreadable.short', { count })}</span>
          <X size={15} aria-hidden className="hidden group-hover:block group-focus-visible:block" />
        </button>
      </Tip>
    </div>
  );
}
