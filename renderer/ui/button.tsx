// Buttons: one main thing to do, raised ones beside it, quiet ones that show themselves under the pointer.
import clsx from 'clsx';
import type { LucideIcon } from 'lucide-react';
import type { ComponentProps } from 'react';
import { Tip } from './tip';

const looks = {
  main: 'bg-accent text-on-accent font-semibold hover:brightness-108',
  raised: 'border border-line bg-raised text-text hover:bg-hover',
  quiet: 'text-dim hover:bg-hover hover:text-text',
};

export function Button({ look = 'raised', className, ...rest }: ComponentProps<'button'> & { look?: keyof typeof looks }) {
  return (
    <button type="button" {...rest} className={clsx('inline-flex h-8 shrink-0 items-center justify-center gap-2 rounded-control px-3 font-medium whitespace-nowrap transition',
      'disabled:opacity-50', looks[look], className)} />
  );
}

export const iconButton = 'inline-grid size-8 shrink-0 place-items-center rounded-control text-dim transition hover:bg-hover hover:text-text disabled:opacity-50';

/** A button of one picture; `label` is its name and its tip. */
export function IconButton({ icon: Icon, label, className, ...rest }: ComponentProps<'button'> & { icon: LucideIcon; label: string }) {
  return (
    <Tip text={label}>
      <button type="button" aria-label={label} {...rest} className={clsx(iconButton, className)}>
        <Icon size={16} strokeWidth={1.75} aria-hidden />
      </button>
    </Tip>
  );
}
