// A slider that says its value in words to those who cannot see it.
import { Slider as Radix } from 'radix-ui';

/** `origin`: the value that the coloured part begins at, where that is not the least. */
export function Slider({ label, value, min, max, step, origin = min, valueText, onChange }: {
  label: string; value: number; min: number; max: number; step: number; origin?: number; valueText: string; onChange: (value: number) => void;
}) {
  const share = (at: number) => (100 * (Math.min(max, Math.max(min, at)) - min)) / (max - min);
  return (
    <Radix.Root value={[value]} min={min} max={max} step={step} onValueChange={([next]) => next !== undefined && onChange(next)}
      className="relative flex h-5 w-full touch-none items-center select-none">
      <Radix.Track className="relative h-1 grow overflow-hidden rounded-full bg-hover">
        <span className="absolute h-full bg-accent" style={{ left: `${share(Math.min(origin, value))}%`, right: `${100 - share(Math.max(origin, value))}%` }} />
      </Radix.Track>
      <Radix.Thumb aria-label={label} aria-valuetext={valueText} className="block size-4 rounded-full bg-thumb shadow-sm shadow-shade" />
    </Radix.Root>
  );
}
