// A small sheet beside what opened it. Not modal: the page behind stays scrollable, so no style element has to be injected (the page's policy forbids it).
import clsx from 'clsx';
import { Popover as Radix } from 'radix-ui';
import { useRef, type ReactNode } from 'react';

export function Popover({ trigger, label, side, align = 'start', className, open, onOpenChange, children }: {
  trigger: ReactNode; label: string; side?: 'top' | 'right' | 'bottom' | 'left'; align?: 'start' | 'center' | 'end'; className?: string;
  open?: boolean; onOpenChange?: (open: boolean) => void; children: ReactNode;
}) {
  const sheet = useRef<HTMLDivElement>(null);
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content ref={sheet} tabIndex={-1} aria-label={label} onOpenAutoFocus={(event) => {
          event.preventDefault();
          focusChosen(sheet.current);
        }} side={side} align={align} sideOffset={8} collisionPadding={12}
          className={clsx('z-40 max-h-(--radix-popover-content-available-height) animate-in overflow-y-auto rounded-dock border border-line bg-panel p-4 shadow-2xl shadow-shade outline-none', className)}>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

/** The hand lands on a field to search in or on what is chosen, not on the first button. */
function focusChosen(sheet: HTMLDivElement | null): void {
  (sheet?.querySelector<HTMLElement>('[data-focus-first], [data-state=checked]') ?? sheet)?.focus();
}
