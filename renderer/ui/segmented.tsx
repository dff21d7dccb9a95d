// One of a few, side by side.
import clsx from 'clsx';
import { RadioGroup } from 'radix-ui';

export interface Choice<T extends string> { value: T; label: string }

export function Segmented<T extends string>({ label, value, choices, onChange, stretch = false }: {
  label: string; value: T; choices: readonly Choice<T>[]; onChange: (value: T) => void; stretch?: boolean;
}) {
  return (
    <RadioGroup.Root aria-label={label} orientation="horizontal" value={value} onValueChange={(next) => onChange(next as T)}
      className={clsx('rounded-control border border-line bg-ground p-[3px]', stretch ? 'flex' : 'inline-flex w-fit')}>
      {choices.map((choice) => (
        <RadioGroup.Item key={choice.value} value={choice.value}
          className={clsx('h-6.5 rounded-small px-2.5 text-dim transition hover:text-text data-[state=checked]:bg-chosen data-[state=checked]:text-text', stretch && 'flex-1')}>
          {choice.label}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
