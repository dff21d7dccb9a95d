// Names and values, a line each; what is not known is left out.
import { Fragment } from 'react';

export function Facts({ rows }: { rows: readonly (readonly [name: string, value: string | number | null | undefined])[] }) {
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-hint">
      {rows.filter(([, value]) => value !== null && value !== undefined && value !== '').map(([name, value]) => (
        <Fragment key={name}>
          <dt className="text-dim">{name}</dt>
          <dd className="break-words tabular-nums select-text">{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
