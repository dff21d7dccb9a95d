// The dock beneath the stage: the words, what they are asked of, and the one main button.
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { commentsIn } from '../../preload/contract/comments';
import { noticeText } from '../i18n';
import { useChosenModel } from '../models/chosen';
import { Tip } from '../ui/tip';
import { ModelChip, PicturesChip, ShapeChip, StartChip } from './chips';
import { setForm, useForm } from './form';
import { GenerateButton } from './generate-button';
import { LookChip } from './look-chip';
import { PromptField } from './prompt-field';

export function Dock() {
  const { t } = useTranslation();
  const [prompt, negative, emphasis] = useForm(useShallow((form) => [form.prompt, form.negative, form.overrides?.emphasis] as const));
  const comments = emphasis === 'comfy' ? [] : [prompt, negative].flatMap(commentsIn);
  const example = useChosenModel()?.examples[0];
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  return (
    <section aria-label={t('dock.name')} className="mx-4 mb-4 flex flex-col gap-2 rounded-dock border border-line bg-panel px-3.5 pt-3.5 pb-3 shadow-lg shadow-shade lg:mx-6 lg:mb-5">
      <PromptField ref={field} label={t('dock.prompt')} value={prompt} onChange={(value) => setForm({ prompt: value })}
        placeholder={example ? t('dock.try', { example }) : t('dock.placeholder')} className="max-h-[min(240px,30vh)] min-h-12 text-prompt leading-6" />
      <label className="flex items-baseline gap-2">
        <Tip text={t('terms.negative')} side="left"><span className="shrink-0 font-medium text-dim">{t('dock.without')}</span></Tip>
        <PromptField label={t('dock.without')} value={negative} onChange={(value) => setForm({ negative: value })} placeholder={t('dock.withoutPlaceholder')}
          className="max-h-16 min-w-0 flex-1 leading-5" />
      </label>
      {comments.length > 0 && <p role="status" className="line-clamp-2 text-hint break-words text-dim">{noticeText({ code: 'comment.leftOut', data: { text: comments.join(' / ') } })}</p>}
      <div className="flex items-center gap-2">
        <div className="flex min-w-0 flex-1 items-center gap-2 overflow-hidden p-1 -m-1">
          <ModelChip />
          <ShapeChip />
          <LookChip />
          <PicturesChip />
          <StartChip />
        </div>
        <GenerateButton />
      </div>
    </section>
  );
}
