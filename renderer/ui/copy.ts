// Puts a text on the clipboard and says so.
import { t } from '../i18n';
import { toast } from './toasts';

export async function copy(text: string): Promise<void> {
  try {
    // Not there on an insecure origin, such as another computer's address without https.
    await navigator.clipboard.writeText(text);
    toast(t('actions.copied'));
  } catch {
    toast(t('actions.copyFailed'));
  }
}
