// DDIM, PLMS and UniPC as AUTOMATIC1111 runs them, in its latents of unit variance, written out plainly in double precision. The network is a formula
// that also goes by the timestep, so that a wrong one shows.
import { describe, expect, it } from 'vitest';
import { rescaleToZeroTerminalSnr, scaledLinearAlphas, sigmaTable, stableDiffusionTable, type SigmaTable } from '../../../main/engine/sampling/model-sampling';
import { planSampling } from '../../../main/engine/sampling/plan';
import { samplers } from '../../../main/engine/sampling/samplers';
import { float32 } from '../../../main/engine/tensor';
import type { SamplerName, ScheduleName } from '../../../preload/contract/vocabulary';

type Vector = number[];
type Network = (x: Vector, t: number) => Vector;
const zip = (f: (...values: number[]) => number, ...vectors: Vector[]): Vector => vectors[0]!.map((_, i) => f(...vectors.map((v) => v[i]!)));

const noise = [0.9, -1.3, 0.2, 0.6];
const picture = [1.5, -0.4, 0.3, -2];
const zeroSnr = sigmaTable(rescaleToZeroTerminalSnr(scaledLinearAlphas()));

/** Predicted noise for pictures around a centre, off by a little that depends on the timestep. */
function networkOf(table: SigmaTable, asked: number[] = []): Network {
  return (x, t) => {
    asked.push(t);
    const low = Math.min(Math.floor(t), table.alphasCumprod.length - 2);
    const alpha = table.alphasCumprod[low]! * (table.alphasCumprod[low + 1]! / table.alphasCumprod[low]!) ** (t - low);
    return x.map((value, i) => Math.sqrt(1 - alpha) * (value - Math.sqrt(alpha) * (0.5 - 0.4 * i)) / (0.25 * alpha + 1 - alpha) + 0.1 * Math.sin(t / 40 + i));
  };
}

interface Asked { sampler: SamplerName; schedule: ScheduleName; steps: number; strength?: number; table?: SigmaTable }

async function ours({ table = stableDiffusionTable, ...asked }: Asked): Promise<{ result: Vector; timesteps: number[] }> {
  const plan = planSampling({ ...asked, compat: 'a1111' }, table, 'sd1');
  const timesteps: number[] = [], network = networkOf(table, timesteps);
  const x = float32([1, 4, 1, 1], Float32Array.from(noise, (n, i) => plan.startNoise * n + (asked.strength === undefined ? 0 : plan.startPicture * picture[i]!)));
  const denoise = plan.wrapDenoiser(async ({ dims, data }, sigma) => {
    const eps = network([...data].map((value) => value / Math.sqrt(1 + sigma * sigma)), plan.timestepOf(sigma));
    return float32(dims, data.map((value, i) => value - sigma * eps[i]!));
  });
  const end = await samplers[asked.sampler].run(denoise, x, plan.sigmas, { noise: () => { throw new Error('these draw no noise'); } }, plan.options);
  return { result: [...end.data].map((value) => value * plan.endScale), timesteps };
}

/** What CompVisSampler gives its functions: timesteps ascending, and x. */
function a1111Start({ steps, strength, table = stableDiffusionTable }: Asked): { timesteps: number[]; x: Vector } {
  const timesteps: number[] = [];
  for (let t = 0; t < 1000; t += Math.floor(1000 / steps)) timesteps.push(Math.min(999, t + 1));
  if (strength === undefined) return { timesteps, x: noise };
  const encoded = Math.trunc(Math.min(strength, 0.999) * steps);
  const alpha = table.alphasCumprod[timesteps[encoded]!]!;
  return { timesteps: timesteps.slice(0, encoded), x: zip((p, n) => p * Math.sqrt(alpha) + n * Math.sqrt(1 - alpha), picture, noise) };
}

