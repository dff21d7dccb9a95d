// What a checkpoint carries and a picture never needs: the averaged (EMA) copy, what only training used, and buffers that every program computes itself.

/**
 * As a pattern over names, which the merge's recipe notes as `discard_weights`. Marks that say how a model works (`v_pred`, `ztsnr`, a LoRA's `alpha`)
 * and the statistics of batch norms stay.
 */
export const prunePattern = `^(?:${[
  'model_ema\\.', 'optimizer(?:_states)?(?:\\.|$)', 'lr_schedulers?(?:\\.|$)', 'callbacks(?:\\.|$)', 'loops(?:\\.|$)', 'hyper_parameters(?:\\.|$)',
  '(?:first_stage_model\\.)?loss\\.',
  '(?:global_step|epoch|scale_factor|logvar|lvlb_weights|betas|denoiser\\.(?:log_)?sigmas)$',
  '(?:sqrt_|log_)?(?:one_minus_)?alphas_cumprod(?:_prev)?$', 'sqrt_(?:recip|recipm1|one_minus)_alphas_cumprod$', 'log_one_minus_alphas_cumprod$',
  'posterior_(?:variance|log_variance_clipped|mean_coef[12])$',
  '(?:cond_stage_model|conditioner)\\..*(?:position_ids|attn_mask)$',
].join('|')})`;

const pattern = new RegExp(prunePattern);
export const isPrunable = (name: string): boolean => pattern.test(name);
