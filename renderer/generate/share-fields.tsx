// Between which shares of the steps something is on, in percent.
import { useTranslation } from 'react-i18next';
import { NumberInput } from '../ui/number-input';

export function ShareFields({ name, start, end, onChange }: { name: string; start: number; end: number; onChange: (share: { start?: number | undefined; end?: number | undefined }) => void }) {
  const { t } = useTranslation();
  return (
    <>
      <div className="grid grid-cols-2 gap-3">
        <label className="flex min-w-0 flex-col gap-1 text-hint text-dim">{t('share.from')}
          <NumberInput label={t('share.fromOf', { name })} value={100 * start} min={0} max={100} step={1} onChange={(to) => onChange({ start: Math.min(to / 100, end) })} /></label>
        <label className="flex min-w-0 flex-col gap-1 text-hint text-dim">{t('share.until')}
          <NumberInput label={t('share.untilOf', { name })} value={100 * end} min={0} max={100} step={1} onChange={(to) => onChange({ end: Math.max(to / 100, start) })} /></label>
      </div>
      <p className="text-hint text-dim">{t('share.hint')}</p>
    </>
  );
}
