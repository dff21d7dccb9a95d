// Copies what one passes on when something is wrong; where the browser does not let a page copy, shows it for copying by hand.
import { Dialog } from 'radix-ui';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { create } from 'zustand';
import type { ErrorInfo } from '../../preload/contract/errors';
import { api } from '../api';
import { Button } from './button';

const COPIED_MS = 3_000;
const useByHand = create<{ text: string | null }>(() => ({ text: null }));

/** Without a studio to ask, what is known here. */
async function reportOn(error: ErrorInfo | null, job: string | null): Promise<string> {
  return api.report.mutate({ error, job }).catch(() => JSON.stringify({ code: error?.code ?? null, studio: 'studio.unreachable', window: navigator.userAgent }, null, 2));
}

export function CopyReport({ error = null, job = null }: { error?: ErrorInfo | null; job?: string | null }) {
  const { t } = useTranslation();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = async () => {
    const text = await reportOn(error, job);
    try {
      // Not there on an insecure origin, such as another computer's address without https.
      await navigator.clipboard.writeText(text);
      setCopied(true);
    } catch {
      useByHand.setState({ text });
    }
  };
  return <Button onClick={() => void copy()}><span aria-live="polite">{t(isCopied ? 'faultReport.copied' : 'faultReport.copy')}</span></Button>;
}

const selectAll = (field: HTMLTextAreaElement | null): void => field?.select();

/** Not modal, as the popovers are not; there whatever opened it, which may be gone by now. */
export function ReportByHand() {
  const { t } = useTranslation();
  const text = useByHand((state) => state.text);
  const close = () => useByHand.setState({ text: null });
  return (
    <Dialog.Root open={text !== null} modal={false} onOpenChange={(open) => { if (!open) close(); }}>
      <Dialog.Portal>
        <Dialog.Content aria-describedby={undefined} className="fixed inset-0 z-50 m-auto flex h-fit max-h-[calc(100vh-2rem)] w-[min(42rem,calc(100vw-2rem))] animate-in flex-col gap-3 rounded-dock border border-line bg-panel p-6 shadow-2xl shadow-shade outline-none">
          <Dialog.Title className="text-prompt font-semibold">{t('faultReport.title')}</Dialog.Title>
          <p className="text-dim">{t('faultReport.byHand')}</p>
          <textarea readOnly aria-label={t('faultReport.title')} value={text ?? ''} ref={selectAll} rows={16}
            className="min-h-0 resize-none overflow-auto rounded-control border border-line bg-ground p-3 font-mono text-hint whitespace-pre-wrap outline-none select-text focus-visible:border-accent" />
          <Dialog.Close asChild><Button className="self-end">{t('faultReport.close')}</Button></Dialog.Close>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
