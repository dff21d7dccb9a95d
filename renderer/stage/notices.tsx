// What one should know while it lasts: the studio cannot be reached, something is in the way of all pictures, the engine was started again; and what
// happened to the data folder, until it is put away.
import { FolderSearch, PauseCircle, Unplug, RotateCw, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { api } from '../api';
import { said, wordsOf } from '../i18n';
import { queryClient, useMachine } from '../queries';
import { useCurrentJob, useJobs } from '../queue/jobs';
import { IconButton } from '../ui/button';

export function Notices() {
  const { t } = useTranslation();
  const connection = useJobs((state) => state.connection);
  const worker = useJobs((state) => state.worker);
  const paused = useJobs((state) => state.paused);
  const restarted = useCurrentJob()?.notice === 'worker.restarted';
  const [Icon, text] = connection === 'lost' ? [Unplug, t('notice.offline')] as const
    : paused ? [PauseCircle, t('notice.paused', { why: said(paused) })] as const
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

/** One at a time, however much was put aside. */
export function FolderNotice() {
  const { t } = useTranslation();
  const [notice] = useMachine().data?.notices ?? [];
  if (!notice) return null;
  const { message, hint } = wordsOf(notice.about);
  const dismiss = async () => {
    await api.dismissNotice.mutate({ id: notice.id });
    await queryClient.invalidateQueries({ queryKey: ['machine'] });
  };
  return (
    <div role="status" className="pointer-events-auto flex max-w-xl animate-in items-start gap-2.5 rounded-card border border-line bg-raised py-1 pr-1 pl-3.5 shadow-lg shadow-shade">
      <FolderSearch size={15} className="mt-2 shrink-0 text-accent-text" aria-hidden />
      <p className="min-w-0 py-1.5 break-words select-text">{message}. <span className="text-dim">{hint}</span></p>
      <IconButton icon={X} label={t('common.dismiss')} onClick={() => void dismiss().catch(() => {})} />
    </div>
  );
}
