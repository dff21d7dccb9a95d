// Light, dark or as the system has it. Remembered in this browser, so that the window opens in the right light before the studio has answered.
import type { Settings } from '../../preload/contract/studio';

type Theme = Settings['theme'];
const key = 'atelier.theme';

export function applyTheme(theme: Theme): void {
  localStorage.setItem(key, theme);
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function applyRememberedTheme(): void {
  const stored = localStorage.getItem(key);
  if (stored === 'dark' || stored === 'light') applyTheme(stored);
}
