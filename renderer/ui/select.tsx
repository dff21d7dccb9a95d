// One of many: the system's own list, which every keyboard and screen reader knows.
import { ChevronDown } from 'lucide-react';
import type { Choice } from './segmented';

export function Select<T extends string>({ label, value, choices, onChange }: { label: string; value: T; choices: readonly Choice<T>[]; onChange: (value: T) => void }) {
  return (
    <span className="relative block">
      <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value as T)}
        className="h-8 w-full appearance-none rounded-control border border-line bg-raised pr-8 pl-2.5 hover:bg-hover">
        {choices.map((choice) => <option key={choice.value} value={choice.value}>{choice.label}</option>)}
      </select>
      <ChevronDown size={14} aria-hidden className="pointer-events-none absolute top-2.25 right-2.5 text-dim" />
    </span>
  );
}