function ddim(asked: Asked, network: Network): Vector {
  let { timesteps, x } = a1111Start(asked);
  const { alphasCumprod: alphas } = asked.table ?? stableDiffusionTable;
  for (let index = timesteps.length - 1; index > 0; index--) {
    const [alpha, previous] = [alphas[timesteps[index]!]!, alphas[timesteps[index - 1]!]!];
    const e = network(x, timesteps[index]!);
    x = zip((x, e) => Math.sqrt(previous) * (x - Math.sqrt(1 - alpha) * e) / Math.sqrt(alpha) + Math.sqrt(1 - previous) * e, x, e);
  }
  return x;
}

function plms(asked: Asked, network: Network): Vector {
  let { timesteps, x } = a1111Start(asked);
  const { alphasCumprod: alphas } = asked.table ?? stableDiffusionTable;
  const old: Vector[] = [];
  for (let index = timesteps.length - 1; index > 0; index--) {
    const [alpha, previous] = [alphas[timesteps[index]!]!, alphas[timesteps[index - 1]!]!];
    const along = (e: Vector): Vector => zip((x, e) => Math.sqrt(previous) * (x - Math.sqrt(1 - alpha) * e) / Math.sqrt(alpha) + Math.sqrt(1 - previous) * e, x, e);
    const e = network(x, timesteps[index]!), [one, two, three] = old.toReversed();
    const mean = !one ? zip((a, b) => (a + b) / 2, e, network(along(e), timesteps[index - 1]!))
      : !two ? zip((a, b) => (3 * a - b) / 2, e, one)
      : !three ? zip((a, b, c) => (23 * a - 16 * b + 5 * c) / 12, e, one, two)
      : zip((a, b, c, d) => (55 * a - 59 * b + 37 * c - 9 * d) / 24, e, one, two, three);
    old.push(e);
    if (old.length >= 4) old.shift();
    x = along(mean);
  }
  return x;
}

/** Variant bh1, order 3, lower order at the end, even steps in time; the schedule of NoiseScheduleVP('discrete'). */
function unipc(asked: Asked, network: Network): Vector {
  const { alphasCumprod } = asked.table ?? stableDiffusionTable;
  const given = a1111Start(asked);
  const n = given.timesteps.length, start = asked.strength === undefined ? 1 : given.timesteps.at(-1)! / 1000 + 1 / 1000;
  const times = Array.from({ length: n + 1 }, (_, i) => start + (1 / 1000 - start) * i / n);
  const logAlpha = (time: number): number => {
    const position = Math.max(0, Math.min(998, Math.floor(time * 1000 - 1 + 1e-9)));
    const [a, b] = [0.5 * Math.log(alphasCumprod[position]!), 0.5 * Math.log(alphasCumprod[position + 1]!)];
    return a + (time - (position + 1) / 1000) * (b - a) / (1 / 1000);
  };
  const alphaOf = (time: number): number => Math.exp(logAlpha(time)), sigmaOf = (time: number): number => Math.sqrt(1 - Math.exp(2 * logAlpha(time)));
  const lambdaOf = (time: number): number => logAlpha(time) - Math.log(sigmaOf(time));
  const predict = (x: Vector, time: number): Vector => zip((x, e) => (x - sigmaOf(time) * e) / alphaOf(time), x, network(x, (time - 1 / 1000) * 1000));

  let x = given.x;
  const models = [predict(x, times[0]!)], known = [times[0]!];
  for (let step = 1; step <= n; step++) {
    const order = step < 3 ? step : Math.min(3, n + 1 - step);
    const time = times[step]!, last = known.at(-1)!, model = models.at(-1)!;
    const h = lambdaOf(time) - lambdaOf(last), hh = -h;
    const older = Array.from({ length: order - 1 }, (_, i) => ({ r: (lambdaOf(known.at(-2 - i)!) - lambdaOf(last)) / h, model: models.at(-2 - i)! }));
    const r = [...older.map((each) => each.r), 1];
    const d = older.map((each) => zip((m, m0) => (m - m0) / each.r, each.model, model));
    const b: number[] = [];
    let phi = Math.expm1(hh) / hh - 1, factorial = 1;
    for (let i = 1; i <= order; i++) {
      b.push(phi * factorial / hh);
      factorial *= i + 1;
      phi = phi / hh - 1 / factorial;
    }
    const matrix = b.map((_, i) => r.map((value) => value ** i));
    const base = zip((x, m) => sigmaOf(time) / sigmaOf(last) * x - alphaOf(time) * Math.expm1(hh) * m, x, model);
    const minus = (shares: number[], differences: Vector[]): Vector => differences.reduce((sum, difference, k) => zip((s, v) => s - alphaOf(time) * hh * shares[k]! * v, sum, difference), base);
    const predicted = minus(order === 2 ? [0.5] : order === 1 ? [] : cramer(matrix.slice(0, -1).map((row) => row.slice(0, -1)), b.slice(0, -1)), d);
    if (step === n) return predicted;
    const arrived = predict(predicted, time);
    x = minus(order === 1 ? [0.5] : cramer(matrix, b), [...d, zip((a, m) => a - m, arrived, model)]);
    models.push(arrived);
    known.push(time);
  }
  throw new RangeError('no steps');
}

