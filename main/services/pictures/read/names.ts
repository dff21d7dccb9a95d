// Samplers and schedules under the names that other programs have for them.
import { samplerLabels, scheduleLabels, type SamplerName, type ScheduleName } from '../../../../preload/contract/vocabulary';

export interface SamplerReading {
  readonly sampler: SamplerName;
  /** Where the name carries one: 'DPM++ 2M Karras', 'dpmpp_2m_k', 'Euler A Trailing'. */
  readonly schedule?: ScheduleName;
  /** False where the name means a variant that ours is only near to, so that it is worth keeping. */
  readonly exact: boolean;
}

/** Spellings that `fold` does not bring to a name or a label of ours. */
const samplerAliases: Readonly<Record<string, SamplerName>> = {
  dpmad: 'dpm_adaptive', kdpm2: 'dpm2', kdpm2a: 'dpm2_a', dpmpp2: 'dpmpp_2m', pndm: 'plms', lmsd: 'lms', ddimv3: 'ddim',
  dpmsolver: 'dpmpp_2m', dpmsolverpp: 'dpmpp_2m', dpmsolversinglestep: 'dpmpp_2s', dpmsolversde: 'dpmpp_sde',
};

const nearSamplers: Readonly<Record<string, SamplerName>> = {
  unipcbh2: 'unipc', unipcsnr: 'unipc', unipctu: 'unipc', unipcsnr2: 'unipc', unipctu2: 'unipc', unipctq: 'unipc', eulerasubstep: 'euler_a', dpmppsdesubstep: 'dpmpp_sde',
  dpmpp2mv2: 'dpmpp_2m', dpmpp3m: 'dpmpp_2m', dpmsolverstability: 'dpmpp_2m', naismea: 'euler_a', naismeadyn: 'euler_a', ddimcfgpp: 'euler_cfg_pp',
};

/** `Trailing` is diffusers' word for the spacing that k-diffusion users know from SGM. */
const scheduleAliases: Readonly<Record<string, ScheduleName>> = {
  uniform: 'normal', native: 'normal', discrete: 'normal', default: 'normal', ddim: 'ddim_uniform', trailing: 'sgm_uniform', ays: 'align_your_steps', alignyoursteps11: 'align_your_steps', ka: 'karras', exp: 'exponential',
};

const samplers = table(samplerLabels, samplerAliases);
const schedules = table(scheduleLabels, scheduleAliases);

const ending = /^(.*?)[\s_]+(karras|k|exponential|polyexponential|sgm[\s_]?uniform|uniform|simple|normal|beta|kl[\s_]optimal|align[\s_]your[\s_]steps|ays|trailing|discrete|ka|exp|turbo)$/i;

/** Of A1111 (old and new), ComfyUI, InvokeAI, NovelAI, Draw Things, Easy Diffusion and stable-diffusion.cpp. null when it is none of ours. */
export function readSampler(name: string): SamplerReading | null {
  if (name.length > 80) return null;
  const key = foldSampler(name), whole = samplers.get(key);
  if (whole) return { sampler: whole, exact: true };
  const near = Object.hasOwn(nearSamplers, key) ? nearSamplers[key] : undefined;
  if (near) return { sampler: near, exact: false };
  const [, first, last] = ending.exec(name.trim()) ?? [];
  const sampler = first === undefined ? null : readSampler(first);
  if (!sampler || !last) return null;
  const schedule = last.toLowerCase() === 'k' ? 'karras' : readSchedule(last);
  return schedule ? { schedule, ...sampler } : { ...sampler, exact: false };
}

/** null when it is none of ours; A1111's "Automatic" is none, see `automaticSchedule`. */
export const readSchedule = (name: string): ScheduleName | null => (name.length > 80 ? null : schedules.get(fold(name)) ?? null);

/** What A1111's "Automatic" stands for, by sampler (its sd_samplers_kdiffusion and sd_samplers_timesteps). */
export const automaticSchedule = (sampler: SamplerName): ScheduleName => automatic[sampler] ?? ownSchedule(sampler);

/** The noise levels of a sampler that is named without a schedule, as before A1111 1.9. */
export const ownSchedule = (sampler: SamplerName): ScheduleName => (sampler === 'ddim' || sampler === 'plms' ? 'ddim_uniform' : sampler === 'unipc' ? 'sgm_uniform' : 'normal');

const automatic: Partial<Record<SamplerName, ScheduleName>> = {
  dpmpp_2m: 'karras', dpmpp_sde: 'karras', dpmpp_2s_a: 'karras', dpm2: 'karras', dpm2_a: 'karras', restart: 'karras',
  dpmpp_2m_sde: 'exponential', dpmpp_2m_sde_heun: 'exponential', dpmpp_3m_sde: 'exponential',
};

/** Letters and digits: 'DPM++ 2M' and 'dpmpp_2m' are one. */
function fold(name: string): string { return name.toLowerCase().replaceAll('++', 'pp').replaceAll('ancestral', 'a').replace(/[^a-z0-9]/g, ''); }
/** diffusers names a sampler by its class: 'EulerAncestralDiscreteScheduler'. */
const foldSampler = (name: string): string => fold(name.trim().replace(/^(?:sample_)?(?:k_)?|_gpu$|(?:discrete|multistep)?scheduler$/gi, ''));

function table<Name extends string>(labels: Readonly<Record<Name, string>>, aliases: Readonly<Record<string, Name>>): ReadonlyMap<string, Name> {
  const own = (Object.entries(labels) as [Name, string][]).flatMap(([name, label]): [string, Name][] => [[fold(label), name], [fold(name), name]]);
  return new Map([...Object.entries(aliases), ...own]);
}
