// What a file says of itself: modelspec, kohya's ss_ fields. Names and shapes weigh more; this decides what they leave open.

type Metadata = Readonly<Record<string, string>>;

const architectures: readonly (readonly [RegExp, string])[] = [
  [/^stable-diffusion-v1/, 'sd1'], [/^stable-diffusion-v2/, 'sd2'], [/^stable-diffusion-xl-v\d+-refiner/, 'sdxl-refiner'], [/^stable-diffusion-xl/, 'sdxl'],
  [/^stable-diffusion-3/, 'sd3'], [/^flux/, 'flux'], [/^chroma/, 'chroma'], [/^lumina/, 'lumina'], [/^stable-cascade/, 'cascade'],
];

/** The base model that the metadata names, or null. */
export function familyFromMetadata(metadata: Metadata): string | null {
  const architecture = metadata['modelspec.architecture']?.toLowerCase() ?? '';
  const named = architectures.find(([pattern]) => pattern.test(architecture));
  if (named) return named[1];
  const base = metadata.ss_base_model_version ?? '';
  if (base.startsWith('sdxl')) return 'sdxl';
  if (base.startsWith('sd_v1')) return 'sd1';
  if (base.startsWith('sd_v2') || metadata.ss_v2 === 'True') return 'sd2';
  if (base.startsWith('sd3')) return 'sd3';
  return base.startsWith('flux') ? 'flux' : null;
}

const isTrue = (text = ''): boolean => /^(?:true|1)$/i.test(text);

/** Which field says what, the surest first. */
const predictionFields: readonly (readonly [field: string, v: RegExp, eps: RegExp])[] = [
  ['modelspec.prediction_type', /^v/i, /^eps/i], ['ss_v_parameterization', /^(?:true|1)$/i, /^(?:false|0)$/i], ['modelspec.architecture', /-768-v\b/, /^stable-diffusion-v2-512/], ['ss_base_model_version', /_v$/, /^sd_v2$/],
];

/** null where none says it. */
export function predictionFromMetadata(metadata: Metadata): { prediction: 'eps' | 'v'; from: string } | null {
  for (const [from, v, eps] of predictionFields) {
    const said = metadata[from] ?? '';
    if (v.test(said)) return { prediction: 'v', from };
    if (eps.test(said)) return { prediction: 'eps', from };
  }
  return null;
}

export const zeroSnrFromMetadata = (metadata: Metadata): boolean =>
  ['ss_zero_terminal_snr', 'modelspec.zero_terminal_snr', 'modelspec.rescale_betas_zero_snr', 'zero_terminal_snr', 'ztsnr'].some((field) => isTrue(metadata[field]));

/** The trigger phrase that the author gave, else the tags that every picture of a training folder had (kohya notes the folder's name when there are no captions). */
export function trainedWords(metadata: Metadata): string[] {
  const phrase = metadata['modelspec.trigger_phrase']?.trim();
  if (phrase) return phrase.split(',').map((word) => word.trim()).filter(Boolean);
  const folders = parseObject(metadata.ss_dataset_dirs);
  const words = Object.entries(parseObject(metadata.ss_tag_frequency)).flatMap(([folder, tags]) => {
    const pictures = Number((folders[folder] as { img_count?: unknown } | undefined)?.img_count) || Infinity;
    return Object.entries(isObject(tags) ? tags : {}).filter(([, times]) => Number(times) >= pictures).map(([tag]) => tag.trim());
  });
  return [...new Set(words)].filter(Boolean);
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** {} for what is none. */
export function parseObject(json: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(json ?? '{}');
    return isObject(value) ? value : {};
  } catch {
    return {};   // metadata is hearsay: what cannot be read is left out
  }
}
