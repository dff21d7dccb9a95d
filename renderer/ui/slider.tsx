// A slider that says its value in words to those who cannot see it.
import { Slider as Radix } from 'radix-ui';

export function Slider({ label, value, min, max, step, valueText, onChange }: {
  label: string; value: number; min: number; max: number; step: number; valueText: string; onChange: (value: number) => void;
}) {
  return (
    <Radix.Root value={[value]} min={min} max={max} step={step} onValueChange={([next]) => next !== undefined && onChange(next)}
      className="relative flex h-5 w-full touch-none items-center select-none">
      <Radix.Track className="relative h-1 grow overflow-hidden rounded-full bg-hover">
        <Radix.Range className="absolute h-full bg-accent" />
      </Radix.Track>
      <Radix.Thumb aria-label={label} aria-valuetext={valueText} className="block size-4 rounded-full bg-thumb shadow-sm shadow-shade" />
    </Radix.Root>
  );
}
