// Looks: named texts of styles.csv that are put around the words. Only there when there are any.
import { useTranslation } from 'react-i18next';
import type { PromptStyle } from '../../preload/contract/studio';
import { useStyles } from '../queries';
import { Popover } from '../ui/popover';
import { Chip } from './chips';
import { setForm, useForm } from './form';

export function LookChip() {
  const { t } = useTranslation();
  const { data: styles = [], refetch } = useStyles();
  const chosen = useForm((form) => form.styles).filter((name) => styles.some((style) => style.name === name));
  if (styles.length === 0) return null;
  const toggle = (name: string, on: boolean) => setForm({ styles: on ? [...chosen, name] : chosen.filter((other) => other !== name) });
  return (
    // The file may have been changed in another program.
    <Popover label={t('look.name')} side="top" className="flex w-96 flex-col gap-2" onOpenChange={(open) => open && void refetch()}
      trigger={<Chip aria-label={t('look.chip', { names: chosen.join(', ') || t('look.none') })} className="max-w-44 shrink">
        {chosen.length !== 1 && t('look.name')} {chosen.length > 0 && <span className="truncate font-medium text-text">{chosen.length === 1 ? chosen[0] : chosen.length}</span>}
      </Chip>}>
      <h2 className="font-semibold">{t('look.name')}</h2>
      <p className="text-hint text-dim">{t('look.hint')}</p>
      <ul className="-mx-2 flex max-h-80 flex-col overflow-y-auto p-0.5">
        {styles.map((style) => <li key={style.name}><Look style={style} on={chosen.includes(style.name)} onToggle={(on) => toggle(style.name, on)} /></li>)}
      </ul>
    </Popover>
  );
}

function Look({ style: { name, prompt, negative }, on, onToggle }: { style: PromptStyle; on: boolean; onToggle: (on: boolean) => void }) {
  const { t } = useTranslation();
  const without = negative && t('look.without', { text: negative });
  return (
    <label className="flex gap-3 rounded-control px-2 py-2 hover:bg-hover" title={[prompt, without].filter(Boolean).join('\n')}>
      <input type="checkbox" checked={on} onChange={(event) => onToggle(event.target.checked)} className="mt-0.5 size-4 shrink-0 accent-accent" />
      <span className="flex min-w-0 flex-col">
        <span className="font-medium break-words">{name}</span>
        {prompt && <span className="line-clamp-2 text-hint break-words text-dim">{prompt}</span>}
        {without && <span className="line-clamp-2 text-hint break-words text-dim">{without}</span>}
      </span>
    </label>
  );
}
