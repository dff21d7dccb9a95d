// A button that asks for a picture file.
import { useRef } from 'react';
import { Button } from './button';

/** `fileLabel` names the field behind the button. */
export function PickPicture({ label, fileLabel, onPick }: { label: string; fileLabel: string; onPick: (file: File) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button onClick={() => input.current?.click()}>{label}</Button>
      <input ref={input} type="file" accept="image/png,image/jpeg,image/webp" aria-label={fileLabel} className="sr-only" tabIndex={-1}
        onChange={(event) => {
          const file = event.target.files?.[0];
          event.target.value = '';
          if (file) onPick(file);
        }} />
    </>
  );
}
