// Every word of the window comes from resources/locales. English is built in; the other languages load when they are chosen.
import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
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

export const t = i18next.t;

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
