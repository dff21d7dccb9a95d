// What a reused picture was made with and no control shows: told, and let go with one click.
import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { useParts } from '../queries';
import { IconButton } from '../ui/button';
import { Field } from '../ui/field';
import { setForm, useForm } from './form';

const order = ['prediction', 'ensd', 'emphasis'] as const;

export function OverridesField() {
  const { t } = useTranslation();
  const overrides = useForm((form) => form.overrides);
  const { data: parts = [] } = useParts();
  if (!overrides) return null;
  const { vae, textEncoders } = overrides, nameOf = (id: string) => parts.find((part) => part.id === id)?.name ?? t('parts.gone');
  const words = [
    ...(vae === undefined ? [] : [`${t('terms.vae')} ${vae === null ? t('parts.own') : nameOf(vae)}`]),
    ...(textEncoders ? [`${t('parts.textEncoders', { count: textEncoders.length })} ${textEncoders.map(nameOf).join(', ') || t('parts.own')}`] : []),
    ...order.filter((key) => overrides[key] !== undefined).map((key) => `${t(`terms.${key}`)} ${overrides[key]}`),
  ];
  return (
    <Field name={t('overrides.name')}>
      <div className="flex items-center gap-2">
        <span className="min-w-0 flex-1 break-words text-dim">{words.join(' · ')}</span>
        <IconButton icon={X} label={t('overrides.remove')} onClick={() => setForm({ overrides: null })} />
      </div>
    </Field>
  );
}
