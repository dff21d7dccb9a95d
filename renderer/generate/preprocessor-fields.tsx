// What a control's picture is made into before its network reads it, and how finely.
import { useTranslation } from 'react-i18next';
import { findPreprocessor, preprocessorNames, preprocessorOf, RESOLUTION, type PreprocessorSetting, type PreprocessorUse } from '../../preload/contract/preprocessors';
import { Labelled } from '../ui/labelled';
import { NumberInput } from '../ui/number-input';
import { Select } from '../ui/select';
import type { ChosenControl } from './form';

type Use = ChosenControl['settings']['preprocessor'];

const decimalsOf = ({ step }: PreprocessorSetting): number => (step >= 1 ? 0 : Math.round(-Math.log10(step)));

export function PreprocessorFields({ name, use, onChange }: { name: string; use: Use; onChange: (use: Use) => void }) {
  const { t } = useTranslation();
  const settings = use ? preprocessorOf(use.name).settings : [], values: PreprocessorUse | undefined = use;
  return (
    <>
      <Labelled name={t('controls.preprocessor')}>
        <Select label={t('controls.preprocessorOf', { name })} value={use?.name ?? 'none'} choices={preprocessorNames.map((value) => ({ value, label: t(`preprocessors.${value}`) }))}
          onChange={(to) => onChange(to === 'none' ? undefined : { name: findPreprocessor(to)! })} />
      </Labelled>
      {use && settings.length > 0 && (
        <div className="grid grid-cols-2 gap-3">
          {settings.map((setting) => (
            <label key={setting.name} className="flex min-w-0 flex-col justify-between gap-1 text-hint text-dim">{t(`preprocessorSettings.${setting.name}`)}
              <NumberInput label={t('controls.settingOf', { name, setting: t(`preprocessorSettings.${setting.name}`) })} value={Number(values?.[setting.name] ?? setting.value)} min={setting.min} max={setting.max} step={setting.step} decimals={decimalsOf(setting)}
                onChange={(to) => onChange({ ...use, [setting.name]: to })} /></label>
          ))}
        </div>
      )}
    </>
  );
}

/** How finely it looks, where it scales the picture: as many pixels as the new one has, or so many. */
export function ResolutionFields({ name, use, onChange }: { name: string; use: NonNullable<Use>; onChange: (use: Use) => void }) {
  const { t } = useTranslation();
  if (!preprocessorOf(use.name).scaled) return null;
  const { resolution, ...rest } = use;
  return (
    <div className="flex flex-col gap-1.5">
      <label className="flex items-center gap-2 text-hint text-dim">
        <input type="checkbox" checked={resolution === undefined} className="size-4 shrink-0 accent-accent" onChange={({ target }) => onChange(target.checked ? rest : { ...rest, resolution: RESOLUTION.value })} />{t('controls.pixelPerfect')}</label>
      {resolution !== undefined && <NumberInput label={t('controls.resolutionOf', { name })} value={resolution} min={RESOLUTION.min} max={RESOLUTION.max} step={RESOLUTION.step} onChange={(to) => onChange({ ...rest, resolution: to })} />}
    </div>
  );
}
