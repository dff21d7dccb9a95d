// The narrow rail at the left leads to the rooms. A room that does not exist yet is not here.
import { Loader } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { SettingsButton } from './settings/settings';

const railItem = 'flex w-14 flex-col items-center gap-1 rounded-card py-2 text-tiny text-dim transition hover:text-text data-[state=open]:bg-raised data-[state=open]:text-text';

export function Rail() {
  const { t } = useTranslation();
  return (
    <nav aria-label={t('rail.name')} className="flex flex-col items-center border-r border-line py-3">
      <img src="./mark.svg" alt="Atelier" width={28} height={28} className="mb-4" />
      <a href="#create" aria-current="page" className={`${railItem} bg-raised font-medium !text-text`}><Loader size={18} strokeWidth={1.75} aria-hidden />{t('rail.create')}</a>
      <span className="flex-1" />
      <SettingsButton className={railItem} />
    </nav>
  );
}
