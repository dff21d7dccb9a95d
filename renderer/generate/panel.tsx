// The settings at the right: Simple says it in plain words, Advanced shows the exact values in the same places.
import { ChevronsUpDown } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { listedName } from '../format';
import { ModelMark } from '../models/mark';
import { ModelFacts, ModelPicker } from '../models/picker';
import { Field } from '../ui/field';
import { NumberInput } from '../ui/number-input';
import { Popover } from '../ui/popover';
import { Segmented } from '../ui/segmented';
import { Select } from '../ui/select';
import { Slider } from '../ui/slider';
import { compatChoices, rngChoices, samplerChoices, scheduleChoices } from './choices';
import { ReferenceField } from './reference-field';
import { ControlsField } from './controls-field';
import { setForm, useForm } from './form';
import { DetailField } from './detail-field';
import { EditField } from './edit-field';
import { HiresField } from './hires-field';
import { LorasField } from './loras-field';
import { MachineLine } from './machine-line';
import { NearbyField } from './nearby-field';
import { SeamlessField } from './outpaint-field';
import { OverridesField } from './overrides-field';
import { PartsField } from './parts-field';
import { PredictionField } from './prediction-field';
import { QualityField } from './quality-field';
import { RefinerField } from './refiner-field';
import { SeedField } from './seed-field';
import { ShapeField } from './shape-field';
import { StartField } from './start-field';
import { DepthField, ImageGuidanceField, RescaleField } from './variant-fields';
import { useChosenModel } from '../models/chosen';

export function Panel() {
  const { t } = useTranslation();
  const advanced = useForm((form) => form.advanced);
  const keepsSeed = useForm((form) => form.seedMode === 'keep');
  const variant = useChosenModel()?.variant;
  const startShown = useForm((form) => form.advanced || form.init !== null);
  // These models are for changing a picture.
  const startFirst = variant === 'pix2pix' || variant === 'inpaint';
  return (
    <aside aria-label={t('panel.title')} className="@container flex min-h-0 flex-col border-l border-line bg-panel">
      <header className="flex items-center justify-between px-4.5 pt-4.5 pb-3">
        <h1 className="text-[14px] font-semibold">{t('panel.title')}</h1>
        <Segmented label={t('panel.detail')} value={advanced ? 'advanced' : 'simple'} onChange={(value) => setForm({ advanced: value === 'advanced' })}
          choices={[{ value: 'simple', label: t('panel.simple') }, { value: 'advanced', label: t('panel.advanced') }]} />
      </header>
      {/* The scroll bar, where there is one, takes of the margin: nothing moves when it comes. */}
      <div className="min-h-0 flex-1 overflow-x-hidden overflow-y-auto pt-1 pb-5 pl-4.5">
        <div className="flex w-[calc(100cqw-36px)] flex-col gap-5">
          <ModelField />
          <PartsField advanced={advanced} />
          {advanced && <PredictionField />}
          <LorasField advanced={advanced} />
          <DepthField />
          {advanced && <EditField />}
          {startFirst && <StartField />}
          <ShapeField exact={advanced} />
          <QualityField exact={advanced} />
          {advanced && <SamplerFields />}
          {advanced && <RefinerField />}
          {advanced && <HiresField />}
          {advanced && <DetailField />}
          {advanced && <SeamlessField />}
          <GuidanceField exact={advanced} />
          <ImageGuidanceField exact={advanced} />
          {advanced && <RescaleField />}
          <SeedField exact={advanced} />
          {advanced && keepsSeed && <NearbyField />}
          {advanced && <RngField />}
          {advanced && <ClipSkipField />}
          {startShown && !startFirst && <StartField />}
          <ControlsField advanced={advanced} />
          <ReferenceField advanced={advanced} />
          <OverridesField />
        </div>
      </div>
      <MachineLine />
    </aside>
  );
}

function ModelField() {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  const model = useChosenModel();
  return (
    <Field name={t('models.label')} term={t('terms.checkpoint')}>
      <Popover label={t('models.choose')} side="left" open={open} onOpenChange={setOpen} className="w-96"
        trigger={(
          <button type="button" aria-label={t('models.choose')} className="flex items-center gap-3 rounded-card border border-line bg-raised p-2.5 text-left transition hover:bg-hover">
            <ModelMark size={40} />
            <span className="flex min-w-0 flex-1 flex-col">
              <span className="truncate font-medium">{model ? listedName(model) : t('models.none')}</span>
              <span className="truncate text-hint text-dim">{model ? <ModelFacts model={model} /> : t('models.noneHint')}</span>
            </span>
            <ChevronsUpDown size={15} className="shrink-0 text-dim" aria-hidden />
          </button>
        )}>
        <ModelPicker onChosen={() => setOpen(false)} />
      </Popover>
    </Field>
  );
}

function SamplerFields() {
  const { t } = useTranslation();
  const [sampler, schedule] = useForm(useShallow((form) => [form.sampler, form.schedule] as const));
  return (
    <div className="grid grid-cols-2 gap-3">
      <Field name={t('terms.sampler')}><Select label={t('terms.sampler')} value={sampler} choices={samplerChoices} onChange={(value) => setForm({ sampler: value })} /></Field>
      <Field name={t('terms.schedule')}><Select label={t('terms.schedule')} value={schedule} choices={scheduleChoices} onChange={(value) => setForm({ schedule: value })} /></Field>
    </div>
  );
}

function GuidanceField({ exact }: { exact: boolean }) {
  const { t } = useTranslation();
  const cfg = useForm((form) => form.cfg);
  return (
    <Field name={t('guidance.name')} term={t('terms.guidance')} showTerm={exact} value={exact ? undefined : cfg.toFixed(1)} hint={cfg === 1 ? t('guidance.off') : t('guidance.hint')}>
      <div className="flex items-center gap-3">
        <Slider label={t('guidance.name')} value={cfg} min={1} max={15} step={0.5} valueText={cfg.toFixed(1)} onChange={(value) => setForm({ cfg: value })} />
        {exact && <NumberInput label={t('terms.guidance')} value={cfg} min={0} max={50} step={0.1} decimals={1} className="max-w-18" onChange={(value) => setForm({ cfg: value })} />}
      </div>
    </Field>
  );
}

function RngField() {
  const { t } = useTranslation();
  const [rng, compat] = useForm(useShallow((form) => [form.rng, form.compat] as const));
  return (
    <>
      <Field name={t('rng.name')} term={t('terms.rng')} showTerm hint={t('rng.hint')}>
        <Select label={t('rng.name')} value={rng} choices={rngChoices} onChange={(value) => setForm({ rng: value })} />
      </Field>
      <Field name={t('compat.name')} hint={t('compat.hint')}>
        <Select label={t('compat.name')} value={compat} choices={compatChoices} onChange={(value) => setForm({ compat: value })} />
      </Field>
    </>
  );
}

function ClipSkipField() {
  const { t } = useTranslation();
  const clipSkip = useForm((form) => form.clipSkip);
  return (
    <Field name={t('terms.clipSkip')} hint={t('clipSkip.hint')}>
      <NumberInput label={t('terms.clipSkip')} value={clipSkip} min={1} max={12} step={1} onChange={(value) => setForm({ clipSkip: value })} />
    </Field>
  );
}
