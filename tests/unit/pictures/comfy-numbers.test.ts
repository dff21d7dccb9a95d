// Numbers and sizes that nodes make: what they are is worked out where the node is known.
import { describe, expect, it } from 'vitest';
import { evaluateExpression } from '../../../main/services/pictures/read/comfy/expression';
import { expectGraph, node, plainJob, sampler, sampling, type Nodes } from './make-graphs';
import type { PictureJob } from '../../../preload/contract/picture-report';

const sized = (width: number, height: number): Partial<PictureJob> => ({ ...plainJob, width, height });
const latent = (nodes: Nodes, width: unknown = ['n', 0], height: unknown = 512): Nodes => ({ ...nodes, 15: node('EmptyLatentImage', { width, height, batch_size: 1 }) });
const second = (nodes: Nodes, image: unknown = ['72', 0]): Nodes => ({ ...nodes, 73: node('VAEEncode', { pixels: image, vae: ['10', 2] }), 74: node('KSampler', { ...sampling, steps: 9, cfg: 5, denoise: 0.35, model: ['10', 0], positive: ['12', 0], negative: ['13', 0], latent_image: ['73', 0] }), 75: node('VAEDecode', { samples: ['74', 0], vae: ['10', 2] }), 31: node('SaveImage', { images: ['75', 0] }) });
const sharp: Nodes = { 70: node('UpscaleModelLoader', { model_name: '4x-sharp.pth' }), 71: node('ImageUpscaleWithModel', { upscale_model: ['70', 0], image: ['30', 0] }) };
const pass = { steps: 9, cfg: 5, sampler: 'dpmpp_2m', schedule: 'karras', strength: 0.35 } as const;

describe('a size', () => {
  it.each<[string, Nodes, number, number]>([
    ["in rgthree's words", { 15: node('SDXL Empty Latent Image (rgthree)', { dimensions: ' 832 x 1216  (portrait)', clip_scale: 2, batch_size: 1 }) }, 832, 1216],
    ["in KJNodes' words", { 15: node('EmptyLatentImagePresets', { dimensions: '1344 x 768 (1.75:1)', invert: false, batch_size: 1 }) }, 1344, 768],
    ["in KJNodes' words, turned", { 15: node('EmptyLatentImagePresets', { dimensions: '1344 x 768 (1.75:1)', invert: true, batch_size: 1 }) }, 768, 1344],
    ["in essentials' words", { 15: node('SDXLEmptyLatentSizePicker+', { resolution: '896x1152 (0.78)', batch_size: 1, width_override: 0, height_override: 0 }) }, 896, 1152],
    ['over those words', { 15: node('SDXLEmptyLatentSizePicker+', { resolution: '896x1152 (0.78)', batch_size: 1, width_override: 640, height_override: 0 }) }, 640, 1152],
    ["in Comfyroll's words, turned", { n: node('CR SDXL Aspect Ratio', { width: 1, height: 1, aspect_ratio: '3:4 portrait 896x1152', swap_dimensions: 'On', upscale_factor: 1, batch_size: 1 }), ...sampler({ latent_image: ['n', 4] }) }, 1152, 896],
    ["in Comfyroll's words, times a number", latent({ n: node('CR Aspect Ratio', { width: 1, height: 1, aspect_ratio: 'SD1.5 - 2:3 portrait 512x768', swap_dimensions: 'Off', upscale_factor: 2, prescale_factor: 1.5, batch_size: 1 }) }, ['n', 0], ['n', 1]), 768, 1152],
    ["of Comfyroll's own", latent({ n: node('CR SD1.5 Aspect Ratio', { width: 456, height: 624, aspect_ratio: 'custom', swap_dimensions: 'Off', upscale_factor: 1, batch_size: 1 }) }, ['n', 0], ['n', 1]), 456, 624],
    ["of Easy-Use's list, scaled and turned", latent({ n: node('easy pixels', { resolution: '512 x 768', width: 1, height: 1, scale: 1.5, 'flip_w/h': true }) }, ['n', 0], ['n', 1]), 1152, 768],
    ["of ComfyMath's list", latent({ n: node('CM_SDXLResolution', { resolution: '1216x832' }) }, ['n', 0], ['n', 1]), 1216, 832],
    ['by its ratio', latent({ n: node('SDXLAspectRatioSelector', { aspect_ratio: '9:16' }) }, ['n', 1], ['n', 2]), 768, 1344],
    ["of another latent's", latent({ l: node('EmptyLatentImage', { width: 704, height: 960, batch_size: 1 }), n: node('Image or Latent Size (rgthree)', { input: ['l', 0] }) }, ['n', 0], ['n', 1]), 704, 960],
  ])('%s', (_, nodes, width, height) => expectGraph(nodes, sized(width, height)));
});