function cramer(matrix: number[][], right: number[]): number[] {
  const determinant = (m: number[][]): number => (m.length === 1 ? m[0]![0]! : m[0]!.reduce((sum, value, c) => sum + (-1) ** c * value * determinant(m.slice(1).map((row) => row.toSpliced(c, 1))), 0));
  return right.map((_, c) => determinant(matrix.map((row, i) => row.with(c, right[i]!))) / determinant(matrix));
}

const programs = { ddim: { schedule: 'ddim_uniform', transcription: ddim }, plms: { schedule: 'ddim_uniform', transcription: plms }, unipc: { schedule: 'sgm_uniform', transcription: unipc } } as const;

describe.each(['ddim', 'plms', 'unipc'] as const)('%s', (sampler) => {
  const { schedule, transcription } = programs[sampler];
  const cases: Omit<Asked, 'sampler' | 'schedule'>[] = [
    ...[3, 7, 10, 20, 27, 30, 150].map((steps) => ({ steps })),
    ...[[20, 0.75], [20, 1], [30, 0.5], [7, 0.6], [40, 0.1]].map(([steps, strength]) => ({ steps: steps!, strength: strength! })),
    { steps: 20, table: zeroSnr }, { steps: 20, strength: 0.5, table: zeroSnr },
  ];
  it.each(cases)('of $steps steps, strength $strength', async (each) => {
    const asked = { sampler, schedule, ...each }, theirs: number[] = [];
    const want = transcription(asked, networkOf(each.table ?? stableDiffusionTable, theirs));
    const { result, timesteps } = await ours(asked);
    expect(timesteps).toHaveLength(theirs.length);
    timesteps.forEach((t, i) => expect(Math.abs(t - theirs[i]!)).toBeLessThan(1e-3));
    result.forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThan(1e-4));
  });

  it('walks the levels of another schedule, and with ComfyUI always, down to 0', () => {
    const plan = (asked: Partial<Parameters<typeof planSampling>[0]>) => planSampling({ sampler, schedule, steps: 20, compat: 'a1111', ...asked }, stableDiffusionTable, 'sd1');
    for (const { sigmas, endScale } of [plan({ schedule: 'karras' }), plan({ compat: 'comfy' })]) {
      expect(sigmas).toHaveLength(21);
      expect([sigmas.at(-1), endScale]).toEqual([0, 1]);
    }
  });

  it('asks the model at least once, where A1111 would give noise back', async () => {
    for (const asked of [{ steps: 1 }, { steps: 20, strength: 0.01 }, { steps: 1, strength: 0.5 }]) expect((await ours({ sampler, schedule, ...asked })).timesteps.length).toBeGreaterThan(0);
  });
});

it('DDIM of 20 steps makes 19, from 951 to 1, and UniPC 20 from 999 to 0', async () => {
  expect((await ours({ sampler: 'ddim', schedule: 'ddim_uniform', steps: 20 })).timesteps.map(Math.round)).toEqual(Array.from({ length: 19 }, (_, i) => 951 - 50 * i));
  expect((await ours({ sampler: 'unipc', schedule: 'sgm_uniform', steps: 20 })).timesteps.map((t) => Math.round(100 * t))).toEqual(Array.from({ length: 20 }, (_, i) => 99900 - 4995 * i));
});
