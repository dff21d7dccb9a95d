// A text field that grows with its text. Emphasis is coloured by a copy of the text that lies beneath; the field's own letters are transparent.
import clsx from 'clsx';
import { memo, type KeyboardEvent, type Ref } from 'react';
import { reweigh, spansOf } from './emphasis';

const weightStep = 0.05;
// Both layers must wrap alike, to the letter.
const letters = 'col-start-1 row-start-1 w-full whitespace-pre-wrap break-words';

export function PromptField({ ref, label, value, placeholder, className, onChange }: {
  ref?: Ref<HTMLTextAreaElement>; label: string; value: string; placeholder: string; className?: string; onChange: (value: string) => void;
}) {
  return (
    <div className={clsx('grid overflow-y-auto', className)}>
      <Letters text={value} />
      <textarea ref={ref} aria-label={label} value={value} placeholder={placeholder} rows={1} spellCheck={false} autoComplete="off"
        onChange={(event) => onChange(event.target.value)} onKeyDown={weigh}
        className={clsx(letters, 'resize-none overflow-hidden bg-transparent text-transparent caret-text outline-none placeholder:text-faint')} />
    </div>
  );
}

const Letters = memo(function Letters({ text }: { text: string }) {
  return (
    <div aria-hidden className={letters}>
      {spansOf(text).map((span, i) => (
        <span key={i} className={clsx(span.emphasis === 'more' && 'text-accent-text', span.emphasis === 'less' && 'text-dim')}>{span.text}</span>
      ))}
      {/* A last line break has no height of its own. */}
      {'\u200b'}
    </div>
  );
});

/** Ctrl or Cmd with ↑ or ↓ makes the selection, or the word at the caret, weigh more or less. Typed in, so that the field's own undo takes it back. */
function weigh(event: KeyboardEvent<HTMLTextAreaElement>): void {
  if (!(event.ctrlKey || event.metaKey) || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
  event.preventDefault();
  const field = event.currentTarget;
  const edit = reweigh(field.value, field.selectionStart, field.selectionEnd, event.key === 'ArrowUp' ? weightStep : -weightStep);
  if (!edit) return;
  field.setSelectionRange(edit.from, edit.to);
  document.execCommand('insertText', false, edit.text);
  field.setSelectionRange(...edit.select);
}