describe('a width', () => {
  it.each<[string, Nodes, number]>([
    ['that is multiplied', { a: node('PrimitiveInt', { value: 512 }), b: node('PrimitiveFloat', { value: 1.25 }), n: node('CR Integer Multiple', { integer: ['a', 0], multiple: ['b', 0] }) }, 640],
    ['that is rounded down', { n: node('CR Integer Multiple', { integer: 333, multiple: 1.5 }) }, 499],
    ['of an expression (pysssss)', { a: node('INTConstant', { value: 512 }), n: node('MathExpression|pysssss', { expression: 'a * 3 // 2 + max(b, 2) * 8', a: ['a', 0], b: 1 }) }, 784],
    ["of an expression with a picture's side", { l: node('EmptyLatentImage', { width: 600, height: 512, batch_size: 1 }), n: node('MathExpression|pysssss', { expression: 'a.width + 40', a: ['l', 0] }) }, 640],
    ['of an expression (essentials)', { a: node('SimpleMathInt+', { value: 500 }), n: node('SimpleMath+', { value: 'round(a / 64) * 64', a: ['a', 0] }) }, 512],
    ['of an expression (Efficiency)', { n: node('Evaluate Integers', { python_expression: '((a + b) - c) * 2', print_to_console: 'False', a: 300, b: 50, c: 30 }) }, 640],
    ['of an expression (Easy-Use)', { n: node('easy simpleMath', { value: 'ceil(a / 64) * 64', a: 601 }) }, 640],
    ['of an expression (KJNodes)', { n: node('SimpleCalculatorKJ', { expression: 'min(a, b) * 2', a: 320, b: 400 }) }, 0],
    ['of a sum (Easy-Use)', { n: node('easy mathInt', { a: 1281, b: 2, operation: 'divide' }) }, 640],
    ['of a sum (WAS)', { a: node('Constant Number', { number_type: 'integer', number: 320, number_as_text: '' }), b: node('Constant Number', { number_type: 'float', number: 2, number_as_text: '' }), m: node('Number Operation', { number_a: ['a', 0], number_b: ['b', 0], operation: 'multiplication' }), n: node('Number to Int', { number: ['m', 0] }) }, 640],
    ['of a sum (ComfyMath)', { n: node('CM_IntBinaryOperation', { op: 'Add', a: 600, b: 40 }) }, 640],
    ['that is the smaller one', { n: node('ImpactMinMax', { mode: false, a: 640, b: 900 }) }, 640],
    ['through a float', { a: node('ttN float', { float: 640.7 }), n: node('CR Float To Integer', { _float: ['a', 0] }) }, 640],
    ['in words', { a: node('Text String', { text: '640', text_b: '', text_c: '', text_d: '' }), n: node('StringToInt', { string: ['a', 0] }) }, 640],
  ])('%s', (_, nodes, width) => expectGraph(latent(nodes, ['n', nodes['n']!.class_type === 'SimpleCalculatorKJ' ? 1 : 0]), sized(width || 640, 512)));
});

