// LoRAs: those chosen here, each with its strength, and those that the prompt calls up by tags.
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { api } from '../api';
import { noticeText } from '../i18n';
import { AddBeside } from '../models/add-beside';
import { useChosenModel } from '../models/chosen';
import { useParts } from '../queries';
import { Field } from '../ui/field';
import { setForm, useForm, type ChosenLora } from './form';
import { LoraRow } from './lora-row';

const nothing = { loras: [], notices: [] };

/** What the tags of the prompt call up, as a job would. */
function useCalledUp(isShown: boolean) {
  const [prompt, model, emphasis] = useForm(useShallow((form) => [form.prompt, form.model, form.overrides?.emphasis] as const));
  const hasTags = isShown && emphasis !== 'comfy' && model !== null && /<(?:lora|lyco):/i.test(prompt);
  const { data } = useQuery({ queryKey: ['prompt-loras', prompt, model], queryFn: () => api.prompts.loras.mutate({ prompt, model: model ?? '' }), enabled: hasTags, placeholderData: keepPreviousData, gcTime: 30_000 });
  return hasTags ? data ?? nothing : nothing;
}

/** In Simple only what somebody or a picture has put there. */
export function LorasField({ advanced }: { advanced: boolean }) {
  const { t } = useTranslation();
  const chosen = useForm((form) => form.loras);
  const { data: parts } = useParts();
  const model = useChosenModel();
  const isShown = advanced || chosen.length > 0, called = useCalledUp(isShown);
  if (!isShown) return null;
  const set = (loras: readonly ChosenLora[]) => setForm({ loras });
  const isCalled = (id: string) => called.loras.some((lora) => lora.id === id), isChosen = (id: string) => chosen.some((lora) => lora.id === id);
  return (
    <Field name={t('loras.name')} hint={t('loras.hint')}>
      {chosen.length > 0 && (
        <ul className="flex flex-col gap-2">
          {chosen.map((lora) => (
            <LoraRow key={lora.id} lora={lora} file={parts?.find(({ id }) => id === lora.id)} isListed={parts !== undefined} model={model}
              onChange={(use) => set(chosen.map((each) => (each === lora ? { ...lora, use } : each)))} onRemove={() => set(chosen.filter((each) => each !== lora))} />
          ))}
        </ul>
      )}
      {called.loras.length > 0 && (
        <ul aria-label={t('loras.fromPrompt')} className="flex flex-col gap-1 text-hint text-dim">
          {called.loras.map(({ id, name, unet }, i) => (
            <li key={i} className="flex flex-col">
              <span className="flex justify-between gap-3"><span className="min-w-0 break-words">{t('loras.inPrompt', { name })}</span><span className="tabular-nums">{unet.toFixed(2)}</span></span>
              {isChosen(id) && <span className="text-accent-text">{t('loras.twice')}</span>}
            </li>
          ))}
        </ul>
      )}
      {called.notices.length > 0 && <ul role="status" className="flex flex-col gap-1 text-hint break-words text-accent-text">{called.notices.map(noticeText).map((text, i) => <li key={i}>{text}</li>)}</ul>}
      <AddBeside label={t('loras.add')} files={(parts ?? []).filter(({ kind }) => kind === 'lora')}
        why={({ id }) => (isChosen(id) ? t('beside.added') : isCalled(id) ? t('loras.inThePrompt') : undefined)}
        onAdd={({ id, name }) => set([...chosen, { id, name, use: { unet: 1, text: 1 } }])} />
    </Field>
  );
}
