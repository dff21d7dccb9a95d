// One name for what packs call by several: 'pos', 'CONDITIONING+' and 'optional_positive' are `positive`.

const aliases: Readonly<Record<string, string>> = {
  pos: 'positive',
  neg: 'negative',
  'conditioning+': 'positive',
  'conditioning-': 'negative',
  latent_image: 'latent',
  samples: 'latent',
  latents: 'latent',
  latent_opt: 'latent',
  output: 'latent',
  denoised_output: 'latent',
  images: 'image',
  pixels: 'image',
  noise_seed: 'seed',
  seed_value: 'seed',
  'base_conditioning+': 'base_positive',
  'base_conditioning-': 'base_negative',
  base_pos: 'base_positive',
  base_neg: 'base_negative',
  'refiner_conditioning+': 'refiner_positive',
  'refiner_conditioning-': 'refiner_negative',
  empty_latent: 'latent',
  sampler: 'sampler_name',
  scheduler_name: 'scheduler',
};

/** Of an input or an output. */
export function fieldOf(name: string): string {
  const key = name.toLowerCase().replace(/^(?:optional|opt)_/, '');
  return aliases[key] ?? key;
}
