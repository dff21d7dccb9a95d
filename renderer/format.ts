// Numbers and names as people read them: times, sizes, seeds, shapes, models.
import i18next from 'i18next';
import type { Seed } from '../preload/contract/seed';
import type { ModelEntry } from '../preload/contract/model';
import { t } from './i18n';

const number = (value: number, digits = 0) => new Intl.NumberFormat(i18next.language, { maximumFractionDigits: digits }).format(value);

/** 859520964 → "859,520,964" */
export const plainNumber = (value: number) => number(value);

/** 0.4 → "under 1 s", 15.2 → "15 s", 73 → "1 min 13 s", 130 → "2 min", 4000 → "1 h 7 min". */
export function duration(seconds: number): string {
  if (seconds < 0.95) return t('time.underASecond');
  const whole = Math.round(seconds);
  if (whole < 60) return t('time.seconds', { s: whole });
  if (whole > 60 && whole < 120) return t('time.minutesSeconds', { min: 1, s: whole - 60 });
  const minutes = Math.round(whole / 60);
  return minutes < 60 ? t('time.minutes', { min: minutes }) : t('time.hoursMinutes', { h: Math.floor(minutes / 60), min: minutes % 60 });
}

/** How long it really took: "1.2 s" below ten seconds. */
export const took = (seconds: number) => (seconds < 9.95 ? t('time.seconds', { s: number(seconds, 1) }) : duration(seconds));

/** 33970766 → "34 MB", 2132000000 → "2.1 GB". */
export function fileSize(bytes: number): string {
  if (bytes >= 1e9) return t('size.gigabytes', { n: number(bytes / 1e9, 1) });
  return bytes >= 1e6 ? t('size.megabytes', { n: number(bytes / 1e6) }) : t('size.kilobytes', { n: number(bytes / 1e3) });
}

/** Memory, in the units in which it is sold (2³⁰). One decimal below 10. */
export const gigabytes = (bytes: number) => number(bytes / 2 ** 30, bytes < 10 * 2 ** 30 ? 1 : 0);

/** 184467 → "184 467", with spaces that do not break; all digits, of 64 bits too. */
export const seedText = (seed: Seed) => String(seed).replace(/\B(?=(\d{3})+$)/g, '\u202f');

export const shapeText = (width: number, height: number) => `${width} × ${height}`;

/** "a VAE and a text encoder" */
export const listed = (words: readonly string[]) => new Intl.ListFormat(i18next.language, { type: 'conjunction' }).format(words);

/** A model's name, with the folder that tells it from another of that name. */
export const listedName = ({ name, folder }: Pick<ModelEntry, 'name' | 'folder'>) => (folder ? `${name} · ${folder}` : name);
