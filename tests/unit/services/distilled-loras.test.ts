// LoRAs that make a model need few steps, told by the names that their authors gave them.
import { describe, expect, test } from 'vitest';
import { loraSettings } from '../../../main/services/models/usual-settings';

describe('is known, with what it wants', () => {
  test.each<[name: string, steps: number, sampler: string, schedule: string, cfg: number]>([
    ['lcm-lora-sdv1-5', 6, 'lcm', 'sgm_uniform', 1.5], ['LCM_LoRA_SDXL', 6, 'lcm', 'sgm_uniform', 1.5], ['lcm_sdxl_lora_1.0', 6, 'lcm', 'sgm_uniform', 1.5], ['lora-lcm', 6, 'lcm', 'sgm_uniform', 1.5],
    ['sdxl_lightning_4step_lora', 4, 'euler', 'sgm_uniform', 1], ['SDXL-Lightning-8steps', 8, 'euler', 'sgm_uniform', 1], ['sdxl_lightning_2step_lora', 2, 'euler', 'sgm_uniform', 1],
    ['Hyper-SD15-8steps-lora', 8, 'ddim', 'sgm_uniform', 1], ['Hyper-SDXL-4steps-lora', 4, 'ddim', 'sgm_uniform', 1], ['Hyper-SDXL-12steps-CFG-lora', 12, 'ddim', 'sgm_uniform', 5],
    ['dmd2_sdxl_4step_lora_fp16', 4, 'lcm', 'sgm_uniform', 1], ['tcd-sdxl-lora', 4, 'tcd', 'sgm_uniform', 1], ['sd_xl_turbo_lora_v1', 4, 'euler_a', 'sgm_uniform', 1],
  ])('%s', (name, steps, sampler, schedule, cfg) => { expect(loraSettings([name])).toEqual({ steps, sampler, schedule, cfg }); });

  test('by its trainer\'s name for it, too', () => { expect(loraSettings(['renamed', undefined, 'Hyper-SD15-4steps-lora'])).toMatchObject({ steps: 4 }); });
});

test.each(['lightning-storm-style', 'hyperrealism', 'hyper_detail_xl', 'turbo-car', 'add_detail', 'admd', 'falcm', 'pixel-art-xl', 'lcmmm', 'sd15-4steps', 'turbo'])('%s is none', (name) => { expect(loraSettings([name])).toBeUndefined(); });
