// The studio does not know this window: how to get in.
import { useEffect, useState } from 'react';
import type { ErrorInfo } from '../preload/contract/errors';
import { t, wordsOf } from './i18n';
import { knock, onNewSession } from './session';
import { Button } from './ui/button';

export function Refused({ error }: { error: ErrorInfo }) {
  const [hasKnocked, setKnocked] = useState(false);
  useEffect(() => onNewSession(() => location.reload()), []);
  const { message, hint } = wordsOf(error);
  return (
    <main role="alert" className="grid h-full place-items-center bg-stage p-6">
      <div className="flex max-w-md flex-col items-center gap-3 text-center">
        <img src="./mark.svg" alt="Atelier" width={40} height={40} />
        <h1 className="text-prompt font-semibold">{message}</h1>
        <p className="text-dim">{hasKnocked ? t('refused.look') : hint}</p>
        <Button disabled={hasKnocked} onClick={() => void knock().then(() => setKnocked(true))}>{t('refused.knock')}</Button>
      </div>
    </main>
  );
}
