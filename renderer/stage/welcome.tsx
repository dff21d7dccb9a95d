// A first start: one sentence, words to begin with, and the way in for a model of one's own.
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { setForm } from '../generate/form';
import { AddModel } from '../models/add-model';
import { Button } from '../ui/button';
import { Popover } from '../ui/popover';
import { useChosenModel } from '../models/chosen';

export function Welcome() {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(false);
  const model = useChosenModel();
  return (
    <div className="grid h-full place-items-center overflow-y-auto">
      <div className="flex max-w-xl flex-col items-center gap-6 py-4 text-center">
        <div className="flex flex-col gap-2">
          <h2 className="text-title font-semibold">{t('welcome.title')}</h2>
          <p className="text-prompt text-balance text-dim">{model?.builtIn ? t('welcome.demo', { model: model.name }) : t('welcome.own')}</p>
        </div>
        {model && model.examples.length > 0 && (
          <ul aria-label={t('welcome.examples')} className="flex flex-wrap justify-center gap-2">
            {model.examples.map((example) => (
              <li key={example}><Button className="h-auto min-h-8 rounded-full py-1 font-normal whitespace-normal" onClick={() => begin(example)}>{example}</Button></li>
            ))}
          </ul>
        )}
        <Popover label={t('models.add')} align="center" className="w-96" open={adding} onOpenChange={setAdding} trigger={<Button look="quiet">{t('welcome.add')}</Button>}>
          <AddModel />
        </Popover>
      </div>
    </div>
  );
}

/** Puts the words into the dock and the hand on Generate. */
function begin(prompt: string): void {
  setForm({ prompt });
  document.getElementById('generate')?.focus();
}
