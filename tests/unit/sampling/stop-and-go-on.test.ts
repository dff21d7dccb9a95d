// A pass can stop after any step and go on in another process: what comes out is the same to the bit, whatever the sampler.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodePassState, encodePassState, type PassState } from '../../../main/engine/pipeline/pass-state';
import { Compat, Rng, samplerNames, scheduleNames, type SamplerName } from '../../../preload/contract/vocabulary';
import { goOn } from '../../support/go-on';
import { fingerprint, runPass, type PassCase } from '../../support/pass-cases';
import { refusalOf } from '../../support/words';

interface Whole { readonly which: PassCase; readonly end: string; readonly states: readonly PassState[] }

async function whole(which: PassCase): Promise<Whole> {
  const states: PassState[] = [];
  const end = fingerprint(await runPass(which, undefined, (state) => states.push(state)));
  return { which, end, states };
}

/** Goes on from every step of every pass, in one other process, and names those that came to something else. */
async function differing(cases: readonly PassCase[]): Promise<{ steps: number; others: string[] }> {
  const runs: Whole[] = [];
  for (const which of cases) runs.push(await whole(which));
  const stopped = runs.flatMap(({ which, states, end }) => states.map((state) => ({ which, end, at: state.sampler.step, state: Buffer.from(encodePassState(state)).toString('base64') })));
  const ends = await goOn(stopped.map(({ which, state }) => ({ which, state })));
  const others = stopped.filter(({ end }, i) => end !== ends[i]).map(({ which, at }) => `after step ${at} of ${JSON.stringify(which)}`);
  return { steps: ends.length, others };
}

/** What each sampler is tried with. */
const kinds: readonly Omit<PassCase, 'sampler'>[] = [
  { schedule: 'karras', steps: 7, rng: 'cpu', compat: 'a1111' },
  { schedule: 'normal', steps: 6, rng: 'nv', compat: 'a1111', options: { eta: 0.5 } },
  { schedule: 'normal', steps: 6, rng: 'cpu_nv', compat: 'comfy', options: { eta: 0 } },
  { schedule: 'sgm_uniform', steps: 5, rng: 'cpu', compat: 'a1111', strength: 0.7, ensd: 31337, masked: true },
  { schedule: 'ddim_uniform', steps: 8, rng: 'cpu', compat: 'a1111' },
  { schedule: 'kl_optimal', steps: 5, rng: 'cpu', compat: 'a1111', options: { eta: 1 } },                                        // ends above 0
  { schedule: 'karras', steps: 9, rng: 'nv', compat: 'a1111', levels: [14.6, 5, 5, 5, 2, 1, 1, 0.3, 0.3, 0] },                  // levels repeat
  { schedule: 'karras', steps: 4, rng: 'cpu', compat: 'a1111', dims: [1, 3, 1, 1], options: { eta: 0.8, sChurn: 3, sNoise: 1.01 } },      // draws of fewer than 16 values leave a spare one
];

describe('goes on to the same end', () => {
  it('every sampler, after every step, and restarts too', async () => {
    const cases = [
      ...samplerNames.flatMap((sampler) => kinds.map((kind) => ({ sampler, ...kind }))),
      ...[20, 36].flatMap((steps) => Rng.options.map((rng): PassCase => ({ sampler: 'restart', schedule: 'karras', steps, rng, compat: rng === 'cpu_nv' ? 'comfy' : 'a1111' }))),
    ];
    const { steps, others } = await differing(cases);
    expect(others).toEqual([]);
    expect(steps).toBeGreaterThan(5 * cases.length);
  });

  it('any pass', async () => {
    const any = fc.record({
      sampler: fc.constantFrom(...samplerNames), schedule: fc.constantFrom(...scheduleNames), rng: fc.constantFrom(...Rng.options), compat: fc.constantFrom(...Compat.options), steps: fc.integer({ min: 2, max: 12 }),
      strength: fc.option(fc.double({ min: 0.1, max: 1, noNaN: true }), { nil: undefined }), masked: fc.boolean(), ensd: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      options: fc.record({ eta: fc.constantFrom(0, 0.3, 1), sNoise: fc.constantFrom(1, 1.1), sChurn: fc.constantFrom(0, 4), lowerOrderFinal: fc.boolean(), order: fc.constantFrom(2, 3) }),
    });
    const { others } = await differing(fc.sample(any, 150));
    expect(others).toEqual([]);
  });
});

