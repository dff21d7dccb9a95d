// A picture from elsewhere on the stage: what it says of how it was made, what of that is not here, and what to take of it.
import { useTranslation } from 'react-i18next';
import { samplerLabels, scheduleLabels } from '../../preload/contract/vocabulary';
import type { PictureReading } from '../../preload/contract/picture-report';
import { setForm } from '../generate/form';
import { fillForm } from '../generate/request';
import { InputThumbnail } from '../generate/taken';
import { listed, listedName, shapeText } from '../format';
import { closeOffer, follow, type Offer } from '../stage/view';
import { Button } from '../ui/button';
import { copy } from '../ui/copy';
import { Facts } from '../ui/facts';
import { toast } from '../ui/toasts';
import { programOf } from './read';

/** Workflows have dozens; "All that it says" has them. */
const extraShown = 6;
/** Which files, which program and what is left of its graph: nothing that a picture is made by. */
const aboutFiles = /hash(?:es)?$|^(?:version|user|nodes|workflow)$/i;

export function ReadingCard({ offer: { picture, reading } }: { offer: Offer }) {
  const { t } = useTranslation();
  const { report: { job, missing }, otherVersions, severalFit } = reading;
  const json = JSON.stringify(reading.report, null, 2);
  const leftOut = useLeftOut(reading);
  const notKnown = job?.notKnown?.slice(0, extraShown).map(({ field, class: type }) => `${field} (${type})`) ?? [];
  const notHere = missing.map(({ name }) => name).filter((name) => !otherVersions.includes(name));
  const use = () => {
    if (reading.request) fillForm(reading.request);
    toast(notHere.length > 0 ? t('reading.takenWithout', { names: listed(notHere) }) : t('actions.reused'), { holdMs: notHere.length > 0 ? 8000 : 4000 });
    follow();
  };
  const start = () => {
    setForm({ init: picture });
    follow();
  };
  const close = (event: { key: string; preventDefault(): void }) => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    closeOffer();
  };
  return (
    <div className="grid h-full place-items-center">
      <section aria-label={t('reading.name')} onKeyDown={close} className="flex max-h-full min-h-0 w-full max-w-2xl animate-in flex-col gap-4 rounded-dock border border-line bg-panel p-5 shadow-xl shadow-shade">
        <div className="flex min-h-0 gap-5">
          <InputThumbnail picture={{ ...picture, thumbnail: null }} alt={t('reading.picture')} className="size-32 rounded-picture border border-line" iconPx={24} />
          <div className="flex min-h-0 min-w-0 flex-1 flex-col gap-3 overflow-y-auto">
            <h2 className="text-prompt font-semibold">{t('reading.title', { program: programOf(reading) })}</h2>
            {job && (
              <>
                <p className="break-words select-text">{job.prompt || t('stage.untitled')}</p>
                {job.negative && <p className="break-words text-dim select-text"><span className="font-medium">{t('dock.without')}</span> {job.negative}</p>}
                <Facts rows={[
                  [t('models.label'), job.model && (reading.request?.files?.model ? listedName(job.model) : t('reading.notHere', { name: listedName(job.model) }))],
                  [t('terms.sampler'), [job.sampler && samplerLabels[job.sampler], job.schedule && scheduleLabels[job.schedule]].filter(Boolean).join(' · ')],
                  [t('terms.steps'), job.steps], [t('terms.guidance'), job.cfg], [t('terms.seed'), job.seed], [t('terms.size'), job.width && job.height && shapeText(job.width, job.height)],
                  [t('terms.clipSkip'), job.clipSkip], [t('terms.vae'), job.vae],
                ]} />
              </>
            )}
            {otherVersions.length > 0 && <p className="break-words text-hint text-accent-text">{t('reading.otherVersions', { names: listed(otherVersions), count: otherVersions.length })}</p>}
            {severalFit.map(({ name, taken, others }) => <p key={taken} className="break-words text-hint text-accent-text">{t('reading.severalFit', { name, taken, others: listed(others) })}</p>)}
            {notHere.length > 0 && <p className="break-words text-hint text-accent-text">{t('reading.missing', { names: listed(notHere) })}</p>}
            {notKnown.length > 0 && <p className="break-words text-hint text-accent-text">{t('reading.notKnown', { names: listed(notKnown) })}</p>}
            {leftOut && <p className="break-words text-hint text-dim">{leftOut}</p>}
            <details className="text-hint text-dim">
              <summary className="w-fit rounded-sm">{t('reading.all')}</summary>
              <Button className="my-2" onClick={() => void copy(JSON.stringify(reading.report))}>{t('report.copy')}</Button>
              <pre className="rounded-control bg-ground p-3 break-all whitespace-pre-wrap select-text">{json}</pre>
            </details>
          </div>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button look="main" autoFocus onClick={use}>{t('reading.use')}</Button>
          <Button onClick={start}>{t('actions.item.start')}</Button>
          <Button look="quiet" onClick={closeOffer}>{t('common.dismiss')}</Button>
        </div>
      </section>
    </div>
  );
}

/** What of the job has no place here yet. */
function useLeftOut({ leftOut, report }: PictureReading): string | null {
  const { t } = useTranslation();
  const words: Record<string, string> = { loras: t('reading.loras'), hires: t('reading.hires'), controls: t('reading.controls') };
  const names = [...leftOut.map((key) => words[key] ?? key), ...Object.keys(report.job?.extra ?? {}).filter((key) => !aboutFiles.test(key)).slice(0, extraShown)];
  return names.length > 0 ? t('reading.leftOut', { names: listed(names) }) : null;
}
