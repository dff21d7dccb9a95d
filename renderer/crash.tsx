// What is shown when the window itself fails: that nothing is lost, and how to go on.
import { Component, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { ErrorInfo } from '../preload/contract/errors';
import { Button } from './ui/button';
import { CopyReport, ReportByHand } from './ui/copy-report';

export class CrashBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError() { return { failed: true }; }
  override render() { return this.state.failed ? <Crashed /> : this.props.children; }
}

/** Its name and place are in the log, where the report finds them. */
const fault: ErrorInfo = { code: 'internal', data: { detail: '' } };

function Crashed() {
  const { t } = useTranslation();
  return (
    <main role="alert" className="grid h-full place-items-center bg-stage p-6">
      <div className="flex max-w-md flex-col items-center gap-3 text-center">
        <img src="./mark.svg" alt="Atelier" width={40} height={40} />
        <h1 className="text-prompt font-semibold">{t('crash.title')}</h1>
        <p className="text-dim">{t('crash.hint')}</p>
        <div className="flex gap-2">
          <Button look="main" onClick={() => location.reload()}>{t('crash.reload')}</Button>
          <CopyReport error={fault} />
        </div>
      </div>
      <ReportByHand />
    </main>
  );
}
