// The words of errors and notices for whoever speaks without a window: the terminal, a server's first line, a dialog before there is a window.
import { readFile } from 'node:fs/promises';
import { createInstance } from 'i18next';
import type { ErrorInfo } from '../../preload/contract/errors';
import type { Notice } from '../../preload/contract/notice';
import type { PreprocessorName, SettingName } from '../../preload/contract/preprocessors';
import type { Problem } from '../../preload/contract/problems';
import { addFormats, errorWords, noticeWords, problemWords, type Words } from '../../preload/words/words';
import en from '../../resources/locales/en.json';

const i18n = createInstance();
await i18n.init({ lng: 'en', fallbackLng: 'en', resources: { en: { translation: en } }, interpolation: { escapeValue: false } });
addFormats(i18n);

/** Two folders below the package's root, as a source and in the bundle. */
const locales = new URL('../../resources/locales/', import.meta.url);

/** Speaks this language from now on; English where there is no such. */
export async function speak(language: string): Promise<void> {
  if (!/^[a-z]{2,3}(?:-[A-Za-z]{2,4})?$/.test(language)) return;
  if (!i18n.hasResourceBundle(language, 'translation')) {
    const words = await readFile(new URL(`${language}.json`, locales), 'utf8').then((text) => JSON.parse(text) as object, () => null);
    if (!words) return;
    i18n.addResourceBundle(language, 'translation', words);
  }
  await i18n.changeLanguage(language);
}

export const wordsOf = (error: ErrorInfo): Words => errorWords(i18n.t, error);
export const noticeText = (notice: Notice): string => noticeWords(i18n.t, notice);
export const problemText = (problem: Problem): string => problemWords(i18n.t, problem);

export const preprocessorText = (name: PreprocessorName): string => i18n.t(`preprocessors.${name}`);
export const preprocessorSettingText = (name: SettingName): string => i18n.t(`preprocessorSettings.${name}`);

/** For the terminal: what happened, and below it what to do. */
export function errorText(error: ErrorInfo): string {
  const { message, hint } = wordsOf(error);
  return `${message}\n${hint}\n`;
}
