// What the files beside a model's weights say of how it was trained: the .yaml of the original programs (LDM, and SGM for SDXL), and diffusers' scheduler settings.
// Values are texts, numbers or flags, as each format has them; whatever else they say is left alone.
import type { Problem } from '../../../preload/contract/problems';
import type { ModelConfig } from '../weights/source';

type Table = Readonly<Record<string, unknown>>;

const isTable = (value: unknown): value is Table => typeof value === 'object' && value !== null && !Array.isArray(value);
const tableAt = (table: Table, ...path: readonly string[]): Table => path.reduce<Table>((at, key) => (Object.hasOwn(at, key) && isTable(at[key]) ? at[key] : {}), table);

/** The first of the tables that has one of the keys. */
function find(tables: readonly Table[], keys: readonly string[]): { key: string; value: unknown } | undefined {
  for (const table of tables) for (const key of keys) if (Object.hasOwn(table, key) && !isTable(table[key])) return { key, value: table[key] };
  return undefined;
}

/** LDM's `model.params`, with the places where SGM keeps the same; some people write the keys at the top. */
export function readYamlConfig(from: string, root: unknown): ModelConfig {
  if (!isTable(root)) return { from, problems: [unknown(from, 'model', String(root))] };
  const params = tableAt(root, 'model', 'params'), denoiser = tableAt(params, 'denoiser_config', 'params'), discretization = tableAt(denoiser, 'discretization_config', 'params');
  const tables = [params, denoiser, discretization, tableAt(root, 'model'), root];
  const scaling = tableAt(denoiser, 'scaling_config')['target'], said = find(tables, ['parameterization', 'prediction_type']), target = String(tableAt(root, 'model')['target']);
  return {
    from, ...predictionOf(from, said ?? (scaling !== undefined ? { key: 'scaling_config', value: scaling } : ldmModel.test(target) ? { key: 'target', value: 'eps' } : undefined)),
    ...(isTrue(find(tables, zeroSnrKeys)?.value) && { zeroSnr: true }),
    ...noiseOf(from, tables, { start: 'linear_start', end: 'linear_end', steps: 'timesteps', scaledLinear: ['linear'] }),
    ...sideOf(params),
  };
}

/** scheduler_config.json. */
export function readSchedulerConfig(from: string, root: Table): ModelConfig {
  const className = root['_class_name'], prediction = find([root], ['prediction_type']);
  // Schedulers of EDM scale inputs and outputs in a way of their own, whatever they call it.
  const said = typeof className === 'string' && className.startsWith('EDM') ? { key: '_class_name', value: className } : prediction;
  return {
    from, ...predictionOf(from, said), ...(isTrue(root['rescale_betas_zero_snr']) && { zeroSnr: true }),
    ...noiseOf(from, [root], { start: 'beta_start', end: 'beta_end', steps: 'num_train_timesteps', scaledLinear: ['scaled_linear'] }),
  };
}

/** LDM's classes predict the noise where nothing else is said (ldm/models/diffusion/ddpm.py). */
const ldmModel = /^ldm\.models\.diffusion\.ddpm\.\w+$/;

const zeroSnrKeys = ['rescale_betas_zero_snr', 'zero_terminal_snr', 'use_zero_terminal_snr', 'enforce_zero_terminal_snr', 'zero_snr', 'ztsnr', 'zsnr'];

const isTrue = (value: unknown): boolean => /^(?:true|yes|on|1)$/i.test(String(value));

/** What the value is called here; SGM names classes. */
const predictions: readonly (readonly [RegExp, 'eps' | 'v' | null])[] = [
  [/^(?:eps|epsilon|(?:.+\.)?EpsScaling)$/i, 'eps'], [/^(?:v|v[-_]?pred(?:iction)?|velocity|(?:.+\.)?VScaling)$/i, 'v'], [/^(?:x0|sample|original)$|EDM|flow|cosxl/i, null],
];

function predictionOf(from: string, said: { key: string; value: unknown } | undefined): Pick<ModelConfig, 'prediction' | 'otherwise' | 'problems'> {
  if (!said) return {};
  const text = String(said.value).trim(), found = predictions.find(([pattern]) => pattern.test(text));
  if (!found) return { problems: [unknown(from, said.key, text)] };
  return found[1] ? { prediction: found[1] } : { otherwise: text };
}

interface NoiseKeys { readonly start: string; readonly end: string; readonly steps: string; /** What it calls the betas that are even in their square roots. */ readonly scaledLinear: readonly string[] }

/** As Stable Diffusion was trained. */
const USUAL = { start: 0.00085, end: 0.012, steps: 1000 };

/** Other betas are taken where they make sense; other numbers of steps and other curves are named. */
function noiseOf(from: string, tables: readonly Table[], { start, end, steps, scaledLinear }: NoiseKeys): Pick<ModelConfig, 'betas' | 'problems'> {
  const numberAt = (key: string, usual: number): number => { const value = find(tables, [key])?.value; return value === undefined || value === null || value === '' ? usual : Number(value); };
  const betas = { start: numberAt(start, USUAL.start), end: numberAt(end, USUAL.end) };
  const curve = find(tables, ['beta_schedule'])?.value, count = numberAt(steps, USUAL.steps);
  const isKnown = (curve === undefined || scaledLinear.includes(String(curve))) && count === USUAL.steps && betas.start > 0 && betas.start < betas.end && betas.end < 1;
  if (!isKnown) return { problems: [unknown(from, curve === undefined ? `${start}, ${end}, ${steps}` : 'beta_schedule', curve === undefined ? `${betas.start}, ${betas.end}, ${count}` : String(curve))] };
  return betas.start === USUAL.start && betas.end === USUAL.end ? {} : { betas };
}

/** Latents of 64 stand in nearly every file, that of SD 2's 768 model too, and say nothing. */
const USUAL_LATENTS = 64;

function sideOf(params: Table): Pick<ModelConfig, 'side'> {
  const size = Number(params['image_size']);
  return Number.isInteger(size) && size >= 16 && size <= 512 && size !== USUAL_LATENTS ? { side: 8 * size } : {};
}

const unknown = (file: string, key: string, value: string): Problem => ({ code: 'config.unknown', data: { file, key, value: value.slice(0, 100) } });
