// Jobs and requests as earlier versions wrote them, brought to the present form. Released entries are never changed.

/** The version of jobs that this program writes. */
export const jobVersion = 4;

type Fields = Readonly<Record<string, unknown>>;

/** Entry v brings a job of version v to version v + 1. Version 4 has fields that 3 did not know, and would make another picture without. */
const upgrades: Readonly<Record<number, (job: Fields) => Fields>> = { 1: fromVersion1, 2: fromVersion2, 3: withDeafTags };

/** A job of any version that was, as the present one; what is no job, or of a newer version, stays as it is. Jobs without a version are of the first. */
export function upgradeJob(job: unknown): unknown {
  if (!isFields(job)) return job;
  let upgraded = job, version = job['version'] ?? 1;
  for (let upgrade; typeof version === 'number' && (upgrade = upgrades[version]);) upgraded = { ...upgrade(upgraded), version: ++version };
  return upgraded;
}

/** A request of any client that was; it names no version. */
export const upgradeRequest = <T>(request: T): T => (isFields(request) ? fromVersion1(request) as T : request);

/** Version 1 had a field for each kind of file, and one for noise. A request of its time has the same fields, with ids for files. */
function fromVersion1(job: Fields): Fields { return filesInSlots(apartFromNoise(job)); }

function filesInSlots(job: Fields): Fields {
  if (job['files'] !== undefined) return job;
  const { model, vae, textEncoders, refiner, embeddings, ...rest } = job, { model: second, ...handOver } = isFields(refiner) ? refiner : {};
  return { ...rest, files: present({ model, vae, textEncoders, refiner: second, embeddings }), ...(refiner !== undefined && { refiner: handOver }) };
}

const present = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

/** Version 1 had one field for two questions: which generator draws, and whose conventions count. */
export const rngOfNoise: Readonly<Record<string, Fields>> = { cpu: { rng: 'cpu', compat: 'a1111' }, gpu: { rng: 'nv', compat: 'a1111' }, comfy: { rng: 'cpu_nv', compat: 'comfy' } };

/** A noise of nobody is refused as a generator of nobody. */
function apartFromNoise({ noise, ...job }: Fields): Fields {
  return noise === undefined ? job : { ...(rngOfNoise[String(noise)] ?? { rng: noise }), ...job };
}

/** Until version 2 a backslash before a comment, a tag, AND, BREAK and the colon of a weight went without a word. */
function fromVersion2(job: Fields): Fields {
  const texts = ['prompt', 'negative'].flatMap((name): [string, string][] => { const text = job[name]; return typeof text === 'string' ? [[name, text.replace(unmeant, '$1')]] : []; });
  return job['emphasis'] === 'comfy' ? job : { ...job, ...Object.fromEntries(texts) };
}

/** Until version 3 a tag that calls up a LoRA called nothing, which an empty list says. */
function withDeafTags(job: Fields): Fields { return /<(?:lora|lyco):/i.test(String(job['prompt'])) ? { ...job, loras: [] } : job; }

const unmeant = /(\\[()[\]\\])|\\(?=#|(?:AND|BREAK)(?![\p{L}\p{N}_])|<[\p{L}\p{N}_]+:|:\s*[+-]?[.\d]+\s*\))/gu;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
