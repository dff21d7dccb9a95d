// A person with files of their own: a U-Net that needs its parts, a fast decoder, looks, and pictures from other programs.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { addPngTexts } from '../../main/files/png-text';
import { below, partOf, randomFamilyCheckpoint, tinyFamilies, withInputs } from '../support/checkpoints';
import { noBrowser, openFlow, type Flow } from '../support/flow';
import { chooseModel, drop, lookThroughFolders, makeQuick, parametersOf, PATIENCE } from '../support/flow-steps';

const taesd = join(import.meta.dirname, '../golden/cases/taesd_tiny/taesd_decoder.safetensors');

describe.skipIf(noBrowser)(noBrowser ? `skipped: ${noBrowser}` : 'parts', () => {
  let flow: Flow;
  beforeAll(async () => {
    flow = await openFlow();
    const models = join(flow.dataDir, 'models'), whole = await randomFamilyCheckpoint(tinyFamilies.sd1);
    await mkdir(models, { recursive: true });
    await copyFile(whole, join(models, 'tiny.safetensors'));
    await copyFile(await randomFamilyCheckpoint(withInputs(tinyFamilies.sd2, 5)), join(models, 'tiny-depth.safetensors'));
    await copyFile(await randomFamilyCheckpoint(withInputs(tinyFamilies.sd1, 8)), join(models, 'tiny-edit.safetensors'));
    await copyFile(await partOf(whole, 'unet.safetensors', below('model.diffusion_model.')), join(models, 'tiny-unet.safetensors'));
    await copyFile(await partOf(whole, 'vae.safetensors', below('first_stage_model.')), join(models, 'kl-tiny.safetensors'));
    await copyFile(await partOf(whole, 'clip.safetensors', below('cond_stage_model.transformer.')), join(models, 'clip_tiny.safetensors'));
    await copyFile(taesd, join(models, 'taesd_decoder.safetensors'));
    await writeFile(join(flow.dataDir, 'styles.csv'), 'name,prompt,negative_prompt\nWatercolour,"{prompt}, loose watercolour",photo\n');
    await lookThroughFolders(flow, 'tiny');
  });
  afterAll(() => flow.close());
  afterEach(() => { expect(flow.complaints.splice(0)).toEqual([]); });

  const vae = () => flow.page.getByRole('combobox', { name: 'VAE' });
  const radio = (name: string) => flow.page.getByRole('radio', { name, exact: true });
  const choose = (model: string) => chooseModel(flow, model), setQuick = () => makeQuick(flow), expectAnother = (ask: () => Promise<void>) => parametersOf(flow, ask);

  it('a U-Net alone says what it needs, in the list and instead of a picture; with its parts chosen it makes one', async () => {
    const { page } = flow;
    await page.getByRole('button', { name: 'Choose a model' }).click();
    await page.getByText('Needs a text encoder and a VAE').waitFor(PATIENCE);
    await radio('tiny-unet').click();
    await flow.prompt.fill('a red house');
    await flow.generate.click();
    await page.getByRole('alert').getByText('tiny-unet cannot make pictures without a text encoder and a VAE').first().waitFor(PATIENCE);
    // Also in Simple, which this is.
    await vae().selectOption('kl-tiny');
    await page.getByRole('combobox', { name: 'Text encoder' }).selectOption('clip_tiny');
    await setQuick();
    await page.getByText(/^about /).first().waitFor(PATIENCE);
    const text = await expectAnother(() => page.getByRole('button', { name: 'Try again' }).click());
    expect(text).toMatch(/VAE: kl-tiny\.safetensors/);
  });

  it('the choice is kept for the model, over a reload and another model between', async () => {
    await choose('tiny');
    expect(await vae().locator('option:checked').textContent()).toBe('The model’s own');
    await choose('tiny-unet');
    await flow.page.reload();
    expect(await vae().locator('option:checked').textContent()).toBe('kl-tiny');
  });

  it('a TAESD decodes in place of a VAE, and its picture brings it back', async () => {
    const { page } = flow;
    await choose('tiny');
    await setQuick();
    await vae().selectOption({ label: 'taesd_decoder · fast, less detail' });
    await page.getByText(/^about /).first().waitFor(PATIENCE);
    expect(await expectAnother(() => flow.generate.click())).toMatch(/VAE: taesd_decoder\.safetensors/);
    await page.getByRole('button', { name: 'Reuse settings' }).click();
    await page.getByText(/as they were for this picture/).waitFor(PATIENCE);
    expect(await page.getByText('Also from that picture').count(), 'what goes with the model anyway overrides nothing').toBe(0);
    await vae().selectOption('The model’s own');
    await page.getByRole('button', { name: 'Reuse settings' }).click();
    await page.getByText('VAE taesd_decoder').waitFor(PATIENCE);
    expect(await vae().locator('option:checked').textContent()).toMatch(/taesd_decoder/);
    expect(await expectAnother(() => flow.generate.click())).toMatch(/VAE: taesd_decoder\.safetensors/);
    await page.getByRole('button', { name: 'Leave these out' }).click();
    expect(await expectAnother(() => flow.generate.click())).not.toMatch(/VAE: /);
  });

  it('a look puts its words to the prompt', async () => {
    const { page } = flow;
    await page.getByRole('button', { name: 'Look: none' }).click();
    await page.getByRole('checkbox', { name: /Watercolour/ }).check();
    await page.keyboard.press('Escape');
    const text = await expectAnother(() => flow.generate.click());
    expect(text).toMatch(/^a red house, loose watercolour\nNegative prompt: photo/);
    expect(await flow.prompt.inputValue()).toBe('a red house');
    await page.getByRole('button', { name: 'Look: Watercolour' }).click();
    await page.getByRole('checkbox', { name: /Watercolour/ }).uncheck();
    await page.keyboard.press('Escape');
  });

  it('a depth model asks for its map, and draws to it', async () => {
    const { page } = flow;
    await choose('tiny-depth');
    await setQuick();
    await flow.generate.click();
    await page.getByRole('alert').getByText('tiny-depth cannot make pictures without a depth map').first().waitFor(PATIENCE);
    const map = await sharp({ create: { width: 40, height: 20, channels: 3, background: '#888' } }).png().toBuffer();
    await page.getByLabel('Depth map file').setInputFiles({ name: 'map.png', mimeType: 'image/png', buffer: map });
    await page.getByText('40 × 20').waitFor(PATIENCE);
    await expectAnother(() => page.getByRole('button', { name: 'Try again' }).click());
    await page.getByRole('button', { name: 'Take the depth map away' }).click();
    await page.getByRole('button', { name: 'Reuse settings' }).click();
    // The map comes back as the studio keeps it, in its own size.
    await expect.poll(() => page.getByRole('img', { name: 'Depth map' }).evaluate((image: HTMLImageElement) => image.naturalWidth), PATIENCE).toBe(40);
    await page.getByText('40 × 20').waitFor(PATIENCE);
  });

  it('a model that edits by instruction asks for the picture and weighs it, in Simple too', async () => {
    const { page } = flow;
    await choose('tiny-edit');
    await setQuick();
    await radio('Simple').click();
    const start = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#573' } }).png().toBuffer();
    await page.getByLabel('Picture file', { exact: true }).setInputFiles({ name: 'start.png', mimeType: 'image/png', buffer: start });
    expect(await page.getByRole('slider', { name: 'How much may change' }).getAttribute('aria-valuetext')).toBe('100 %');
    await page.getByRole('slider', { name: 'Picture guidance' }).press('End');
    expect(await expectAnother(() => flow.generate.click())).toMatch(/Image CFG scale: 3\b/);
    await page.getByRole('slider', { name: 'Picture guidance' }).press('Home');
    await page.getByRole('button', { name: 'Reuse settings' }).click();
    await expect.poll(() => page.getByRole('slider', { name: 'Picture guidance' }).getAttribute('aria-valuetext'), PATIENCE).toBe('3.0');
    await page.getByRole('button', { name: 'Do not start from a picture' }).first().click();
    await radio('Advanced').click();
  });

  it('a picture of another program fills the form, finds the model that is here and names what is not', async () => {
    const { page } = flow;
    const said = 'a lighthouse, (dusk:1.2), <lora:no_such_lora:0.7>\nNegative prompt: fog\nSteps: 9, Sampler: Euler a, CFG scale: 6.5, Seed: 12345, Size: 64x128, Model: tiny, VAE: no-such-vae.pt, Clip skip: 2';
    const bytes = addPngTexts(await sharp({ create: { width: 64, height: 128, channels: 3, background: '#357' } }).png().toBuffer(), [{ keyword: 'parameters', text: said }]);
    await drop(page, 'from-elsewhere.png', bytes);
    const card = page.getByRole('region', { name: 'What this picture says' });
    await card.getByText('Made with AUTOMATIC1111').waitFor(PATIENCE);
    await card.getByText(/Not among your files: .*no-such-vae/).waitFor(PATIENCE);
    await card.getByRole('button', { name: 'Use its settings' }).click();
    expect(await flow.prompt.inputValue()).toContain('a lighthouse, (dusk:1.2)');
    expect(await page.getByRole('textbox', { name: 'Without' }).inputValue()).toBe('fog');
    const number = (name: string) => page.getByRole('spinbutton', { name, exact: true }).inputValue();
    expect([await number('Steps'), await number('Seed'), await number('Width'), await number('Height'), await number('Clip skip'), await number('Guidance (CFG)')]).toEqual(['9', '12345', '64', '128', '2', '6.5']);
    expect(await page.getByRole('combobox', { name: 'Sampler' }).inputValue()).toBe('euler_a');
    expect(await page.getByRole('combobox', { name: 'Seeds as in' }).inputValue()).toBe('nv');
    await page.getByRole('button', { name: 'Model: tiny', exact: true }).waitFor(PATIENCE);
  });

  it('a dropped picture that says nothing is started from, and a dropped model is told how to be added', async () => {
    const { page } = flow;
    await drop(page, 'plain.png', await sharp({ create: { width: 64, height: 64, channels: 3, background: '#753' } }).png().toBuffer());
    await page.getByRole('slider', { name: 'How much may change' }).waitFor(PATIENCE);
    await page.getByText('plain.png does not say how it was made. It is the picture to start from now.').waitFor(PATIENCE);
    await drop(page, 'some.safetensors', Buffer.from('anything'));
    await page.getByText(/some\.safetensors is a model/).waitFor(PATIENCE);
  });

  it('tells what a file is, as inspect does', async () => {
    const { page } = flow;
    await page.getByRole('button', { name: 'Choose a model' }).click();
    await page.getByRole('button', { name: 'What is tiny-unet?' }).click();
    await page.getByText('U-Net alone').waitFor(PATIENCE);
    await page.getByText(/^[0-9a-f]{64}$/).waitFor(PATIENCE);
    await page.getByRole('button', { name: 'Back to the models' }).click();
    await radio('tiny-unet').waitFor(PATIENCE);
    await page.keyboard.press('Escape');
  });
});
