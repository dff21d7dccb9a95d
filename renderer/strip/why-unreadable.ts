// What is said of a record that this Atelier cannot read.
import type { WhyUnreadable } from '../../preload/contract/unreadable';
import { t } from '../i18n';

export const whyUnreadable = (why: WhyUnreadable): string => (why.kind === 'newer' ? t('unreadable.newer', { version: why.version }) : t('unreadable.damaged', { field: why.field }));
