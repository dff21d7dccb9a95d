// A setting: its plain name at the left, what it stands at on the right, the control below. The field's own word is on hover, and beside the name in Advanced.
import type { ReactNode } from 'react';
import { Tip } from './tip';

export function Field({ name, term, showTerm = false, value, hint, children }: {
  name: string; term?: string; showTerm?: boolean; value?: ReactNode; hint?: ReactNode; children: ReactNode;
}) {
  const label = <span className="font-medium text-dim">{name}{showTerm && term && <span className="font-normal"> · {term}</span>}</span>;
  return (
    <section aria-label={name} className="flex flex-col gap-1.5">
      <div className="flex min-h-5 items-center justify-between gap-3">
        {term ? <Tip text={term} side="left">{label}</Tip> : label}
        {value !== undefined && <span className="shrink-0 text-dim tabular-nums">{value}</span>}
      </div>
      {children}
      {hint && <p className="text-hint text-dim">{hint}</p>}
    </section>
  );
}
