// Tensors that are in a file but are not weights: noise schedules, position ids, running counters; and the averaged (EMA) second copy.

const buffers = new RegExp(`^(?:${[
  '(?:sqrt_|log_)?(?:one_minus_)?alphas_cumprod(?:_prev)?', 'sqrt_(?:recip|recipm1|one_minus)_alphas_cumprod', 'log_one_minus_alphas_cumprod', 'betas', 'alphas',
  'posterior_(?:variance|log_variance_clipped|mean_coef[12])', 'logvar', 'lvlb_weights', 'scale_factor', 'denoiser\\.(?:log_)?sigmas', 'log_sigmas', 'sigmas',
  'v_pred', 'ztsnr', 'lora_controlnet', 'string_to_token\\..*',
  '(?:.*\\.)?(?:position_ids|attn_mask|relative_position_index|relative_position_index_\\w+|num_batches_tracked|running_mean|running_var)',
  '.*\\.(?:alpha|on_input)',
].join('|')})$`);

/** What torch registers as a buffer, and marker tensors that carry no values. */
export const isBuffer = (name: string): boolean => buffers.test(name);

/** Old training checkpoints keep a second, averaged copy of the U-Net. */
export const isEmaCopy = (name: string): boolean => name.startsWith('model_ema.');
