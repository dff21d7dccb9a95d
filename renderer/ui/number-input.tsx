// An exact number: typed freely, taken over on Enter or when the field is left, kept within its range and step.
import clsx from 'clsx';
import { useState } from 'react';

export function NumberInput({ label, value, min, max, step, decimals = 0, className, onChange }: {
  label: string; value: number; min: number; max: number; step: number; decimals?: number; className?: string; onChange: (value: number) => void;
}) {
  const [draft, setDraft] = useState<string | null>(null);
  const commit = () => {
    setDraft(null);
    const typed = Number(draft);
    if (draft === null || draft.trim() === '' || !Number.isFinite(typed)) return;
    const stepped = Math.round(typed / step) * step;
    onChange(Number(Math.min(max, Math.max(min, stepped)).toFixed(decimals)));
  };
  return (
    <input type="number" aria-label={label} value={draft ?? value.toFixed(decimals)} min={min} max={max} step={step}
      onChange={(event) => setDraft(event.target.value)}
      onBlur={commit} onKeyDown={(event) => event.key === 'Enter' && commit()}
      className={clsx('plain-number h-8 w-full min-w-0 rounded-control border border-line bg-raised px-2.5 text-ui text-text tabular-nums', className)} />
  );
}
