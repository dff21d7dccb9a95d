// A list to search in: typed words narrow it, the arrows walk it, Enter takes what is marked.
import clsx from 'clsx';
import { Search } from 'lucide-react';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';

export interface FinderItem { id: string; name: string; facts: string; /** On hover. */ title?: string | undefined; /** Why it cannot be taken; it is shown all the same. */ why?: string | undefined }

/** Of thousands of files more than these only slow the list down. */
const MOST_SHOWN = 200;

/** `empty`: what is said where nothing is found. */
export function Finder({ label, items, empty, more, onTake }: {
  label: string; items: readonly FinderItem[]; empty: (text: string) => string; more: (count: number) => string; onTake: (id: string) => void;
}) {
  const [text, setText] = useState(''), [marked, setMarked] = useState(0);
  const list = useId(), option = useRef<HTMLLIElement>(null);
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = items.filter(({ name, facts }) => words.every((word) => `${name} ${facts}`.toLowerCase().includes(word))), shown = found.slice(0, MOST_SHOWN);
  const at = Math.min(marked, shown.length - 1);
  // A promise, in browsers of late.
  useEffect(() => void option.current?.scrollIntoView({ block: 'nearest' }), [at]);
  const take = (item: FinderItem | undefined) => { if (item && item.why === undefined) onTake(item.id); };
  const onKeyDown = (event: KeyboardEvent) => {
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: event.ctrlKey ? 0 : undefined, End: event.ctrlKey ? shown.length - 1 : undefined, PageDown: at + 6, PageUp: at - 6 }[event.key];
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) take(shown[at]);
    else if (to !== undefined) setMarked(Math.max(0, Math.min(shown.length - 1, to)));
    else return;
    event.preventDefault();
  };
  return (
    <>
      <label className="flex h-8 shrink-0 items-center gap-2 rounded-control border border-line bg-raised px-2.5 focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-accent">
        <Search size={14} aria-hidden className="shrink-0 text-dim" />
        <input type="text" role="combobox" aria-label={label} placeholder={label} aria-expanded aria-controls={list} aria-autocomplete="list" aria-activedescendant={at >= 0 ? `${list}-${at}` : undefined}
          data-focus-first spellCheck={false} autoComplete="off" value={text} onKeyDown={onKeyDown}
          onChange={(event) => { setText(event.target.value); setMarked(0); }} className="min-w-0 flex-1 bg-transparent outline-none placeholder:text-faint" />
      </label>
      <ul id={list} role="listbox" aria-label={label} className="-mx-2 flex max-h-80 flex-col overflow-y-auto p-0.5 empty:hidden">
        {shown.map((item, i) => (
          <li key={item.id} ref={i === at ? option : undefined} id={`${list}-${i}`} role="option" aria-selected={i === at} aria-disabled={item.why !== undefined} title={item.title}
            onPointerMove={() => setMarked(i)} onClick={() => take(item)} className={clsx('flex shrink-0 flex-col rounded-control px-2 py-1.5', i === at && 'bg-hover')}>
            <span className={clsx('break-words', item.why === undefined ? 'font-medium' : 'text-dim')}>{item.name}</span>
            <span className="text-hint text-dim">{item.facts}{item.why !== undefined && <> · <span className="text-accent-text">{item.why}</span></>}</span>
          </li>
        ))}
      </ul>
      <p role="status" className="text-hint break-words text-dim empty:hidden">{found.length === 0 ? empty(text.trim()) : found.length > shown.length ? more(found.length - shown.length) : ''}</p>
    </>
  );
}
