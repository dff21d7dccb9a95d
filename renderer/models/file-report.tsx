// "What is this file?": what its names, shapes and metadata tell, as `inspect` says it.
import { useQuery } from '@tanstack/react-query';
import { ArrowLeft, ClipboardCopy } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ModelEntry, ModelReport } from '../../preload/contract/model';
import { familyNames } from '../../preload/contract/vocabulary';
import { api, errorInfoOf } from '../api';
import { fileSize, listedName, plainNumber } from '../format';
import { Button, IconButton } from '../ui/button';
import { copy } from '../ui/copy';
import { Facts } from '../ui/facts';
import { said, problemText } from '../i18n';

/** Hashes of a large file take a while, and come by themselves. */
const hashesMs = 2000;
/** Of one value of the metadata; tag counts run to megabytes. */
const longestText = 300;

export function FileReport({ model, onBack }: { model: ModelEntry; onBack: () => void }) {
  const { t } = useTranslation();
  const { data: report, error } = useQuery({
    queryKey: ['inspect', model.id], queryFn: () => api.models.inspect.query({ id: model.id }), refetchInterval: ({ state: { data } }) => (data?.runnable && !data.hashes ? hashesMs : false),
  });
  return (
    <div className="flex flex-col gap-3">
      <div className="flex items-center gap-1">
        <IconButton icon={ArrowLeft} label={t('report.back')} onClick={onBack} className="-ml-2" />
        <h2 className="min-w-0 flex-1 truncate font-semibold" title={model.path}>{listedName(model)}</h2>
        {report && <Button onClick={() => void copy(JSON.stringify(report))}><ClipboardCopy size={15} strokeWidth={1.75} aria-hidden />{t('report.copy')}</Button>}
      </div>
      {error && <p role="alert" className="break-words text-accent-text">{said(errorInfoOf(error))}</p>}
      {report && <Report report={report} path={model.path} />}
    </div>
  );
}

function Report({ report, path }: { report: ModelReport; path: string }) {
  const { t } = useTranslation();
  const { kind, family, variant, prediction, precision, parameters, tensors, sizeBytes, hashes, algorithm, rank, modules, trainedWords, scale, controlKinds, confidence, problems, metadata } = report;
  const texts = Object.entries(metadata).map(([key, value]) => [key, value.length > longestText ? `${value.slice(0, longestText)}…` : value] as const);
  return (
    <div className="flex max-h-[min(420px,50vh)] flex-col gap-4 overflow-y-auto">
      <Facts rows={[
        [t('report.kind'), t(`report.kinds.${kind}`)], [t('report.family'), family && (familyNames[family]?.short ?? family)], [t('report.variant'), variant && variant !== 'base' ? t(`models.variant.${variant}`) : null],
        [t('terms.prediction'), prediction && t(`prediction.${prediction}`)], [t('report.algorithm'), algorithm], [t('report.rank'), rank], [t('report.modules'), modules],
        [t('report.words'), trainedWords?.join(', ')], [t('report.scale'), scale && `× ${scale}`], [t('report.controlKinds'), controlKinds], [t('report.precision'), precision], [t('report.parameters'), plainNumber(parameters)],
        [t('report.tensors'), plainNumber(tensors)], [t('report.size'), fileSize(sizeBytes)], [t('report.sure'), `${Math.round(confidence * 100)} %`],
        ['SHA-256', hashes ? hashes.sha256 : report.runnable ? t('report.hashing') : null], ['AutoV1', hashes?.autov1], ['AutoV2', hashes?.autov2], ['AutoV3', hashes?.autov3],
        [t('report.path'), path],
      ]} />
      {problems.length > 0 && (
        <section aria-label={t('report.problems')}>
          <h3 className="mb-1 text-hint font-medium">{t('report.problems')}</h3>
          <ul className="flex list-disc flex-col gap-1 pl-4 text-hint break-words text-accent-text">{problems.map(problemText).map((text) => <li key={text}>{text}</li>)}</ul>
        </section>
      )}
      {texts.length > 0 && (
        <section aria-label={t('report.metadata')}>
          <h3 className="mb-1 text-hint font-medium">{t('report.metadata')}</h3>
          <Facts rows={texts} />
        </section>
      )}
    </div>
  );
}
