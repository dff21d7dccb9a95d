// Tensors that are in a file but are not weights: noise schedules, position ids, running counters; and the averaged (EMA) second copy.

/** What torch registers as a buffer, what only training used, and marker tensors, with which files say how they are meant. */
const notWeights = new RegExp(`^(?:${[
  '(?:sqrt_|log_)?(?:one_minus_)?alphas_cumprod(?:_prev)?', 'sqrt_(?:recip|recipm1|one_minus)_alphas_cumprod', 'log_one_minus_alphas_cumprod', 'betas', 'alphas',
  'posterior_(?:variance|log_variance_clipped|mean_coef[12])', 'logvar', 'lvlb_weights', 'scale_factor', 'denoiser\\.(?:log_)?sigmas', 'log_sigmas', 'sigmas',
  'v_pred', 'ztsnr', 'edm_(?:mean|std)', 'edm_vpred\\.sigma_(?:max|min)', 'lora_controlnet', 'difference', 'vae_(?:scale|shift)', 'string_to_token\\..*', 'loss\\..*',
  '(?:.*\\.)?(?:position_ids|attn_mask(?:_\\d)?|(?:aligned_)?relative_position_index(?:_\\w+)?|relative_coords_table|rpe_biases|num_batches_tracked|running_mean|running_var)',
  '.*\\.(?:alpha|on_input)', '.*\\.(?:pos_encoder|pos_embed)\\.pe',
].join('|')})$`);

export const isBuffer = (name: string): boolean => notWeights.test(name);

/** Old training checkpoints keep a second, averaged copy of the U-Net. */
export const isEmaCopy = (name: string): boolean => name.startsWith('model_ema.');
