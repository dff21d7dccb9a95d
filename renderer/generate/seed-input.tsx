// A seed: up to 20 digits, which a number field cannot hold. ↑ and ↓ count; typed digits are taken over on Enter or when the field is left.
import { useState, type KeyboardEvent } from 'react';
import { parseSeed, seedPlus, type Seed } from '../../preload/contract/seed';

export function SeedInput({ label, value, onChange }: { label: string; value: Seed; onChange: (seed: Seed) => void }) {
  const [draft, setDraft] = useState<string | null>(null);
  const typed = draft === null ? null : parseSeed(draft.replace(/\s/g, ''));
  const commit = () => {
    setDraft(null);
    if (typed !== null) onChange(typed);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter') commit();
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    setDraft(null);
    onChange(seedPlus(typed ?? value, by));
  };
  return (
    <input type="text" inputMode="numeric" role="spinbutton" aria-label={label} aria-valuetext={String(value)} aria-valuenow={Number(value)} aria-invalid={draft !== null && typed === null}
      autoComplete="off" spellCheck={false} value={draft ?? String(value)} onChange={(event) => setDraft(event.target.value)} onBlur={commit} onKeyDown={press}
      className="h-8 w-full min-w-0 rounded-control border border-line bg-raised px-2.5 tabular-nums aria-invalid:border-accent" />
  );
}
