// Text encoders chosen for a U-Net, told from the headers of the real files: those that belong to it make it whole, any others are refused with the reason.
import { expect, test } from 'vitest';
import { combineParts, whyNotWhole } from '../../../main/engine/families/parts';
import type { WeightFile } from '../../../main/engine/weights/source';
import { below, referenceTensors, weightFile } from '../../support/checkpoints';
import { wordsFor } from '../../support/words';

/** A part of a real checkpoint in a file of its own. */
function part(checkpoint: string, prefix: string, name: string, as = ''): WeightFile {
  const rename = below(prefix, as);
  return weightFile(referenceTensors(checkpoint).flatMap(([key, dims, dtype]) => { const own = rename(key); return own === undefined ? [] : [[own, dims, dtype] as const]; }), {}, `/models/${name}.safetensors`);
}
const unet = 'model.diffusion_model.', vae = part('sd15-checkpoint', 'first_stage_model.', 'vae');
const unets = {
  sd1: part('sd15-checkpoint', unet, 'sd1', unet), sd2: part('sd21-v-checkpoint', unet, 'sd2', unet), sdxl: part('sdxl-base-checkpoint', unet, 'sdxl', unet), refiner: part('sdxl-refiner-checkpoint', unet, 'refiner', unet),
};
const texts = { l: part('sd15-checkpoint', 'cond_stage_model.transformer.', 'clip-l'), h: part('sd21-v-checkpoint', 'cond_stage_model.model.', 'open-h'), g: part('sdxl-base-checkpoint', 'conditioner.embedders.1.model.', 'open-g') };

type Names = readonly (keyof typeof texts)[];
function refusalOf(model: keyof typeof unets, names: Names): unknown {
  try {
    return whyNotWhole(combineParts(unets[model], { vae, textEncoders: names.map((name) => texts[name]) }));
  } catch (error) {
    return error;
  }
}

test.each<[keyof typeof unets, Names]>([['sd1', ['l']], ['sd2', ['h']], ['sdxl', ['l', 'g']], ['sdxl', ['g', 'l']], ['refiner', ['g']]])('%s with %j is whole', (model, names) => {
  expect(refusalOf(model, names)).toBeNull();
});

test.each<[keyof typeof unets, Names, string, RegExp]>([
  ['sd1', ['h'], 'model.wrongPart', /open-h\.safetensors is an OpenCLIP text encoder, which Stable Diffusion 1 does not read/],
  ['sd2', ['l'], 'model.incomplete', /U-Net reads text of 1024 channels, and its text encoder gives 768$/],
  ['sd2', ['g'], 'model.incomplete', /1024 channels, and its text encoder gives 1280$/],
  ['refiner', ['h'], 'model.incomplete', /1280 channels, and its text encoder gives 1024$/],
  ['sd2', ['h', 'l'], 'model.partsClash', /open-h\.safetensors and clip-l\.safetensors are for the same place/],
  ['sdxl', ['g', 'g'], 'model.partsClash', /for the same place/],
  ['sdxl', ['l', 'h'], 'model.incomplete', /2048 channels, and its text encoder gives 1792$/],
  ['sdxl', ['l'], 'model.lacks', /sdxl\.safetensors has no text encoder inside/],
])('%s with %j is refused', (model, names, code, message) => {
  expect(wordsFor(refusalOf(model, names))).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.stringMatching(/\.$/) });
});
