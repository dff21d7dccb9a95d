// The studio's settings, behind the gear: light, language, where things are kept.
import { Settings as Gear } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { Settings } from '../../preload/contract/studio';
import { languages, speak } from '../i18n';
import { useMachine, useSettings } from '../queries';
import { CopyReport } from '../ui/copy-report';
import { Field } from '../ui/field';
import { Popover } from '../ui/popover';
import { Segmented } from '../ui/segmented';
import { Select } from '../ui/select';
import { useSaveSettings } from './save';
import { applyTheme } from './theme';

export function SettingsButton({ className }: { className: string }) {
  const { t } = useTranslation();
  const { data: settings } = useSettings();
  const { data: machine } = useMachine();
  const save = useSaveSettings();
  useApplied(settings);
  return (
    <Popover label={t('rail.settings')} side="right" align="end" className="flex w-80 flex-col gap-4"
      trigger={<button type="button" className={className}><Gear size={18} strokeWidth={1.75} aria-hidden />{t('rail.settings')}</button>}>
      <Field name={t('settings.theme')}>
        <Segmented label={t('settings.theme')} stretch value={settings?.theme ?? 'system'} onChange={(theme) => save.mutate({ theme })}
          choices={[{ value: 'system', label: t('settings.system') }, { value: 'dark', label: t('settings.dark') }, { value: 'light', label: t('settings.light') }]} />
      </Field>
      {languages.length > 1 && (
        <Field name={t('settings.language')}>
          <Select label={t('settings.language')} value={settings?.language ?? 'en'} choices={languages} onChange={(language) => save.mutate({ language })} />
        </Field>
      )}
      {machine && (
        <Field name={t('settings.folder')} hint={t('settings.folderHint')}>
          <code className="font-sans break-all text-text select-all">{machine.dataDir}</code>
        </Field>
      )}
      <Field name={t('faultReport.title')} hint={t('faultReport.hint')}><div><CopyReport /></div></Field>
      {machine && <p className="text-hint text-dim">{t('settings.version', { version: machine.version })}</p>}
    </Popover>
  );
}

function useApplied(settings: Settings | undefined): void {
  const theme = settings?.theme;
  const language = settings?.language;
  useEffect(() => {
    if (theme) applyTheme(theme);
  }, [theme]);
  useEffect(() => {
    if (language) void speak(language);
  }, [language]);
}
