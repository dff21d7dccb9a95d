// A file that was chosen beside the model, as a row: its name, what keeps it from being used, its settings, and more of them to unfold.
import clsx from 'clsx';
import { ChevronDown, X } from 'lucide-react';
import { useId, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ModelEntry } from '../../preload/contract/model';
import { listedName } from '../format';
import { familyShort, otherBase } from '../models/beside';
import { IconButton } from '../ui/button';

/** `file`: as the studio lists it; not there, once `isListed`, it is gone. `children`: given the row's way to unfold. */
export function BesideRow({ name, file, isListed, model, startsOpen, more, onRemove, children }: {
  name: string; file: ModelEntry | undefined; isListed: boolean; model: ModelEntry | undefined; startsOpen: boolean; more: ReactNode; onRemove: () => void;
  children: ReactNode | ((open: boolean, unfold: () => void) => ReactNode);
}) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(startsOpen), moreId = useId();
  const shown = file ? listedName(file) : name, other = file && otherBase(file, model);
  const why = file ? (other ? t('beside.notUsed', { family: familyShort(other) }) : null) : isListed ? t('beside.gone') : null;
  return (
    <li aria-label={shown} className="flex flex-col gap-1.5 rounded-card border border-line bg-raised pt-1.5 pr-1.5 pb-2 pl-3">
      <div className="flex items-center">
        <span title={file?.path} className={clsx('min-w-0 flex-1 truncate font-medium', why !== null && 'text-dim')}>{shown}</span>
        <IconButton icon={ChevronDown} label={t('beside.moreOf', { name: shown })} aria-expanded={open} aria-controls={moreId} onClick={() => setOpen(!open)} className={clsx(open && '[&>svg]:rotate-180')} />
        <IconButton icon={X} label={t('beside.remove', { name: shown })} onClick={(event) => {
          // The hand stays in the setting.
          event.currentTarget.closest('section')?.querySelector<HTMLElement>('[data-add]')?.focus();
          onRemove();
        }} />
      </div>
      <div className="flex flex-col gap-1.5 pr-1.5">
        {why !== null && <p role="status" className="text-hint text-accent-text">{why}</p>}
        {typeof children === 'function' ? children(open, () => setOpen(true)) : children}
        <div id={moreId} hidden={!open} className="flex flex-col gap-2 pt-1 pb-1">{more}</div>
      </div>
    </li>
  );
}
