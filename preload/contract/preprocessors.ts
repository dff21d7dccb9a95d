// What makes a control picture out of any picture: names, settings with their ranges, and which controls they go with. Their words are in resources/locales.
// No objects of zod here, as in vocabulary.ts.

/** What a ControlNet or T2I-Adapter was trained on. */
export type ControlType =
  'canny' | 'lineart' | 'scribble' | 'softedge' | 'mlsd' | 'depth' | 'normal' | 'segmentation' | 'openpose' | 'tile' | 'blur' | 'shuffle' | 'color' | 'recolor';

export type SettingName = 'low' | 'high' | 'sigma' | 'threshold' | 'rate' | 'seed' | 'cell' | 'gamma' | 'resolution';
export interface PreprocessorSetting { readonly name: SettingName; readonly min: number; readonly max: number; readonly step: number; readonly value: number }

export interface Preprocessor {
  readonly controls: readonly ControlType[];
  /** The picture is first scaled so that its shorter side is `resolution` (A1111's Processor Res). */
  readonly scaled?: true;
  /** A network that comes along looks at the picture first, so that nothing can be made of it without one. */
  readonly looks?: true;
  /** In the order of A1111's Threshold A and B. */
  readonly settings: readonly PreprocessorSetting[];
  /** Its names elsewhere: sd-webui-controlnet's, ComfyUI's nodes, InvokeAI's filters. */
  readonly also: readonly string[];
}

const setting = (name: SettingName, min: number, max: number, step: number, value: number): PreprocessorSetting => ({ name, min, max, step, value });
const gamma = setting('gamma', 0.1, 2, 0.001, 1);

const table = {
  none: { controls: [], settings: [], also: [] },
  canny: {
    controls: ['canny'], scaled: true, also: ['canny_edge', 'CannyEdgePreprocessor', 'canny_edge_detection', 'canny_image_processor'],
    settings: [setting('low', 0, 2040, 1, 100), setting('high', 0, 2040, 1, 200)],
  },
  lineart_standard: { controls: ['lineart'], scaled: true, also: ['LineartStandardPreprocessor'], settings: [setting('sigma', 0.1, 100, 0.1, 6), setting('threshold', 0, 16, 1, 8)] },
  lineart_gradient: { controls: ['lineart'], scaled: true, also: [], settings: [setting('sigma', 0.3, 10, 0.1, 1.4), setting('threshold', 0, 64, 1, 4)] },
  scribble_xdog: { controls: ['scribble'], scaled: true, also: ['Scribble_XDoG_Preprocessor'], settings: [setting('threshold', 1, 64, 1, 32)] },
  scribble_thr: { controls: ['scribble'], scaled: true, also: ['scribble', 'ScribblePreprocessor', 'fake_scribble'], settings: [setting('threshold', 1, 255, 1, 127)] },
  softedge_gradient: { controls: ['softedge'], scaled: true, also: ['softedge'], settings: [] },
  openpose: { controls: ['openpose'], scaled: true, looks: true, also: ['pose', 'openpose_full', 'openpose_hand', 'openpose_face', 'dw_openpose_full', 'OpenposePreprocessor', 'DWPreprocessor', 'dw_openpose_image_processor', 'openpose_image_processor'], settings: [] },
  invert: { controls: ['canny', 'lineart', 'scribble', 'mlsd'], settings: [], also: ['ImageInvert', 'invert_image'] },
  threshold: { controls: ['scribble'], scaled: true, also: ['binary', 'BinaryPreprocessor'], settings: [setting('threshold', 0, 255, 1, 127)] },
  tile_resample: { controls: ['tile', 'blur'], also: ['tile', 'TilePreprocessor', 'tile_image_processor'], settings: [setting('rate', 1, 8, 0.01, 1)] },
  blur_gaussian: { controls: ['tile', 'blur'], scaled: true, also: ['blur', 'ImageGaussianBlur', 'img_blur'], settings: [setting('sigma', 0.01, 64, 0.01, 9)] },
  shuffle: { controls: ['shuffle'], scaled: true, also: ['ShufflePreprocessor', 'content_shuffle', 'content_shuffle_image_processor'], settings: [setting('seed', 0, 4294967295, 1, 0)] },
  t2ia_color_grid: { controls: ['color'], scaled: true, also: ['color', 'ColorPreprocessor', 'color_map', 'color_map_image_processor'], settings: [setting('cell', 1, 256, 1, 64)] },
  recolor_luminance: { controls: ['recolor'], also: ['ImageLuminanceDetector'], settings: [gamma] },
  recolor_intensity: { controls: ['recolor'], also: ['ImageIntensityDetector'], settings: [gamma] },
} as const satisfies Readonly<Record<string, Preprocessor>>;

export type PreprocessorName = keyof typeof table;
export const preprocessorNames = Object.keys(table) as PreprocessorName[];
export const preprocessorOf = (name: PreprocessorName): Preprocessor => table[name];

/** As a job has it: its settings by their names, and the shorter side's pixels where that is not the job's own ("pixel perfect"). */
export interface PreprocessorUse { readonly name: string; readonly resolution?: number | undefined; readonly [setting: string]: number | string | undefined }

export const RESOLUTION = { name: 'resolution', min: 64, max: 2048, step: 1, value: 512 } as const satisfies PreprocessorSetting;

const plain = (name: string): string => name.replace(/\(.*\)/, '').toLowerCase().replace(/[^a-z0-9]/g, '');
const byName = new Map(preprocessorNames.flatMap((name) => [...preprocessorOf(name).also, name].map((known) => [plain(known), name] as const)));

/** By any name that people know: case, spaces and what stands in brackets do not count. */
export const findPreprocessor = (name: string): PreprocessorName | undefined => byName.get(plain(name));
