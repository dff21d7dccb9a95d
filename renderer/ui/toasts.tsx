// Short messages over the stage: said once, gone by themselves, some with one thing to do.
import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { create } from 'zustand';
import { Button, IconButton } from './button';

interface Toast { id: number; text: string; action?: { label: string; run: () => void } }

const useToasts = create<{ toasts: Toast[] }>(() => ({ toasts: [] }));
let lastId = 0;

/** Shows `text` for `holdMs`. Returns what takes it away early. */
export function toast(text: string, options: { action?: Toast['action']; holdMs?: number } = {}): () => void {
  const id = ++lastId;
  const dismiss = () => useToasts.setState(({ toasts }) => ({ toasts: toasts.filter((other) => other.id !== id) }));
  useToasts.setState(({ toasts }) => ({ toasts: [...toasts.slice(-2), { id, text, action: options.action }] }));
  setTimeout(dismiss, options.holdMs ?? 4000);
  return dismiss;
}

export function Toasts() {
  const { t } = useTranslation();
  const toasts = useToasts((state) => state.toasts);
  const dismiss = (id: number) => useToasts.setState({ toasts: toasts.filter((other) => other.id !== id) });
  return (
    <div role="status" className="flex flex-col items-center gap-2">
      {toasts.map(({ id, text, action }) => (
        <div key={id} className="pointer-events-auto flex max-w-full animate-in items-center gap-2 rounded-card border border-line bg-raised py-1 pr-1 pl-3.5 shadow-lg shadow-shade">
          <span className="min-w-0 break-words">{text}</span>
          {action && <Button look="quiet" className="text-accent-text" onClick={() => { action.run(); dismiss(id); }}>{action.label}</Button>}
          <IconButton icon={X} label={t('common.dismiss')} onClick={() => dismiss(id)} />
        </div>
      ))}
    </div>
  );
}
