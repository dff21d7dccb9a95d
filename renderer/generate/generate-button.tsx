// Generate, with how long it will take; Stop at the same place while something is being made, and more can still be asked for.
import { Plus } from 'lucide-react';
import type { MouseEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { duration } from '../format';
import { useChosenModel } from '../models/chosen';
import { stop } from '../queue/cancel';
import { useBusy, useCurrentJob, useJobs, useStopping } from '../queue/jobs';
import { Button, IconButton } from '../ui/button';
import { useForecast } from './estimate';
import { useForm } from './form';
import { generate } from './request';

// Both have one width, so that nothing moves when one takes the other's place.
const place = 'h-9.5 min-w-28 lg:min-w-41 px-4 rounded-card';

/** The second click of a double click is not for the button that has just taken the other's place. */
const once = (run: () => Promise<void>) => (event: MouseEvent) => void (event.detail < 2 && run());

export function GenerateButton() {
  const { t } = useTranslation();
  const [steps, count] = useForm(useShallow((form) => [form.steps, form.count] as const));
  // Not before the list of models has come: a click would do nothing.
  const model = useChosenModel();
  const forecast = useForecast();
  const busy = useBusy();
  const stopping = useStopping(useCurrentJob()?.id);
  const live = useJobs((state) => state.connection === 'live');
  const about = forecast && duration(forecast.secondsFor(steps) * count);
  if (busy) {
    return (
      <>
        <IconButton icon={Plus} label={t('dock.another')} disabled={!model} onClick={() => void generate()} />
        <Button className={place} disabled={stopping} onClick={once(stop)}>{t(stopping ? 'dock.stopping' : 'dock.stop')}</Button>
      </>
    );
  }
  return (
    <Button id="generate" look="main" className={place} disabled={!model || !live} onClick={once(generate)} aria-label={t('dock.generate')} aria-keyshortcuts="Control+Enter" aria-describedby="about">
      {t('dock.generate')}
      {about && <span id="about" className="hidden text-hint font-medium lg:inline">{t('time.about', { time: about })}</span>}
    </Button>
  );
}
