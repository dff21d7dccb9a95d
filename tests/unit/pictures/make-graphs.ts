// ComfyUI graphs to be read: a plain one, and others that differ from it in a few nodes.
import { expect } from 'vitest';
import { readTexts } from '../../../main/services/pictures/read';
import { PictureReport, type PictureJob } from '../../../preload/contract/picture-report';

export type Nodes = Readonly<Record<string, { class_type: string; inputs: Record<string, unknown> }>>;
export const node = (class_type: string, inputs: Record<string, unknown> = {}): Nodes[string] => ({ class_type, inputs });

export const sampling = { seed: 4242, steps: 21, cfg: 6, sampler_name: 'dpmpp_2m', scheduler: 'karras', denoise: 1 };

/** 10 loads, 12 and 13 encode, 15 is empty, 20 samples, 30 decodes, 31 saves. */
export const plain: Nodes = {
  10: node('CheckpointLoaderSimple', { ckpt_name: 'cedar_v3.safetensors' }), 12: node('CLIPTextEncode', { text: 'a lantern', clip: ['10', 1] }), 13: node('CLIPTextEncode', { text: 'people', clip: ['10', 1] }), 15: node('EmptyLatentImage', { width: 640, height: 512, batch_size: 1 }),
  20: node('KSampler', { ...sampling, model: ['10', 0], positive: ['12', 0], negative: ['13', 0], latent_image: ['15', 0] }), 30: node('VAEDecode', { samples: ['20', 0], vae: ['10', 2] }), 31: node('SaveImage', { filename_prefix: 'x', images: ['30', 0] }),
};
export const plainJob: Partial<PictureJob> = { prompt: 'a lantern', negative: 'people', emphasis: 'comfy', seed: 4242, steps: 21, cfg: 6, sampler: 'dpmpp_2m', schedule: 'karras', width: 640, height: 512, model: { name: 'cedar_v3', hash: null }, loras: [] };

/** The sampler with other links. */
export const sampler = (links: Record<string, unknown>): Nodes => ({ 20: node('KSampler', { ...plain['20']!.inputs, ...links }) });

export function readWorkflow(workflow: Record<string, unknown>): PictureJob { return jobOf({ workflow: JSON.stringify(workflow) }); }
export function readGraph(nodes: Nodes): PictureJob { return jobOf({ prompt: JSON.stringify({ ...plain, ...nodes }) }); }

function jobOf(texts: Record<string, string>): PictureJob {
  const reading = readTexts({ texts: new Map(Object.entries(texts)), width: 64, height: 64 })!;
  PictureReport.parse({ kind: 'picture', source: reading.source, job: reading.job, missing: reading.resources });
  expect(reading.source).toBe('comfyui');
  return reading.job;
}

type Expected = { readonly [Key in keyof PictureJob]?: PictureJob[Key] | undefined };

/** That the job has these fields, not those that are undefined, and that nothing in it is in doubt. */
export function expectGraph(nodes: Nodes, job: Expected): void {
  const found = readGraph(nodes);
  for (const [field, value] of Object.entries(job)) if (value === undefined) expect(found).not.toHaveProperty(field);
  expect(found).toMatchObject(Object.fromEntries(Object.entries(job).filter(([, value]) => value !== undefined)));
  expect(found.notKnown).toBeUndefined();
}
