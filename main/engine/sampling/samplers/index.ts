// The samplers by the names of the contract, with what a plan or an estimate needs to know of each.
import type { SamplerName } from '../../../../preload/contract/vocabulary';
import type { Sampler } from '../types';
import { sampleDpmpp2mCfgPp, sampleDpmpp2sAncestralCfgPp, sampleEulerAncestralCfgPp, sampleEulerCfgPp } from './cfgpp';
import { sampleLcm, sampleTcd } from './consistency';
import { sampleDpm2, sampleDpm2Ancestral, sampleDpmAdaptive, sampleDpmFast } from './dpm';
import { sampleDpmpp2m, sampleDpmpp2mSde, sampleDpmpp2mSdeHeun, sampleDpmpp2s, sampleDpmpp2sAncestral, sampleDpmpp3mSde, sampleDpmppSde } from './dpmpp';
import { sampleDdim, sampleDdpm, sampleEuler, sampleEulerAncestral, sampleHeun, sampleHeunPP2 } from './euler';
import { sampleDeis, sampleIpndm, sampleIpndmV, sampleLms, samplePlms } from './multistep';
import { sampleRestart } from './restart';
import { sampleUniPc } from './unipc';

interface SamplerEntry {
  readonly run: Sampler;
  /** Calls of the denoiser for each step of the schedule, the last step often needing fewer. dpm_adaptive: of a usual run. */
  readonly evaluationsPerStep: number;
  /** How far prompt editing counts for each step: 2 for what A1111 and Forge mark as second-order, else 1, also where more is evaluated. */
  readonly promptStepsPerStep: 1 | 2;
  /** Whether it draws noise with its default options, so that another stream of noise gives another picture. */
  readonly usesNoise: boolean;
  /** Whether its noise is that of a Brownian tree in the programs that it comes from: one of the noise levels, not of the order of draws. */
  readonly noiseByLevel: boolean;
  /** Whether it goes by the prediction without the prompt, which is then needed at a guidance scale of 1, too. */
  readonly readsUncond: boolean;
}

const entry = (run: Sampler, evaluationsPerStep: 1 | 2, usesNoise: boolean): SamplerEntry =>
  ({ run, evaluationsPerStep, promptStepsPerStep: evaluationsPerStep, usesNoise, noiseByLevel: false, readsUncond: false });
const cfgPp = (run: Sampler, evaluationsPerStep: 1 | 2, usesNoise: boolean): SamplerEntry => ({ ...entry(run, evaluationsPerStep, usesNoise), readsUncond: true });
const sde = (run: Sampler, evaluationsPerStep: 1 | 2): SamplerEntry => ({ ...entry(run, evaluationsPerStep, true), noiseByLevel: true });

export const samplers: Readonly<Record<SamplerName, SamplerEntry>> = {
  euler: entry(sampleEuler, 1, false),
  euler_a: entry(sampleEulerAncestral, 1, true),
  heun: entry(sampleHeun, 2, false),
  dpm2: entry(sampleDpm2, 2, false),
  dpm2_a: entry(sampleDpm2Ancestral, 2, true),
  lms: entry(sampleLms, 1, false),
  dpm_fast: entry(sampleDpmFast, 1, false),
  dpm_adaptive: { ...entry(sampleDpmAdaptive, 2, false), promptStepsPerStep: 1 },
  dpmpp_2s: entry(sampleDpmpp2s, 1, false),
  dpmpp_2s_a: entry(sampleDpmpp2sAncestral, 2, true),
  dpmpp_2m: entry(sampleDpmpp2m, 1, false),
  dpmpp_sde: sde(sampleDpmppSde, 2),
  dpmpp_2m_sde: sde(sampleDpmpp2mSde, 1),
  dpmpp_2m_sde_heun: sde(sampleDpmpp2mSdeHeun, 1),
  dpmpp_3m_sde: sde(sampleDpmpp3mSde, 1),
  ddim: entry(sampleDdim, 1, false),
  ddpm: entry(sampleDdpm, 1, true),
  plms: entry(samplePlms, 1, false),
  unipc: entry(sampleUniPc, 1, false),
  lcm: entry(sampleLcm, 1, true),
  tcd: entry(sampleTcd, 1, true),
  restart: entry(sampleRestart, 2, true),
  deis: entry(sampleDeis, 1, false),
  ipndm: entry(sampleIpndm, 1, false),
  ipndm_v: entry(sampleIpndmV, 1, false),
  heunpp2: { ...entry(sampleHeunPP2, 1, false), evaluationsPerStep: 3 },
  euler_cfg_pp: cfgPp(sampleEulerCfgPp, 1, false),
  euler_a_cfg_pp: cfgPp(sampleEulerAncestralCfgPp, 1, true),
  dpmpp_2m_cfg_pp: cfgPp(sampleDpmpp2mCfgPp, 1, false),
  dpmpp_2s_a_cfg_pp: cfgPp(sampleDpmpp2sAncestralCfgPp, 2, true),
};
