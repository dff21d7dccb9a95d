// The foot of the panel: on what it runs, and how much of its memory these settings need.
import { useTranslation } from 'react-i18next';
import { gigabytes } from '../format';
import { useMachine } from '../queries';
import { useJobs } from '../queue/jobs';
import { Tip } from '../ui/tip';
import { useForecast } from './estimate';

export function MachineLine() {
  const { t } = useTranslation();
  const { data: machine } = useMachine();
  const forecast = useForecast();
  const well = useJobs((state) => state.connection === 'live' && state.worker !== 'died');
  if (!machine) return <footer className="h-12 border-t border-line" />;
  const { totalBytes, usedByWorkerBytes, mappedByWorkerBytes } = machine.memory;
  const tight = forecast !== null && forecast.peakBytes > totalBytes * 0.85;
  return (
    <footer className="mx-4.5 flex min-h-12 flex-col justify-center border-t border-line py-2 text-dim">
      {tight && <p className="text-hint text-accent-text">{t('machine.tight')}</p>}
      <div className="flex items-center justify-between gap-3">
        <Tip text={machine.cpu}>
          <span className="flex min-w-0 items-center gap-2">
            <span className={`size-1.5 shrink-0 rounded-full ${well ? 'bg-good' : 'bg-accent'}`} />
            <span className="truncate"><span className="hidden lg:inline">{t('machine.this')}</span>{machine.provider.toUpperCase()}{t('machine.cores', { count: machine.cores })}</span>
          </span>
        </Tip>
        <Tip text={t('machine.memoryHint', { used: gigabytes(usedByWorkerBytes), mapped: gigabytes(mappedByWorkerBytes) })}>
          <span className="shrink-0 tabular-nums">{t('machine.memory', { needed: gigabytes(forecast?.peakBytes ?? usedByWorkerBytes), total: gigabytes(totalBytes) })}</span>
        </Tip>
      </div>
    </footer>
  );
}
