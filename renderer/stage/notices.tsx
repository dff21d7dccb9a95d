// What one should know while it lasts: the studio cannot be reached, something is in the way of all pictures, the engine was started again.
import { PauseCircle, Unplug, RotateCw } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useCurrentJob, useJobs } from '../queue/jobs';

export function Notices() {
  const { t } = useTranslation();
  const connection = useJobs((state) => state.connection);
  const worker = useJobs((state) => state.worker);
  const paused = useJobs((state) => state.paused);
  const restarted = useCurrentJob()?.notice === 'worker.restarted';
  const [Icon, text] = connection === 'lost' ? [Unplug, t('notice.offline')] as const
    : paused ? [PauseCircle, t('notice.paused', { message: paused.message, hint: paused.hint ?? '' })] as const
    : worker === 'died' ? [RotateCw, t('notice.workerDied')] as const
      : restarted ? [RotateCw, t('notice.workerRestarted')] as const : [null, ''] as const;
  return (
    <div role="status" className="empty:hidden">
      {Icon && (
        <p className="flex animate-in items-center gap-2.5 rounded-card border border-line bg-raised px-3.5 py-2 shadow-lg shadow-shade">
          <Icon size={15} className="shrink-0 text-accent-text" aria-hidden />{text}
        </p>
      )}
    </div>
  );
}
