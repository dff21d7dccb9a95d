// A person who steers pictures by LoRAs and controls: chosen from the lists, by tags, and taken from other pictures.
import { copyFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { controlNetTensors } from '../../main/engine/families/network-tensors';
import { loraTargets, type LoraTarget } from '../../main/engine/weights/lora/targets';
import { addPngTexts } from '../../main/files/png-text';
import { openWeightFile } from '../../main/files/weight-file';
import { randomFamilyCheckpoint, tinyFamilies } from '../support/checkpoints';
import { demoJob } from '../support/demo';
import { noBrowser, openFlow, type Flow } from '../support/flow';
import { chooseModel, drop, lookThroughFolders, makeQuick, parametersOf, PATIENCE } from '../support/flow-steps';
import { randomValues, writeRandomNetwork, writeWeights } from '../support/weights';

/** Of rank 2, on one layer of the U-Net. */
async function loraFor(model: string, metadata: Record<string, string> = {}): Promise<string> {
  const [{ kohyaName, weight: { shape: [out = 0, input = 0] } }] = [...loraTargets(await openWeightFile(model)).values()].filter((target) => /attn2_to_k$/.test(target.kohyaName)) as [LoraTarget];
  const random = (dims: [number, number], seed: number) => ({ dims, values: randomValues(dims[0] * dims[1], seed) });
  return writeWeights({ [`${kohyaName}.lora_down.weight`]: random([2, input], 1), [`${kohyaName}.lora_up.weight`]: random([out, 2], 2), [`${kohyaName}.alpha`]: { dims: [], values: [2] } }, metadata);
}

describe.skipIf(noBrowser)(noBrowser ? `skipped: ${noBrowser}` : 'steering', () => {
  let flow: Flow, models: string;
  beforeAll(async () => {
    flow = await openFlow();
    models = join(flow.dataDir, 'models');
    await mkdir(models, { recursive: true });
    const whole = await randomFamilyCheckpoint(tinyFamilies.sd1), words = { 'ss_tag_frequency': JSON.stringify({ '10_wool': { 'felt (style)': 12, 'wool': 12, 'a house': 3 } }), 'ss_dataset_dirs': JSON.stringify({ '10_wool': { img_count: 12 } }) };
    await copyFile(whole, join(models, 'tiny.safetensors'));
    await copyFile(await loraFor(whole, { ...words, 'modelspec.architecture': 'stable-diffusion-v1/lora' }), join(models, 'felt.safetensors'));
    await copyFile(await loraFor(whole, { 'modelspec.architecture': 'stable-diffusion-v1/lora' }), join(models, 'ink.safetensors'));
    await copyFile(await loraFor(await randomFamilyCheckpoint(tinyFamilies.sdxl), { 'modelspec.architecture': 'stable-diffusion-xl-v1-base/lora' }), join(models, 'large.safetensors'));
    await copyFile(writeRandomNetwork(controlNetTensors(tinyFamilies.sd1.unet), 1), join(models, 'edges.safetensors'));
    await copyFile(writeRandomNetwork([...controlNetTensors({ ...tinyFamilies.sd1.unet, contextDim: 1024 }), ['task_embedding', [8, 32]]], 2), join(models, 'other-edges.safetensors'));
    await lookThroughFolders(flow, 'tiny');
    await chooseModel(flow, 'tiny');
    await makeQuick(flow);
  });
  afterAll(() => flow.close());
  afterEach(() => { expect(flow.complaints.splice(0)).toEqual([]); });

  const press = (name: string) => flow.page.getByRole('button', { name, exact: true }).click();
  const row = (name: string) => flow.page.getByRole('listitem', { name, exact: true });
  const jobText = (ask: () => Promise<void>) => parametersOf(flow, ask);
  const generate = () => flow.generate.click();
  async function setNumber(name: string, value: string): Promise<void> {
    await flow.page.getByRole('spinbutton', { name, exact: true }).fill(value);
    await flow.page.keyboard.press('Enter');
  }

  it('a LoRA is found by typing, added by the keyboard, and is in the picture with its strengths', async () => {
    const { page } = flow;
    await flow.prompt.fill('a red house');
    await page.getByRole('button', { name: 'Add a LoRA' }).press('Enter');
    expect(await page.getByRole('option', { name: /large/ }).getAttribute('aria-disabled'), 'one for another base stands there and cannot be taken').toBe('true');
    await page.keyboard.type('fel');
    expect(await page.getByRole('listbox', { name: 'Search by name' }).getByRole('option').count()).toBe(1);
    await page.keyboard.press('Enter');
    await row('felt').waitFor(PATIENCE);
    await press('Add “felt (style)” to the prompt');
    expect(await flow.prompt.inputValue()).toBe('a red house, felt \\(style\\)');
    await page.getByRole('slider', { name: 'Strength of felt' }).press('ArrowLeft');
    await press('More settings of felt');
    expect(await page.getByRole('spinbutton', { name: 'Strength of felt for the words' }).inputValue()).toBe('0.95');
    await setNumber('Strength of felt for the words', '0.4');
    await setNumber('felt: until which percent of the steps', '50');
    await page.reload();
    const text = await jobText(generate);
    expect(text).toMatch(/Lora hashes: "?felt: [0-9a-f]{12}/);
    expect(text).toContain('<lora:felt:0.4:0.95');
  });

  it('a tag in the prompt is shown, with what is wrong with it, and what it calls up cannot be added twice', async () => {
    const { page } = flow;
    await flow.prompt.fill('a red house <lora:ink:0.5> <lora:nowhere:1>');
    await page.getByText('ink · by its tag in the prompt').waitFor(PATIENCE);
    await page.getByText('The LoRA nowhere was left out: there is no file of this name.').waitFor(PATIENCE);
    await press('Add a LoRA');
    for (const [name, why] of [['ink', 'in the prompt already'], ['felt', 'chosen already']] as const) await page.getByRole('option', { name: new RegExp(`${name}.*${why}`) }).waitFor(PATIENCE);
    await page.keyboard.press('Escape');
    expect(await jobText(generate)).toMatch(/Lora hashes: "?(?=.*felt: )(?=.*ink: )/);
    await press('Leave felt out');
    const text = await jobText(generate);
    expect(text).toMatch(/Lora hashes: "?ink: /);
    expect(text).not.toMatch(/felt/);
  });

  it('what a picture was made with comes back into the fields, and a tag once', async () => {
    const { page } = flow, more = () => page.getByRole('button', { name: 'More like this' }).first().click();
    await flow.prompt.fill('a red house <lora:felt:0.5>');
    await jobText(generate);
    await press('Reuse settings');
    await page.getByText('felt · by its tag in the prompt').waitFor(PATIENCE);
    expect(await row('felt').count()).toBe(0);
    expect(await jobText(more)).toMatch(/Lora hashes: "?felt: [0-9a-f]{12}/);

    const named = { name: 'tiny', hash: null }, job = demoJob({ prompt: 'a blue house', width: 64, height: 64, steps: 2, files: { model: named, loras: [{ name: 'felt', hash: null }] }, loras: [{ unet: 0.25, text: 0.25 }] });
    await drop(page, 'ours.png', addPngTexts(await sharp({ create: { width: 64, height: 64, channels: 3, background: '#357' } }).png().toBuffer(), [{ keyword: 'atelier', text: JSON.stringify(job) }]));
    await page.getByRole('region', { name: 'What this picture says' }).getByRole('button', { name: 'Use its settings' }).click();
    expect(await page.getByRole('spinbutton', { name: 'Exact strength of felt' }).inputValue()).toBe('0.25');
    expect(await jobText(generate)).toMatch(/Lora hashes: "?felt: /);
    expect(await jobText(more)).toMatch(/Lora hashes: "?felt: /);
  });

  it('one whose file has gone says so and is left out, in Simple too', async () => {
    const { page } = flow;
    await rename(join(models, 'felt.safetensors'), join(flow.dataDir, 'felt.away'));
    await press('Add a LoRA');
    await press('Look through the model folders again');
    await page.keyboard.press('Escape');
    await page.getByRole('radio', { name: 'Simple', exact: true }).click();
    await row('felt').getByText('Its file is not there any more').waitFor(PATIENCE);
    expect(await jobText(generate)).not.toMatch(/Lora hashes/);
    await press('Leave felt out');
    expect(await page.getByRole('button', { name: 'Add a LoRA' }).count()).toBe(0);
  });

  it('a reference picture gives its look, and comes back with the picture that was made with it', async () => {
    const { page } = flow;
    await page.getByRole('radio', { name: 'Advanced', exact: true }).click();
    await flow.prompt.fill('a red house');
    await page.getByLabel('Reference picture file').setInputFiles({ name: 'look.png', mimeType: 'image/png', buffer: await sharp({ create: { width: 64, height: 64, channels: 3, background: '#a40' } }).png().toBuffer() });
    await page.getByRole('radiogroup', { name: 'What is taken over' }).getByRole('radio', { name: 'Both' }).click();
    await page.getByRole('slider', { name: 'How faithfully' }).press('ArrowRight');
    expect(await jobText(generate)).toMatch(/ControlNet \d: "Module: reference_adain\+attn, Model: None[^"]*Threshold A: 0\.55/);
    await press('Take the reference picture away');
    await press('Reuse settings');
    await page.getByRole('radio', { name: 'Both', checked: true }).waitFor(PATIENCE);
    await press('Take the reference picture away');
  });

  it('a control reads a picture that is picked or dropped, and is in the picture with its settings', async () => {
    const { page } = flow, lines = await sharp({ create: { width: 64, height: 32, channels: 3, background: '#fff' } }).png().toBuffer();
    await page.getByRole('radio', { name: 'Advanced', exact: true }).click();
    await flow.prompt.fill('a red house');
    await page.getByRole('button', { name: 'Add a control' }).press('Enter');
    expect(await page.getByRole('option', { name: /other-edges.*not for SD 1/ }).getAttribute('aria-disabled')).toBe('true');
    await page.getByRole('option', { name: /^edges/ }).click();
    await generate();
    await page.getByRole('alert').getByText('edges has no picture to read').first().waitFor(PATIENCE);
    await page.getByLabel('Picture file for edges').setInputFiles({ name: 'lines.png', mimeType: 'image/png', buffer: lines });
    await row('edges').getByText('64 × 32').waitFor(PATIENCE);
    await setNumber('Exact weight of edges', '0.7');
    await page.getByRole('combobox', { name: 'What edges reads of the picture' }).selectOption('canny');
    await setNumber('Edges weaker than this are none, for edges', '40');
    await expect.poll(() => page.getByRole('img', { name: 'What edges reads, made of its picture' }).evaluate((image: HTMLImageElement) => [image.naturalWidth, image.naturalHeight]), PATIENCE).toEqual([64, 64]);
    await press('More settings of edges');
    await page.getByRole('radiogroup', { name: 'In another shape, edges reads' }).getByRole('radio', { name: 'All of it' }).click();
    await setNumber('edges: until which percent of the steps', '80');
    await page.getByRole('radiogroup', { name: 'What counts more with edges' }).getByRole('radio', { name: 'Prompt' }).click();
    await page.reload();
    expect(await jobText(generate)).toMatch(/ControlNet 0: "Module: canny, Model: edges[^"]*Weight: 0\.7, Resize Mode: Resize and Fill[^"]*Threshold A: 40[^"]*Guidance End: 0\.8[^"]*Control Mode: My prompt is more important/);
    await press('Leave edges out');
    expect(await jobText(generate)).not.toMatch(/ControlNet/);
    await page.getByRole('listbox', { name: 'Recent pictures' }).getByRole('option').nth(1).click();
    await press('Reuse settings');
    expect(await page.getByRole('spinbutton', { name: 'Exact weight of edges' }).inputValue()).toBe('0.70');
    expect(await page.getByRole('spinbutton', { name: 'Edges weaker than this are none, for edges' }).inputValue()).toBe('40');
    // Dropped onto the row it is the one to read, and not the one to start from.
    await press('Take the picture of edges away');
    await drop(page, 'taller.png', await sharp({ create: { width: 32, height: 64, channels: 3, background: '#000' } }).png().toBuffer(), 'li[aria-label="edges"] div:has(> div > button)');
    await row('edges').getByText('32 × 64').waitFor(PATIENCE);
    expect(await page.getByRole('slider', { name: 'How much may change' }).count()).toBe(0);
    expect(await jobText(generate)).toMatch(/ControlNet 0: "[^"]*Model: edges/);
    // The masked part alone is steered too.
    await page.getByLabel('Picture file', { exact: true }).setInputFiles({ name: 'start.png', mimeType: 'image/png', buffer: lines });
    await page.getByLabel('Mask file', { exact: true }).setInputFiles({ name: 'mask.png', mimeType: 'image/png', buffer: lines });
    await page.getByRole('radio', { name: 'The masked part' }).click();
    expect(await jobText(generate)).toMatch(/ControlNet 0: /);
  });
});
