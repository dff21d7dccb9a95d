// Something went wrong: what, what to do about it, the details for those who want them, and another try.
import { TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { generate, retry } from '../generate/request';
import { useJobs, type Problem } from '../queue/jobs';
import { Button } from '../ui/button';
import { CopyReport } from '../ui/copy-report';
import { wordsOf } from '../i18n';

export function ProblemCard({ problem: { error, job } }: { problem: Problem }) {
  const { t } = useTranslation();
  const { message, hint } = wordsOf(error);
  const details = JSON.stringify({ code: error.code, ...error.data, ...(job && { prompt: job.title, job: job.settings }) }, null, 2);
  return (
    <div className="grid h-full place-items-center">
      <div role="alert" className="flex w-full max-w-lg animate-in flex-col gap-3 rounded-dock border border-line bg-panel p-6 shadow-xl shadow-shade">
        <h2 className="flex items-center gap-2.5 text-prompt font-semibold"><TriangleAlert size={18} className="text-accent-text" aria-hidden />{t('problem.title')}</h2>
        <p className="break-words select-text">{message}</p>
        <p className="break-words text-dim select-text">{hint}</p>
        <details className="text-hint text-dim">
          <summary className="w-fit rounded-sm">{t('problem.details')}</summary>
          <pre className="mt-2 max-h-40 overflow-auto rounded-control bg-ground p-3 whitespace-pre-wrap select-text">{details}</pre>
        </details>
        <div className="flex flex-wrap gap-2">
          <Button look="main" onClick={() => void (job ? retry(job.id) : generate())}>{t('problem.retry')}</Button>
          <CopyReport error={error} job={job?.id} />
          <Button look="quiet" onClick={() => useJobs.setState({ problem: null })}>{t('common.dismiss')}</Button>
        </div>
      </div>
    </div>
  );
}
