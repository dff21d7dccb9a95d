// A pass and the stages that it walks over: who is asked when, and what is left open.
import { describe, expect, it } from 'vitest';
import { handOver, wrapStage } from '../../../main/engine/pipeline/stage';
import { mul } from '../../../main/engine/sampling/arithmetic';
import { stableDiffusionTable as table, tToSigma } from '../../../main/engine/sampling/model-sampling';
import { sample, type Moment, type Pass, type Stage } from '../../../main/engine/sampling/pass';
import { samplers } from '../../../main/engine/sampling/samplers';
import { gaussian, noiseOf, start } from './gaussian';

const sigmas = [14.6, 8, 4, 2, 1, 0];

/** Writes down what is asked of it. */
function stageOf(name: string, log: string[], moments: Moment[] = []): Stage {
  return {
    prepare: async () => { log.push(`${name} prepares`); },
    denoise: (x, sigma, moment) => { log.push(name); moments.push(moment); return gaussian(x, sigma); },
    release: async () => { log.push(`${name} is released`); },
    end: async () => { log.push(`${name} ends`); },
  };
}
const walk = (stage: Stage, pass: Partial<Pass> = {}) =>
  sample(stage, start(14.6), { sampler: samplers.euler.run, sigmas, noise: noiseOf(1), signal: { throwIfAborted() {} }, ...pass });

describe('a stage', () => {
  it('is told how often it was asked before, and the lowest level so far, also where levels rise again', async () => {
    const moments: Moment[] = [];
    await walk(stageOf('a', [], moments), { sampler: samplers.heun.run, options: { sChurn: 4 }, sigmas: [14.6, 3, 1, 0] });
    expect(moments.map(({ evaluation }) => evaluation)).toEqual([0, 1, 2, 3, 4]);
    const lowest = moments.map(({ lowestSigma }) => lowestSigma);
    expect(lowest).toEqual(lowest.toSorted((a, b) => b - a));
    expect(lowest[2]).toBe(3);                                     // churn raises the level that is asked for
  });

  const fault = new Error('a fault');
  const failing = (): never => { throw fault; };
  it.each<[string, (stage: Stage) => Stage, Partial<Pass>]>([
    ['when it cannot be opened', (stage) => ({ ...stage, prepare: failing }), {}],
    ['when its network fails', (stage) => wrapStage(stage, () => failing), {}],
    ['when the host fails at a step', (stage) => stage, { onStep: failing }],
    ['when the host fails later at a step', (stage) => stage, { onStep: () => Promise.reject(fault) }],
    ['when it is cancelled', (stage) => stage, { signal: { throwIfAborted: failing } }],
    ['when the noise fails', (stage) => stage, { sampler: samplers.euler_a.run, noise: failing }],
  ])('is ended %s', async (_, change, pass) => {
    const log: string[] = [];
    await expect(walk(change(stageOf('a', log)), pass)).rejects.toBe(fault);
    expect(log.at(-1)).toBe('a ends');
    expect(log.filter((line) => line === 'a ends')).toHaveLength(1);
  });
});

describe('one stage that hands over to another', () => {
  const half = tToSigma(table, 499);
  const both = (log: string[], switchAt = 0.5) => handOver(stageOf('first', log), stageOf('second', log), switchAt, table);

  it('lets the first go before the second is asked, and the second go at the end', async () => {
    const log: string[] = [];
    await walk(both(log), { sigmas: [14.6, 4, half, 1, 0] });
    expect(log).toEqual(['first prepares', 'first', 'first', 'first is released', 'second', 'second', 'first ends', 'second is released', 'second ends']);
  });

  it('stays with the second where levels rise again, and begins with it where a pass goes on after that', async () => {
    const log: string[] = [];
    await walk(both(log), { sigmas: [14.6, 0.5, 0], from: { sampler: { step: 0, x: start(14.6), past: [] }, evaluations: 9, lowestSigma: 0.1, draws: 0 } });
    expect(log.slice(0, 4)).toEqual(['first is released', 'second prepares', 'second', 'second']);
  });

  it('may take over at once, or never', async () => {
    const [atOnce, never]: string[][] = [[], []];
    await walk(both(atOnce!, 0));
    expect(atOnce).not.toContain('first prepares');
    await walk(both(never!, 1));
    expect(never).not.toContain('second');
  });
});

it('passes are composed: the end of one, changed, is the start of the next, with other steps over another stage', async () => {
  const log: string[] = [];
  const half = await walk(stageOf('small', log), { sigmas: [14.6, 4, 0] });
  await sample(stageOf('large', log), mul(half, 2), { sampler: samplers.heun.run, sigmas: [4, 2, 0], noise: noiseOf(1), signal: { throwIfAborted() {} } });
  expect(log).toEqual(['small prepares', 'small', 'small', 'small ends', 'large prepares', 'large', 'large', 'large', 'large ends']);
});
