// Files that stand in for a model's own VAE and text encoders, kept for the model. A model that lacks one asks for it in Simple, too.
import { useTranslation } from 'react-i18next';
import type { ModelEntry } from '../../preload/contract/model';
import type { Settings } from '../../preload/contract/studio';
import { listedName } from '../format';
import { useChosenModel } from '../models/chosen';
import { textEncodersFor, vaesFor } from '../models/parts';
import { useMachine, useParts, useSettings } from '../queries';
import { useSaveSettings } from '../settings/save';
import { Field } from '../ui/field';
import { Select } from '../ui/select';
import { setForm, useForm, type Overrides } from './form';
import { textEncodersOf } from './needs';

type Kept = Settings['modelSettings'][string];
interface PartProps { model: ModelEntry; /** In effect: what a picture brought, else what is kept for the model. */ used: Kept; onUse: (change: Kept) => void }

export function PartsField({ advanced }: { advanced: boolean }) {
  const { data: settings } = useSettings();
  const { data: parts } = useParts();
  const overrides = useForm((form) => form.overrides);
  const save = useSaveSettings();
  const model = useChosenModel();
  if (!settings || !parts || !model?.runnable) return null;
  const { modelSettings } = settings, kept = modelSettings[model.id] ?? {};
  const onUse = (change: Kept) => {
    setForm({ overrides: without(overrides, Object.keys(change)) });
    save.mutate({ modelSettings: { ...modelSettings, [model.id]: { ...kept, ...change } } });
  };
  const used = { ...kept, ...overrides }, lacks = (part: ModelEntry['lacks'][number]) => model.lacks.includes(part);
  return (
    <>
      {(lacks('vae') || (advanced && vaesFor(parts).length > 0)) && <VaeField model={model} used={used} onUse={onUse} />}
      {(lacks('text-encoder') || (advanced && (used.textEncoders?.length ?? 0) > 0)) && <TextEncodersField model={model} used={used} onUse={onUse} />}
    </>
  );
}

function VaeField({ model, used, onUse }: PartProps) {
  const { t } = useTranslation();
  const { data: parts = [] } = useParts();
  const beside = parts.find(({ id }) => id === model.besideVae), lacking = model.lacks.includes('vae');
  const own = { value: 'own', label: t('parts.own') };
  const files = vaesFor(parts).filter((part) => part !== beside).map((part) => ({ value: part.id, label: part.kind === 'taesd' ? t('parts.fast', { name: listedName(part) }) : listedName(part) }));
  const usual = beside ? { value: 'auto', label: t('parts.beside', { name: beside.name }) } : lacking ? { value: 'auto', label: t('parts.choose') } : { ...own, value: 'auto' };
  const value = used.vae === undefined || used.vae === beside?.id ? 'auto' : used.vae ?? (beside ? 'own' : 'auto');
  return (
    <Field name={t('terms.vae')} hint={lacking ? <Lacking text={t('parts.lacksVae')} none={files.length === 0 && !beside} /> : t('parts.vaeHint')}>
      <Select label={t('terms.vae')} value={value} onChange={(to) => onUse({ vae: to === 'auto' ? undefined : to === 'own' ? null : to })}
        choices={withGone([usual, ...(beside && !lacking ? [own] : []), ...files], value, t('parts.gone'))} />
    </Field>
  );
}

function TextEncodersField({ model, used: { textEncoders = [] }, onUse }: PartProps) {
  const { t } = useTranslation();
  const { data: parts = [] } = useParts();
  const count = textEncodersOf(model), lacking = model.lacks.includes('text-encoder');
  const files = textEncodersFor(model, parts).map((part) => ({ value: part.id, label: listedName(part) }));
  // The next one is asked for when there is one, so that none is left out between.
  const slots = Array.from({ length: Math.min(count, textEncoders.length + 1) }, (_, i) => textEncoders[i] ?? '');
  const choose = (slot: number, id: string) => {
    const chosen = slots.map((before, i) => (i === slot ? id : before)).filter((each) => each !== '');
    onUse({ textEncoders: chosen.length > 0 ? chosen : undefined });
  };
  return (
    <Field name={t('parts.textEncoders', { count })} hint={lacking ? <Lacking text={t('parts.lacksTextEncoders', { count })} none={files.length === 0} /> : undefined}>
      {slots.map((value, slot) => {
        const free = files.filter((file) => file.value === value || !textEncoders.includes(file.value));
        return (
          <Select key={slot} label={count > 1 ? t('parts.nthTextEncoder', { n: slot + 1 }) : t('parts.textEncoders', { count })} value={value} onChange={(id) => choose(slot, id)}
            choices={withGone([{ value: '', label: lacking ? t('parts.choose') : t('parts.own') }, ...free], value, t('parts.gone'))} />
        );
      })}
    </Field>
  );
}

function Lacking({ text, none }: { text: string; none: boolean }) {
  const { t } = useTranslation();
  const { data: machine } = useMachine();
  return <>{text} {none && machine && <span className="text-accent-text">{t('parts.none', { folder: `${machine.dataDir}/models` })}</span>}</>;
}

/** A file that was chosen and is not there any more still shows as chosen. */
const withGone = (choices: readonly { value: string; label: string }[], value: string, label: string) =>
  (choices.some((choice) => choice.value === value) ? choices : [...choices, { value, label }]);

function without(overrides: Overrides | null, keys: readonly string[]): Overrides | null {
  const left = Object.entries(overrides ?? {}).filter(([key]) => !keys.includes(key));
  return left.length > 0 ? Object.fromEntries(left) : null;
}