describe('a second pass', () => {
  it.each<[string, Nodes, PictureJob['hires']]>([
    ["to a size that rgthree's node makes", second({ ...sharp, 15: node('SDXL Empty Latent Image (rgthree)', { dimensions: '1216 x 832   (landscape)', clip_scale: 1.5, batch_size: 1 }), 72: node('ImageScale', { upscale_method: 'area', width: ['15', 1], height: ['15', 2], crop: 'disabled', image: ['71', 0] }) }), { ...pass, width: 1824, height: 1248, upscaler: '4x-sharp.pth' }],
    ['to a multiple', second({ ...sharp, m: node('CR Integer Multiple', { integer: 640, multiple: 1.5 }), 72: node('ImageScale', { upscale_method: 'area', width: ['m', 0], height: ['m', 0], crop: 'disabled', image: ['71', 0] }) }), { ...pass, width: 960, height: 960, upscaler: '4x-sharp.pth' }],
    ['as high as it becomes', second({ 72: node('ImageScale', { upscale_method: 'bicubic', width: 1280, height: 0, crop: 'disabled', image: ['30', 0] }) }), { ...pass, width: 1280, height: 1024, upscaler: 'bicubic' }],
    ['by a number that another node has', second({ f: node('FloatConstant', { value: 1.75 }), 72: node('ImageScaleBy', { upscale_method: 'lanczos', scale_by: ['f', 0], image: ['30', 0] }) }), { ...pass, scale: 1.75, upscaler: 'lanczos' }],
    ["to the size of the picture's double", second({ g: node('GetImageSize', { image: ['30', 0] }), w: node('easy mathInt', { a: ['g', 0], b: 2, operation: 'multiply' }), h: node('easy mathInt', { a: ['g', 1], b: 2, operation: 'multiply' }), 72: node('ImageScale', { upscale_method: 'area', width: ['w', 0], height: ['h', 0], crop: 'disabled', image: ['30', 0] }) }), { ...pass, width: 1280, height: 1024, upscaler: 'area' }],
    ['in tiles', { ...sharp, 72: node('UltimateSDUpscale', { ...sampling, steps: 9, cfg: 5, denoise: 0.35, image: ['30', 0], model: ['10', 0], positive: ['12', 0], negative: ['13', 0], vae: ['10', 2], upscale_model: ['70', 0], upscale_by: 2 }), 31: node('SaveImage', { images: ['72', 0] }) }, { ...pass, scale: 2, upscaler: '4x-sharp.pth' }],
    ['of latents, with the model of another file', { 72: node('LatentUpscaleBy', { upscale_method: 'bislerp', scale_by: 1.5, samples: ['20', 0] }), o: node('CheckpointLoaderSimple', { ckpt_name: 'birch_v2.safetensors' }), 74: node('KSampler', { ...sampling, steps: 9, cfg: 5, denoise: 0.35, model: ['o', 0], positive: ['12', 0], negative: ['13', 0], latent_image: ['72', 0] }), 30: node('VAEDecode', { samples: ['74', 0], vae: ['10', 2] }) }, { ...pass, scale: 1.5, upscaler: 'bislerp', model: { name: 'birch_v2', hash: null } }],
  ])('%s', (_, nodes, hires) => expectGraph(nodes, { hires: hires! }));
});

it.each<[string, number | undefined]>([
  ['1 + 2 * 3', 7], ['(1 + 2) * 3', 9], ['-2 ** 2', -4], ['2 ** 3 ** 2', 512], ['7 // 2', 3], ['-7 // 2', -4], ['-7 % 3', 2], ['round(2.5)', 2], ['round(3.5)', 4], ['round(2.345, 2)', 2.35], ['a if b else c', undefined], ['min(3, 1, 2)', 1], ['iif(a > 1, 10, 20)', 10], ['a >= 2 and b < 1', 0], ['not a', 0],
  ['1 / 0', undefined], ['x + 1', undefined], ['__import__("os")', undefined], ['a.b.c', undefined], ['1 +', undefined], ['((1)', undefined], ['', undefined], ['1e3 + .5', 1000.5], [`${'('.repeat(500)}1${')'.repeat(500)}`, undefined],
])('the sum %j is %j', (source, value) => expect(evaluateExpression(source, (name) => ({ a: 2, b: 3 })[name])).toBe(value));
