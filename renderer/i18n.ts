// Every word of the window comes from resources/locales. English is built in; the other languages load when they are chosen.
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { ErrorInfo } from '../preload/contract/errors';
import type { Notice } from '../preload/contract/notice';
import type { Problem } from '../preload/contract/problems';
import { addFormats, errorWords, noticeWords, problemWords, type Words } from '../preload/words/words';
import en from '../resources/locales/en.json';

const locales = import.meta.glob<{ default: Record<string, unknown> }>(['../resources/locales/*.json', '!../resources/locales/en.json']);
const codeOf = (path: string) => path.slice(path.lastIndexOf('/') + 1, -'.json'.length);

declare module 'i18next' {
  interface CustomTypeOptions { resources: { translation: typeof en } }
}

await i18next.use(initReactI18next).init({
  lng: 'en', fallbackLng: 'en', resources: { en: { translation: en } },
  // React escapes what it shows.
  interpolation: { escapeValue: false },
});

addFormats(i18next);

export const t = i18next.t;
export const wordsOf = (error: ErrorInfo): Words => errorWords(t, error);
export const noticeText = (notice: Notice): string => noticeWords(t, notice);
export const problemText = (problem: Problem): string => problemWords(t, problem);

/** What happened and what to do next, as one text. */
export function said(error: ErrorInfo): string {
  const { message, hint } = wordsOf(error);
  return `${message}. ${hint}`;
}

/** The languages there are, each by its own name. */
export const languages = ['en', ...Object.keys(locales).map(codeOf)].map((code) => ({
  value: code, label: new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code,
}));

export async function speak(code: string): Promise<void> {
  const load = Object.entries(locales).find(([path]) => codeOf(path) === code)?.[1];
  if (load && !i18next.hasResourceBundle(code, 'translation')) i18next.addResourceBundle(code, 'translation', (await load()).default);
  document.documentElement.lang = code;
  await i18next.changeLanguage(code);
}
