// Seeds of 64 bits: one form each, counted without loss, and the same from a job to a picture's text and back.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { makeJobs } from '../../../main/services/queue/make-jobs';
import type { JobModels } from '../../../main/services/queue/job-files';
import { parametersText } from '../../../main/services/pictures/parameters';
import { readParameters } from '../../../main/services/pictures/read/a1111';
import { parseJsonObject } from '../../../main/services/pictures/read/json';
import { readingOf } from '../../../main/services/pictures/request';
import { theirSeed } from '../../../main/services/pictures/their-seed';
import { invalidRequest } from '../../../preload/contract/invalid';
import { JobRequest, JobSpec } from '../../../preload/contract/job';
import type { PictureJob } from '../../../preload/contract/picture-report';
import { isSeed, parseSeed, seedOf, seedPlus, type Seed } from '../../../preload/contract/seed';
import type { PictureSource } from '../../../preload/contract/vocabulary';
import { demoJob } from '../../support/demo';
import { fuzzRuns } from '../../support/fuzz';

const whole = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0n, 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n));
const last = '18446744073709551615';

test('each has one form, which is itself again as digits and as JSON', () => {
  fc.assert(fc.property(whole, (value) => {
    const seed = seedOf(value);
    expect([isSeed(seed), typeof seed, BigInt(seed)]).toEqual([true, value < 2n ** 53n ? 'number' : 'string', value]);
    expect(parseSeed(String(seed))).toBe(seed);
    const job = JSON.parse(JSON.stringify(JobSpec.parse({ ...demoJob(), seed, variation: { seed, strength: 0.5 } }))) as unknown;
    expect(JobSpec.parse(job)).toMatchObject({ seed, variation: { seed } });
  }), { numRuns: fuzzRuns(300) });
});

test('they count on, and 0 comes behind the last', () => {
  expect([seedPlus(5, 1), seedPlus(Number.MAX_SAFE_INTEGER, 1), seedPlus('9007199254740992', -1), seedPlus(last, 1), seedPlus(0, -1)]).toEqual([6, '9007199254740992', Number.MAX_SAFE_INTEGER, 0, last]);
  fc.assert(fc.property(whole, fc.integer({ min: -1000, max: 1000 }), (value, by) => { expect(seedPlus(seedPlus(seedOf(value), by), -by)).toEqual(seedOf(value)); }));
});

test('pictures asked for together count on beyond 2^53', () => {
  const models = { model: { name: 'm', family: 'sd1', prediction: 'eps' }, refiner: undefined, loras: [], files: { model: { name: 'm', hash: null } } } as unknown as JobModels;
  const { kind: _, version: _v, files: _f, ...rest } = demoJob();
  const seeds = (patch: Partial<JobRequest>) => makeJobs(JobRequest.parse({ ...rest, files: { model: 'm' }, count: 3, ...patch }), models).map(({ spec }) => [spec.seed, spec.variation?.seed]);
  expect(seeds({ seed: '6687881544318117707' }).map(([seed]) => seed)).toEqual(['6687881544318117707', '6687881544318117708', '6687881544318117709']);
  expect(seeds({ seed: Number.MAX_SAFE_INTEGER }).map(([seed]) => seed)).toEqual([9007199254740991, '9007199254740992', '9007199254740993']);
  expect(seeds({ seed: '18446744073709551614' }).map(([seed]) => seed)).toEqual(['18446744073709551614', last, 0]);
  expect(seeds({ seed: 7, variation: { seed: last, strength: 0.2 } })).toEqual([[7, last], [7, 0], [7, 1]]);
});

describe('what is none is refused, and said', () => {
  it.each<[unknown, object]>([
    [-1, { why: 'low', want: 0 }], [2 ** 53, { why: 'high' }], [1.5, { why: 'type' }], ['5', { why: 'seed' }], ['18446744073709551616', { why: 'seed' }], ['abc', { why: 'seed' }], ['09007199254740993', { why: 'seed' }], [true, { why: 'type' }],
  ])('%j', (seed, rule) => {
    const { error } = JobSpec.safeParse({ ...demoJob(), seed });
    expect(invalidRequest(error!)).toMatchObject({ code: 'request.invalid', data: { field: 'seed', ...rule } });
  });
  it.each(['', '-1', '1.5', '1e5', '18446744073709551616', '9'.repeat(5000), '٣'])('%j typed', (text) => expect(parseSeed(text)).toBeNull());
});

describe('of pictures', () => {
  const request = (job: Partial<PictureJob>, source: PictureSource) => readingOf({ kind: 'picture', source, job: { prompt: '', negative: '', loras: [], extra: {}, ...job }, missing: [] }, []);
  it('are taken up whole, with nothing left out', () => {
    const { job } = readParameters('a cat\nSteps: 4, Sampler: Euler a, CFG scale: 4, Seed: 6687881544318117707, Size: 128x128, Variation seed: 12345678901234567890, Variation seed strength: 0.1');
    expect(request(job, 'a1111')).toMatchObject({ request: { seed: '6687881544318117707', variation: { seed: '12345678901234567890', strength: 0.1 } }, leftOut: [] });
    expect(request({ seed: '98765432109876543210' }, 'a1111')).toMatchObject({ request: { prompt: '' }, leftOut: ['seed'] });
  });
  it.each<[Seed, PictureSource, Seed]>([
    [-245604080, 'a1111', '18446744073463947536'], ['-9223372036854775808', 'comfyui', '9223372036854775808'], ['-9223372036854775809', 'comfyui', '-9223372036854775809'],
    [2 ** 32 + 5, 'invokeai', 5], [2 ** 32 + 5, 'comfyui', 2 ** 32 + 5], ['6687881544318117707', 'fooocus', '6687881544318117707'], [1.5, 'a1111', 1.5],
  ])('%s of %s is %s', (written, source, seed) => expect(theirSeed(written, source)).toBe(seed));
  it('are read from JSON to the last digit', () => expect(parseJsonObject('{"a":6687881544318117707,"b":-6687881544318117707,"c":5}')).toEqual({ a: '6687881544318117707', b: '-6687881544318117707', c: 5 }));
  it('are written in full, and read again', () => {
    fc.assert(fc.property(whole.map(seedOf), (seed) => {
      const text = parametersText(JobSpec.parse({ ...demoJob(), seed, variation: { seed, strength: 0.5 } }), { version: '1.0.0' });
      expect(text).toContain(`Seed: ${seed}`);
      expect(request(readParameters(text).job, 'atelier').request).toMatchObject({ seed, variation: { seed } });
    }), { numRuns: fuzzRuns(100) });
  });
});
