// What A1111 changed in its texts over time, as data: how to make what an old text says mean the same today.

/** Fields as the text has them. */
type TextFields = ReadonlyMap<string, string>;

interface VersionRule {
  /** Holds for texts of versions below. */
  readonly below: string;
  readonly when: (prompt: string, fields: TextFields) => boolean;
  /** The option that brings the old behaviour back. */
  readonly option: string;
}

/** After A1111's infotext_versions. */
const versionRules: readonly VersionRule[] = [
  { below: '1.6.0', when: (prompt) => prompt.includes('['), option: 'Old prompt editing timelines' },
  { below: '1.6.0', when: (_, fields) => ['DDIM', 'PLMS'].includes(fields.get('Sampler') ?? ''), option: 'Pad conds v0' },
  { below: '1.7.0-225', when: () => true, option: 'Downcast alphas_cumprod' },
  { below: '1.8.0', when: (_, fields) => fields.has('Refiner'), option: 'Refiner switch by sampling steps' },
];

/** Options that hold for the text because it is old. None when it does not say how old, or when another program wrote it. */
export function optionsByVersion(prompt: string, fields: TextFields): string[] {
  const version = parseVersion(fields.get('Version') ?? '');
  if (!version) return [];
  return versionRules.filter(({ below, when, option }) => !fields.has(option) && isBelow(version, parseVersion(below)!) && when(prompt, fields)).map(({ option }) => option);
}

/** Major, minor, patch, and the commits since, which are -1 for a release candidate. Of more than two parts between hyphens the first two count. */
function parseVersion(text: string): number[] | null {
  const [, numbers, since] = /^v?(\d{1,4}(?:\.\d{1,4}){0,3})(?:-(\d{1,6}|(?:rc|a|b|alpha|beta|dev)\.?\d{0,3}))?(?:-.*)?$/i.exec(text.trim()) ?? [];
  if (numbers === undefined) return null;
  const [major = 0, minor = 0, patch = 0] = numbers.split('.').map(Number);
  return [major, minor, patch, since === undefined ? 0 : /^\d/.test(since) ? Number(since) : -1];
}

function isBelow(version: readonly number[], other: readonly number[]): boolean {
  const at = version.findIndex((number, i) => number !== other[i]);
  return at >= 0 && version[at]! < other[at]!;
}

/**
 * Before hires had fields of its own, `Size` was the final size and `First pass size` the one before it; 0x0 left that to the program,
 * which took about 512·512 pixels of the same shape in steps of 64.
 */
export function firstPassSize(first: { width: number; height: number }, final: { width: number; height: number }): { width: number; height: number } {
  if (first.width > 0 && first.height > 0) return first;
  const scale = Math.sqrt(512 * 512 / (final.width * final.height));
  const side = (px: number): number => Math.ceil(scale * px / 64) * 64;
  return { width: side(final.width), height: side(final.height) };
}
