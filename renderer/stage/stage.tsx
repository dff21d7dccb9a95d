// The stage: what is being made, what was chosen, what went wrong, or how to begin.
import { useCurrentJob, useJobs } from '../queue/jobs';
import { ReadingCard } from '../reading/card';
import { usePictures } from '../strip/pictures';
import { Toasts } from '../ui/toasts';
import { useTranslation } from 'react-i18next';
import { LiveView } from './live';
import { FolderNotice, Notices } from './notices';
import { PictureView } from './picture';
import { ProblemCard } from './problem';
import { useShownPicture, useShownUnreadable } from './shown';
import { UnreadableView } from './unreadable';
import { UpscaleSheet } from './upscale-sheet';
import { useView } from './view';
import { Welcome } from './welcome';

export function Stage() {
  const { t } = useTranslation();
  return (
    <section aria-label={t('stage.name')} className="relative min-h-0 min-w-0 flex-1">
      <div className="pointer-events-none absolute inset-x-0 top-3 z-20 flex flex-col items-center gap-2 px-4">
        <Notices />
        <FolderNotice />
        <Toasts />
      </div>
      <div className="absolute inset-4 top-6 [container-type:size] lg:inset-x-6"><Scene /></div>
      <UpscaleSheet />
    </section>
  );
}

function Scene() {
  const chosen = useView((view) => view.chosen);
  const offer = useView((view) => view.offer);
  const job = useCurrentJob();
  const problem = useJobs((state) => state.problem);
  const picture = useShownPicture();
  const unreadable = useShownUnreadable();
  const { isLoaded } = usePictures();
  if (offer) return <ReadingCard key={offer.picture.hash} offer={offer} />;
  if (chosen === null && job) return <LiveView job={job} />;
  if (chosen === null && problem) return <ProblemCard problem={problem} />;
  if (unreadable) return <UnreadableView picture={unreadable} />;
  if (picture) return <PictureView picture={picture} />;
  return isLoaded && chosen === null ? <Welcome /> : null;
}
