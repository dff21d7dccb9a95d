// One of several controls of a setting: what it is above it, what it stands at beside that.
import type { ReactNode } from 'react';

/** The control itself has a name for those who do not see this one. */
export function Labelled({ name, value, children }: { name: string; value?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex min-w-0 flex-col gap-1">
      <div aria-hidden className="flex justify-between gap-2 text-hint text-dim tabular-nums"><span>{name}</span>{value !== undefined && <span>{value}</span>}</div>
      {children}
    </div>
  );
}
