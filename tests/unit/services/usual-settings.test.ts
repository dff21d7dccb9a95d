// Settings that suit a model, told from its name and its U-Net: distilled ones paint in a few steps.
import { expect, test } from 'vitest';
import { isHalfSize, settingsFor } from '../../../main/services/models/usual-settings';
import { usualSettings } from '../../../preload/contract/model';
import { weightFile } from '../../support/checkpoints';

test.each([
  ['sd_turbo', 4, 1, 'euler_a'], ['sd_xl_turbo_1.0_fp16', 4, 1, 'euler_a'], ['sdxl_lightning_4step', 4, 1, 'euler'], ['sdxl_lightning_8step_unet', 8, 1, 'euler'],
  ['Hyper-SDXL-1step-Unet', 1, 1, 'ddim'], ['Hyper-SD15-12steps-CFG', 12, 1, 'ddim'], ['juggernautXL_hyper_8step_sfw', 8, 1, 'ddim'], ['dmd2_sdxl_4step_unet', 4, 1, 'lcm'],
  ['LCM_Dreamshaper_v7', 6, 1.5, 'lcm'], ['photon_lcm', 6, 1.5, 'lcm'], ['dreamshaperXL_lightningDPMSDE', 6, 2, 'dpmpp_sde'], ['dreamshaperXL_v21TurboDPMSDE', 7, 2, 'dpmpp_sde'],
])('%s: %i steps at %f', (name, steps, cfg, sampler) => {
  expect(settingsFor(name, null)).toMatchObject({ steps, cfg, sampler });
});

test.each(['v1-5-pruned-emaonly', 'dreamshaper_8', 'hyperrealism_v3', 'sd_xl_base_1.0', 'calcmaker', 'a 30 step dance', 'admd2x'])('%s: the usual ones', (name) => {
  expect(settingsFor(name, weightFile([['model.diffusion_model.input_blocks.0.0.weight', [320, 4, 3, 3]]]))).toEqual(usualSettings);
});

test.each(['model.diffusion_model.time_embed.cond_proj.weight', 'time_embedding.cond_proj.weight'])('a U-Net with %s reads a usual guidance scale in few steps', (key) => {
  expect(settingsFor('whatever', weightFile([[key, [320, 256]]]))).toMatchObject({ steps: 6, cfg: 8, sampler: 'lcm' });
});

test('SDXL Turbo paints at half of SDXL\'s size', () => {
  expect([isHalfSize('sd_xl_turbo_1.0'), isHalfSize('sdxl-turbo'), isHalfSize('sd_xl_base_1.0'), isHalfSize('dreamshaperXL_v21TurboDPMSDE')]).toEqual([true, true, false, false]);
});
