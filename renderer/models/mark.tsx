// A model's small emblem: until a model has a picture of its own, all wear the same.
import { Box } from 'lucide-react';

export function ModelMark({ size }: { size: number }) {
  return (
    <span style={{ width: size, height: size }} className="grid shrink-0 place-items-center rounded-[5px] bg-accent-wash text-accent-text">
      <Box size={Math.round(size * 0.62)} strokeWidth={1.75} aria-hidden />
    </span>
  );
}
