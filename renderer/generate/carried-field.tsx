// What a reused picture was made with and no control shows: told, and let go with one click.
import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../ui/button';
import { Field } from '../ui/field';
import { setForm, useForm, type Carried } from './form';

const order = ['cfgRescale', 'imageCfg', 'prediction', 'ensd', 'emphasis', 'depth'] as const satisfies readonly (keyof Carried)[];

export function CarriedField() {
  const { t } = useTranslation();
  const carried = useForm((form) => form.carried);
  if (!carried) return null;
  const words = order.filter((key) => carried[key] !== undefined).map((key) => (key === 'depth' ? t('terms.depth') : `${t(`terms.${key}`)} ${carried[key]}`));
  return (
    <Field name={t('carried.name')}>
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 text-dim">{words.join(' · ')}</span>
        <IconButton icon={X} label={t('carried.remove')} onClick={() => setForm({ carried: null })} />
      </div>
    </Field>
  );
}
