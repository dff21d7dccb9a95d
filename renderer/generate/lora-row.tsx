// One chosen LoRA: how strong it is, in the network and for the words apart, when it is on, and the words that call up what it was taught.
import clsx from 'clsx';
import { Check, Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { LoraUse } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import { NumberInput } from '../ui/number-input';
import { Slider } from '../ui/slider';
import { samplerLabels, type SamplerName } from '../../preload/contract/vocabulary';
import { BesideRow } from './beside-row';
import { isSampler, isSchedule } from './choices';
import { setForm, useForm, type ChosenLora } from './form';
import { ShareFields } from './share-fields';
import { hasWords, withWords } from './trigger-words';

const MOST = 2, STEP = 0.05;
/** While the row is closed. */
const wordsShown = 6;

export function LoraRow({ lora: { name, use }, file, isListed, model, onChange, onRemove }: {
  lora: ChosenLora; file: ModelEntry | undefined; isListed: boolean; model: ModelEntry | undefined; onChange: (use: LoraUse) => void; onRemove: () => void;
}) {
  const { t } = useTranslation();
  const { unet, text, start = 0, end = 1, blocks, ranks } = use;
  // The two go together until somebody sets them apart.
  const strengthen = (to: number) => onChange({ ...use, unet: to, text: text === unet ? to : text });
  return (
    <BesideRow name={name} file={file} isListed={isListed} model={model} startsOpen={unet !== text || start > 0 || end < 1} onRemove={onRemove}
      more={(
        <>
          <label className="flex items-center justify-between gap-3 text-hint text-dim">{t('loras.text')}<NumberInput label={t('loras.textOf', { name })} value={text} min={-MOST} max={MOST} step={STEP} decimals={2} className="max-w-18" onChange={(to) => onChange({ ...use, text: to })} /></label>
          <p className="text-hint text-dim">{t('loras.textHint')}</p>
          <ShareFields name={name} start={start} end={end} onChange={(share) => onChange({ ...use, ...share })} />
          {(blocks || ranks) && <p className="text-hint text-dim">{t('loras.kept')}</p>}
        </>
      )}>
      {(open, unfold) => (
        <>
          <span aria-hidden className="-mb-1.5 text-hint text-dim">{t('loras.strengthName')}</span>
          <div className="flex items-center gap-3">
            <Slider label={t('loras.strength', { name })} value={unet} min={-MOST} max={MOST} step={STEP} origin={0} valueText={unet.toFixed(2)} onChange={strengthen} />
            <NumberInput label={t('loras.exactStrength', { name })} value={unet} min={-MOST} max={MOST} step={STEP} decimals={2} className="max-w-18" onChange={strengthen} />
          </div>
          {file?.suits && <Suits suits={file.suits} />}
          {file?.trainedWords && <Words words={file.trainedWords} all={open} onAll={unfold} />}
        </>
      )}
    </BesideRow>
  );
}

/** It was made for few steps: a click takes the settings that it wants. */
function Suits({ suits: { steps, cfg, sampler, schedule } }: { suits: NonNullable<ModelEntry['suits']> }) {
  const { t } = useTranslation();
  const isSo = useForm((form) => form.steps === steps && form.cfg === cfg && form.sampler === sampler && form.schedule === schedule), told = { steps, cfg, sampler: samplerLabels[sampler as SamplerName] };
  if (isSo) return <p className="text-hint text-dim">{t('loras.suited', told)}</p>;
  return (
    <button type="button" className="min-h-7 rounded-small border border-line px-2 py-1 text-left text-hint hover:bg-hover"
      onClick={() => setForm({ steps, cfg, ...(isSampler(sampler) && { sampler }), ...(isSchedule(schedule) && { schedule }) })}>{t('loras.suit', told)}</button>
  );
}

/** A click puts one into the prompt; those that are there are marked. */
function Words({ words, all, onAll }: { words: readonly string[]; all: boolean; onAll: () => void }) {
  const { t } = useTranslation();
  const prompt = useForm((form) => form.prompt);
  const shown = all ? words : words.slice(0, wordsShown);
  return (
    <ul aria-label={t('loras.words')} className="flex flex-wrap gap-1">
      {shown.map((word) => {
        const isThere = hasWords(prompt, word), Icon = isThere ? Check : Plus;
        return (
          <li key={word} className="flex max-w-full min-w-0">
            <button type="button" aria-disabled={isThere} aria-label={t(isThere ? 'loras.wordThere' : 'loras.addWord', { word })} onClick={() => { if (!isThere) setForm({ prompt: withWords(prompt, word) }); }}
              className={clsx('flex min-h-6 max-w-full items-center gap-1 rounded-small border border-line px-1.5 py-0.5 text-left text-hint', isThere ? 'text-dim' : 'hover:bg-hover')}>
              <Icon size={12} className="shrink-0" aria-hidden /><span className="min-w-0 break-words">{word}</span>
            </button>
          </li>
        );
      })}
      {shown.length < words.length && <li><button type="button" onClick={onAll} className="min-h-6 rounded-small px-1.5 py-0.5 text-hint text-dim hover:bg-hover">{t('loras.moreWords', { count: words.length - shown.length })}</button></li>}
    </ul>
  );
}
