// A word on hover or focus: the field's own term, or what a quiet button does.
import { Tooltip } from 'radix-ui';
import type { ReactNode } from 'react';

export function Tip({ text, side, children }: { text: ReactNode; side?: 'top' | 'right' | 'bottom' | 'left'; children: ReactNode }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content side={side} sideOffset={6} collisionPadding={8}
          className="z-50 max-w-72 animate-in rounded-small border border-line bg-raised px-2.5 py-1.5 text-hint text-text shadow-lg shadow-shade">
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
