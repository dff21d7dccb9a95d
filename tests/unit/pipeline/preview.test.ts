// Previews by colour: the families' linear maps, on models that have the families' own autoencoder.
import { expect, test } from 'vitest';
import type { Model } from '../../../main/engine/pipeline/model';
import { previewer } from '../../../main/engine/pipeline/preview';
import { float32 } from '../../../main/engine/tensor';

const modelOf = (lineage: 'sd1' | 'sdxl'): Model => ({ hasFamilyAutoencoder: () => true, traits: { lineage } }) as unknown as Model;
const latents = float32([1, 4, 1, 2], Float32Array.of(0, 1, 0, 0, 0, 0, 0, 0));   // nothing, and the first channel alone

test.each([['sd1', [0, 0.3512, 0, 0.2297, 0, 0.3227]], ['sdxl', [0.1084, 0.4735, -0.0175, 0.4057, -0.0011, 0.433]]] as const)('%s', async (lineage, expected) => {
  const image = await previewer(modelOf(lineage), () => 0)(latents);
  expect(image!.dims).toEqual([1, 3, 1, 2]);
  image!.data.forEach((value, i) => { expect(value).toBeCloseTo(expected[i]!, 4); });
});
