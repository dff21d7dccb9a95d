// What of the finished picture is found and repainted by itself, larger than it lies there. The rest of its settings stays as a picture brought it.
import { ToggleGroup } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import type { Detail } from '../../preload/contract/detail';
import { detailTargets, usualDetail, type DetailTarget } from '../../preload/contract/vocabulary';
import { Field } from '../ui/field';
import { Slider } from '../ui/slider';
import { setForm, useForm } from './form';

export function DetailField() {
  const { t } = useTranslation();
  const details = useForm((form) => form.details) ?? [], chosen = detailTargets.filter((target) => details.some(({ find }) => find === target));
  const keep = (next: readonly Detail[]) => setForm({ details: next.length > 0 ? [...next] : null });
  const choose = (targets: readonly string[]) => keep(detailTargets.flatMap((target) => {
    const own = details.filter(({ find }) => find === target);
    return !targets.includes(target) ? [] : own.length > 0 ? own : [{ find: target, ...usualDetail }];
  }));
  const change = (index: number, patch: Partial<Detail>) => keep(details.map((detail, i) => (i === index ? { ...detail, ...patch } : detail)));
  const label: Record<DetailTarget, string> = { face: t('detail.faces'), hand: t('detail.hands'), person: t('detail.people') };
  return (
    <Field name={t('detail.name')} term={t('terms.detail')} showTerm value={chosen.length === 0 ? t('detail.off') : undefined} hint={t('detail.hint')}>
      <ToggleGroup.Root type="multiple" aria-label={t('detail.name')} value={chosen} onValueChange={choose} className="flex gap-1.5">
        {detailTargets.map((target) => (
          <ToggleGroup.Item key={target} value={target} className="h-7 flex-1 rounded-control border border-line px-2 text-dim transition hover:text-text data-[state=on]:border-accent data-[state=on]:bg-chosen data-[state=on]:text-text">
            {label[target]}
          </ToggleGroup.Item>
        ))}
      </ToggleGroup.Root>
      {details.map((detail, index) => {
        const percent = `${Math.round(detail.strength * 100)} %`, of = { what: label[detail.find] };
        return (
          <div key={index} className="flex flex-col gap-1">
            <div className="flex justify-between text-hint text-dim tabular-nums"><span>{t('detail.strength', of)}</span><span>{percent}</span></div>
            <Slider label={t('detail.strength', of)} value={detail.strength} min={0.05} max={1} step={0.05} valueText={percent} onChange={(strength) => change(index, { strength })} />
            <input type="text" aria-label={t('detail.prompt', of)} placeholder={t('detail.prompt', of)} autoComplete="off" spellCheck={false} value={detail.prompt} onChange={(event) => change(index, { prompt: event.target.value })}
              className="h-8 w-full min-w-0 rounded-control border border-line bg-raised px-2.5" />
          </div>
        );
      })}
    </Field>
  );
}