it('a pass that went on hands out the states of one that never stopped, so that it can stop again', async () => {
  for (const sampler of samplerNames) {
    for (const rng of Rng.options) {
      const which: PassCase = { sampler, schedule: 'karras', steps: 6, rng, compat: rng === 'cpu_nv' ? 'comfy' : 'a1111', options: { eta: 0.5 } };
      const { states } = await whole(which), after = Math.floor(states.length / 2), again: PassState[] = [];
      await runPass(which, structuredClone(states[after]), (state) => again.push(state));
      expect(again).toEqual(states.slice(after + 1));
    }
  }
});

describe('a state', () => {
  const which = (sampler: SamplerName): PassCase => ({ sampler, schedule: 'karras', steps: 6, rng: 'cpu', compat: 'a1111' });
  const stateOf = async (sampler: SamplerName): Promise<PassState> => (await whole(which(sampler))).states[3]!;

  it.each(['dpmpp_3m_sde', 'dpm_adaptive', 'dpmpp_2m_cfg_pp'] as const)('is plain data: a clone of it, and its bytes read again, are it (%s)', async (sampler) => {
    const state = await stateOf(sampler);
    expect(structuredClone(state)).toEqual(state);
    expect(await decodePassState(encodePassState(state), 'a.pass')).toEqual(state);
  });

  it('is not changed by the steps that follow', async () => {
    const seen: [PassState, PassState][] = [];
    for (const sampler of samplerNames) await runPass(which(sampler), undefined, (state) => { seen.push([state, structuredClone(state)]); });
    for (const [kept, atOnce] of seen) expect(kept).toEqual(atOnce);
  });

  it('that was cut, or has another bit anywhere, or is something else, is refused by its name', async () => {
    const bytes = encodePassState(await stateOf('dpmpp_2m_cfg_pp'));
    const refused = async (changed: Uint8Array): Promise<void> => {
      const error = await decodePassState(changed, '/data/passes/a.pass').then(() => null, (reason: unknown) => reason);
      expect(error).toMatchObject({ message: expect.any(String) as string, code: expect.stringMatching(/^pass\.(?:unreadable|stale)$/) as string });
    };
    for (let length = 0; length < bytes.length; length += 97) await refused(bytes.subarray(0, length));
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === 0x20 && bytes[at + 1] !== 0x22) continue;            // what fills up the header says nothing
      await refused(bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)));
    }
    await refused(new Uint8Array(bytes.length));
    expect(await refusalOf(decodePassState(bytes.subarray(0, 99), '/data/passes/a.pass'))).toMatchObject({ code: 'pass.unreadable', message: expect.stringContaining('a.pass') as string });
  });

  it('of another version, of other noise levels or of another size is refused, and says so', async () => {
    const state = await stateOf('dpmpp_2m');
    const later = Buffer.from(Buffer.from(encodePassState(state)).toString('latin1').replace('"version":"1"', '"version":"9"'), 'latin1');
    await expect(decodePassState(later, 'a.pass')).rejects.toMatchObject({ code: 'pass.stale', data: { field: 'version' } });
    await expect(runPass({ ...which('dpmpp_2m'), steps: 7 }, state)).rejects.toMatchObject({ code: 'pass.stale', data: { field: 'schedule of noise levels' } });
    await expect(runPass({ ...which('dpmpp_2m'), dims: [1, 4, 4, 2] }, state)).rejects.toMatchObject({ code: 'pass.stale', data: { field: 'size' } });
  });
});
