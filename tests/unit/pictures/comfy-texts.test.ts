// The words that a graph was made of: joined, replaced and chosen by nodes, through all that works on a conditioning; and what is said where they are not known.
import { describe, expect, it } from 'vitest';
import { expectGraph, node, plain, plainJob, readGraph, sampler, sampling, type Nodes } from './make-graphs';
import type { PictureJob } from '../../../preload/contract/picture-report';

const asPrompt = (nodes: Nodes, slot = 0): Nodes => ({ ...nodes, 12: node('CLIPTextEncode', { text: ['t', slot], clip: ['10', 1] }) });
const words: Nodes = { a: node('CR Text', { text: 'a red fox' }), b: node('ttN text', { text: 'in snow' }), c: node('Text Multiline', { text: 'at dusk' }) };

describe('a text', () => {
  it.each<[string, Nodes, string]>([
    ['joined (ComfyUI)', { t: node('StringConcatenate', { string_a: ['a', 0], string_b: ['b', 0], delimiter: ', ' }) }, 'a red fox, in snow'],
    ['joined (Comfyroll)', { t: node('CR Text Concatenate', { text1: ['a', 0], text2: ['b', 0], separator: ' ' }) }, 'a red fox in snow'],
    ['joined of parts (Comfyroll)', { t: node('CR Combine Prompt', { part1: 'a', part2: ['b', 0], part3: 'c', part4: 'd', separator: '; ' }) }, 'a; in snow; c; d'],
    ['joined, without what is empty (WAS)', { t: node('Text Concatenate', { delimiter: ', ', clean_whitespace: 'true', text_a: ['a', 0], text_c: ' ', text_d: ['c', 0] }) }, 'a red fox, at dusk'],
    ['joined by a line break (WAS)', { t: node('Text Concatenate', { delimiter: '\\n', clean_whitespace: 'true', text_a: ['a', 0], text_b: ['b', 0] }) }, 'a red fox\nin snow'],
    ['joined (KJNodes)', { t: node('JoinStrings', { delimiter: ' + ', string1: ['a', 0], string2: ['b', 0] }) }, 'a red fox + in snow'],
    ['joined of as many as are counted (KJNodes)', { t: node('JoinStringMulti', { inputcount: 2, delimiter: ' ', return_list: false, string_1: ['a', 0], string_2: ['b', 0], string_3: ['c', 0] }) }, 'a red fox in snow'],
    ['joined (Easy-Use)', { t: node('easy promptConcat', { prompt1: ['a', 0], prompt2: ['b', 0], separator: ' | ' }) }, 'a red fox | in snow'],
    ['joined (tinyterra)', { t: node('ttN concat', { text1: ['a', 0], text2: ['b', 0], text3: ['c', 0], delimiter: ', ' }) }, 'a red fox, in snow, at dusk'],
    ['joined of seven (tinyterra)', { t: node('ttN text7BOX_concat', { text1: ['a', 0], text2: '', text3: '', text4: '', text5: '', text6: '', text7: ['c', 0], delimiter: ', ' }), u: node('Reroute', { '': ['t', 7] }), 12: node('CLIPTextEncode', { text: ['t', 7], clip: ['10', 1] }) }, 'a red fox, at dusk'],
    ['joined and tidied (pysssss)', { t: node('StringFunction|pysssss', { action: 'append', tidy_tags: 'yes', text_a: ['a', 0], text_b: 'x ,,  y', text_c: '' }) }, 'a red fox, x, y'],
    ['replaced (pysssss)', { t: node('StringFunction|pysssss', { action: 'replace', tidy_tags: 'no', text_a: ['a', 0], text_b: 'red', text_c: 'grey' }) }, 'a grey fox'],
    ['replaced (ComfyUI)', { t: node('StringReplace', { string: ['a', 0], find: 'fox', replace: '$& hen' }) }, 'a red $& hen'],
    ['replaced (Comfyroll)', { t: node('CR Text Replace', { text: ['a', 0], find1: 'red', replace1: 'blue', find2: 'fox', replace2: 'jay', find3: '', replace3: '' }) }, 'a blue jay'],
    ['changed (Comfyroll)', { t: node('CR Text Operation', { text: ['a', 0], operation: 'uppercase' }) }, 'A RED FOX'],
    ['shown, with what was shown before (pysssss)', { t: node('ShowText|pysssss', { text: ['a', 0], text_0: 'stale' }) }, 'a red fox'],
    ['of a constant over lines (KJNodes)', { t: node('StringConstantMultiline', { string: ' a\nb ', strip_newlines: true }) }, 'ab'],
    ['filled in (Impact)', { t: node('ImpactWildcardProcessor', { wildcard_text: '__colour__ fox', populated_text: 'a teal fox', mode: 'populate', seed: 1 }) }, 'a teal fox'],
    ['one line of several (Impact)', { t: node('ImpactStringSelector', { strings: 'one\ntwo\nthree', multiline: false, select: 4 }) }, 'two'],
    ['a style that adds nothing', { t: node('SDXLPromptStyler', { text_positive: ['a', 0], text_negative: 'x', style: 'base', log_prompt: false }) }, 'a red fox'],
    ['of a primitive, through a reroute', { p: node('PrimitiveString', { value: 'a red fox' }), t: node('Reroute', { '': ['p', 0] }) }, 'a red fox'],
    ["of rgthree's primitive", { t: node('Power Primitive (rgthree)', { type: 'STRING', value: ['a', 0] }) }, 'a red fox'],
    ['of a literal (Image Saver)', { t: node('String Literal (Image Saver)', { string: 'a red fox' }) }, 'a red fox'],
    ['with a number in it', { n: node('easy int', { value: 12 }), m: node('CR Integer To String', { int_: ['n', 0] }), t: node('StringConcatenate', { string_a: ['m', 0], string_b: 'foxes', delimiter: ' ' }) }, '12 foxes'],
  ])('%s', (_, nodes, prompt) => expectGraph({ ...words, ...asPrompt(nodes), ...nodes }, { ...plainJob, prompt }));
});

describe('a conditioning', () => {
  const other: Nodes = { o: node('CLIPTextEncode', { text: 'an owl', clip: ['10', 1] }), net: node('ControlNetLoader', { control_net_name: 'canny.safetensors' }), image: node('LoadImage', { image: 'in.png' }), mask: node('LoadImageMask', { image: 'in.png' }) };
  const boxed = (to: string): Nodes[string] => node('GLIGENTextBoxApply', { text: 'a bell', width: 64, height: 64, x: 8, y: 8, conditioning_to: [to, 0], clip: ['10', 1], gligen_textbox_model: ['g', 0] });
  it.each<[string, Nodes, Parameters<typeof expectGraph>[1]]>([
    ['with boxes, whose words are others', { g: node('GLIGENLoader', { gligen_name: 'g.pth' }), b: boxed('12'), c: boxed('b'), ...sampler({ positive: ['c', 0] }) }, { prompt: 'a lantern', extra: { nodes: { b: { inputs: { text: 'a bell' } } } } }],
    ['of a ControlNet, for both prompts', { n: node('ControlNetApplyAdvanced', { positive: ['12', 0], negative: ['13', 0], control_net: ['net', 0], image: ['image', 0], strength: 1, start_percent: 0, end_percent: 1 }), ...sampler({ positive: ['n', 0], negative: ['n', 1] }) }, {}],
    ['of a ControlNet, in another version', { n: node('ACN_AdvancedControlNetApply', { positive: ['12', 0], negative: ['13', 0], control_net: ['net', 0], image: ['image', 0], strength: 1, start_percent: 0, end_percent: 1 }), ...sampler({ positive: ['n', 0], negative: ['n', 1] }) }, {}],
    ['for inpainting, and the picture to begin with', { n: node('InpaintModelConditioning', { positive: ['12', 0], negative: ['13', 0], vae: ['10', 2], pixels: ['p', 0], mask: ['mask', 0] }), p: node('ImageScale', { upscale_method: 'area', width: 768, height: 640, crop: 'center', image: ['image', 0] }), ...sampler({ positive: ['n', 0], negative: ['n', 1], latent_image: ['n', 2] }) }, { width: 768, height: 640 }],
    ['combined of two', { n: node('ConditioningCombine', { conditioning_1: ['12', 0], conditioning_2: ['o', 0] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern AND an owl', emphasis: undefined }],
    ['combined of several (KJNodes)', { n: node('ConditioningMultiCombine', { inputcount: 3, operation: 'concat', conditioning_1: ['12', 0], conditioning_2: ['o', 0], conditioning_3: ['o', 0] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern BREAK an owl BREAK an owl', emphasis: undefined }],
    ['combined of several (Impact)', { n: node('ImpactCombineConditionings', { conditioning1: ['12', 0], conditioning2: ['o', 0] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern AND an owl', emphasis: undefined }],
    ['with a mean that is all of one', { n: node('ConditioningAverage', { conditioning_to: ['12', 0], conditioning_from: ['o', 0], conditioning_to_strength: 0 }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'an owl' }],
    ['with an area and a time that are all', { n: node('ConditioningSetTimestepRange', { conditioning: ['m', 0], start: 0, end: 1 }), m: node('ConditioningSetAreaPercentage', { conditioning: ['12', 0], width: 1, height: 1, x: 0, y: 0, strength: 1 }), ...sampler({ positive: ['n', 0] }) }, {}],
    ['with properties of which none is set', { n: node('PairConditioningSetPropertiesAndCombine', { positive: ['12', 0], negative: ['13', 0], positive_NEW: ['o', 0], negative_NEW: ['13', 0], strength: 1, set_cond_area: 'default' }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern AND an owl', emphasis: undefined }],
    ['of zeros', { n: node('ConditioningZeroOut', { conditioning: ['12', 0] }), ...sampler({ negative: ['n', 0] }) }, { negative: '' }],
    ['of both prompts in one node (Comfyroll)', { n: node('CR SDXL Base Prompt Encoder', { base_clip: ['10', 1], pos_g: 'a kite', pos_l: 'a kite', neg_g: 'fog', neg_l: ' fog', preset: 'preset A' }), ...sampler({ positive: ['n', 0], negative: ['n', 1] }) }, { prompt: 'a kite', negative: 'fog' }],
    ['of both prompts in one node (Chibi)', { n: node('Prompts', { Positive: 'a kite', Negative: 'fog', clip: ['10', 1] }), ...sampler({ positive: ['n', 0], negative: ['n', 2] }) }, { prompt: 'a kite', negative: 'fog' }],
    ['with LoRAs that its words call up (rgthree)', { n: node('Power Prompt (rgthree)', { prompt: 'a kite <lora:k:0.5>', opt_model: ['10', 0], opt_clip: ['10', 1], insert_lora: 'CHOOSE' }), ...sampler({ model: ['n', 1], positive: ['n', 0] }) }, { prompt: 'a kite <lora:k:0.5>', loras: [{ name: 'k', weight: 0.5 }] }],
    ['of a text encoder without its last layer, behind a ControlNet', { s: node('CLIPSetLastLayer', { stop_at_clip_layer: -2, clip: ['10', 1] }), 12: node('CLIPTextEncode', { text: 'a lantern', clip: ['l', 1] }), l: node('LoraLoader', { model: ['10', 0], clip: ['s', 0], lora_name: 'l.safetensors', strength_model: 1, strength_clip: 1 }), n: node('ControlNetApply', { conditioning: ['12', 0], control_net: ['net', 0], image: ['image', 0], strength: 1 }), ...sampler({ positive: ['n', 0] }) }, { clipSkip: 2 }],
    ['of a text encoder without two layers, out of a pipe', { s: node('CLIPSetLastLayer', { stop_at_clip_layer: -3, clip: ['10', 1] }), p: node('ToBasicPipe', { model: ['10', 0], clip: ['s', 0], vae: ['10', 2], positive: ['12', 0], negative: ['13', 0] }), f: node('FromBasicPipe', { basic_pipe: ['p', 0] }), e: node('CLIPTextEncode', { text: 'a kite', clip: ['f', 1] }), ...sampler({ positive: ['e', 0] }) }, { prompt: 'a kite', clipSkip: 3 }],
  ])('%s', (_, nodes, job) => expectGraph({ ...other, ...nodes }, { ...plainJob, ...job }));
});

describe('what a job has no words for is named', () => {
  const more: Nodes = { o: node('CLIPTextEncode', { text: 'an owl', clip: ['10', 1] }), mask: node('LoadImageMask', { image: 'in.png' }) }, time = node('ConditioningTimestepsRange', { start_percent: 0, end_percent: 0.5 });
  it.each<[string, Nodes, Partial<PictureJob>, ('prompt' | 'negative')[]]>([
    ['another text for the second tower', { n: node('CLIPTextEncodeSDXL', { text_g: 'a lantern', text_l: 'oil, brass', clip: ['10', 1] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern' }, ['prompt']],
    ['no text for the second tower', { n: node('CLIPTextEncodeSDXL', { text_g: 'a lantern', text_l: '', clip: ['10', 1] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern' }, ['prompt']],
    ['another text for the second tower (BNK)', { n: node('BNK_CLIPTextEncodeSDXLAdvanced', { text_g: 'a', text_l: 'b', clip: ['10', 1], token_normalization: 'none', weight_interpretation: 'comfy' }), ...sampler({ negative: ['n', 0] }) }, { negative: 'a' }, ['negative']],
    ['another text for the third tower', { n: node('CLIPTextEncodeSD3', { clip_g: 'a', clip_l: 'a', t5xxl: 'an essay', clip: ['10', 1] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a' }, ['prompt']],
    ['other texts in one node (Comfyroll)', { n: node('CR SDXL Base Prompt Encoder', { base_clip: ['10', 1], pos_g: 'a kite', pos_l: 'silk', neg_g: 'fog', neg_l: 'fog' }), ...sampler({ positive: ['n', 0], negative: ['n', 1] }) }, { prompt: 'a kite', negative: 'fog' }, ['prompt']],
    ['other texts with tags (rgthree)', { n: node('SDXL Power Prompt - Positive (rgthree)', { prompt_g: 'a kite', prompt_l: 'silk', opt_model: ['10', 0], opt_clip: ['10', 1] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a kite' }, ['prompt']],
    ['other texts of a loader (tinyterra)', { n: node('ttN pipeLoaderSDXL_v2', { ckpt_name: 'cedar_v3.safetensors', loras: '', positive_g: 'a kite', positive_l: 'silk', negative_g: '', negative_l: 'fog' }), p: node('ttN pipeOUT', { pipe: ['n', 0] }), ...sampler({ positive: ['p', 1] }) }, {}, []],
    ['an area', { n: node('ConditioningSetArea', { conditioning: ['12', 0], width: 64, height: 64, x: 0, y: 0, strength: 1 }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern' }, ['prompt']],
    ['an area by percent', { n: node('ConditioningSetAreaPercentage', { conditioning: ['12', 0], width: 0.5, height: 1, x: 0, y: 0, strength: 1 }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern' }, ['prompt']],
    ['a strength', { n: node('ConditioningSetAreaStrength', { conditioning: ['12', 0], strength: 0.7 }), ...sampler({ negative: ['n', 0] }) }, {}, ['negative']],
    ['a mask, behind a join', { n: node('ConditioningSetMask', { conditioning: ['o', 0], mask: ['mask', 0], strength: 1, set_cond_area: 'default' }), c: node('ConditioningCombine', { conditioning_1: ['12', 0], conditioning_2: ['n', 0] }), ...sampler({ positive: ['c', 0] }) }, { prompt: 'a lantern AND an owl' }, ['prompt']],
    ['a range of steps', { n: node('ConditioningSetTimestepRange', { conditioning: ['12', 0], start: 0.2, end: 1 }), ...sampler({ positive: ['n', 0] }) }, {}, ['prompt']],
    ['properties', { n: node('ConditioningSetProperties', { cond_NEW: ['12', 0], strength: 1, set_cond_area: 'default', timesteps: ['t', 0] }), t: time, ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern' }, ['prompt']],
    ['properties of a second prompt', { n: node('ConditioningSetPropertiesAndCombine', { cond: ['12', 0], cond_NEW: ['o', 0], strength: 1, set_cond_area: 'default', mask: ['mask', 0] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern AND an owl' }, ['prompt']],
    ['properties of a second pair', { n: node('PairConditioningSetPropertiesAndCombine', { positive: ['12', 0], negative: ['13', 0], positive_NEW: ['o', 0], negative_NEW: ['13', 0], strength: 0.5, set_cond_area: 'default' }), ...sampler({ positive: ['n', 0], negative: ['n', 1] }) }, { prompt: 'a lantern AND an owl' }, ['prompt', 'negative']],
    ['what counts where nothing else does', { n: node('ConditioningSetDefaultCombine', { cond: ['12', 0], cond_DEFAULT: ['o', 0] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern AND an owl' }, ['prompt']],
    ['masks (KJNodes)', { n: node('ConditioningSetMaskAndCombine', { positive_1: ['12', 0], negative_1: ['13', 0], positive_2: ['o', 0], negative_2: ['13', 0], mask_1: ['mask', 0], mask_2: ['mask', 0], mask_1_strength: 1, mask_2_strength: 1, set_cond_area: 'default' }), ...sampler({ positive: ['n', 0], negative: ['n', 1] }) }, { prompt: 'a lantern AND an owl' }, ['prompt', 'negative']],
    ['a mask (AnimateDiff)', { n: node('ADE_ConditioningSetMask', { cond_ADD: ['12', 0], strength: 1, set_cond_area: 'default', opt_mask: ['mask', 0] }), ...sampler({ positive: ['n', 0] }) }, { prompt: 'a lantern' }, ['prompt']],
    ['a negative prompt for the first steps', { n: node('SD3NegativeConditioning+', { conditioning: ['13', 0], end: 0.1 }), ...sampler({ negative: ['n', 0] }) }, { negative: 'people' }, ['negative']],
  ])('%s', (_, nodes, job, fields) => {
    const found = readGraph({ ...more, ...nodes });
    expect(found).toMatchObject(job);
    if (fields.length > 0) expect(found.notKnown).toEqual(fields.map((field) => ({ field, node: 'n', class: nodes['n']!.class_type })));
    else expect(found.notKnown?.map(({ class: type }) => type)).toContain(nodes['n']!.class_type);
  });
});

describe('a graph that puts out several pictures', () => {
  const second = (links: Record<string, unknown> = {}): Nodes => ({ 40: node('KSampler', { ...sampling, seed: 7, model: ['10', 0], positive: ['12', 0], negative: ['13', 0], latent_image: ['15', 0], ...links }), 41: node('VAEDecode', { samples: ['40', 0], vae: ['10', 2] }), 42: node('SaveImage', { filename_prefix: 'y', images: ['41', 0] }) });
  it('names both where either may be the picture', () => {
    expect(readGraph(second()).notKnown).toEqual([{ field: 'picture', node: '31', class: 'SaveImage' }, { field: 'picture', node: '42', class: 'SaveImage' }]);
  });
  it('is sure where the size tells them apart, and where one stands on the way to the other', () => {
    const small: Nodes = { 50: node('EmptyLatentImage', { width: 64, height: 64, batch_size: 1 }), ...second({ latent_image: ['50', 0] }) };
    expect(readGraph(small)).toMatchObject({ seed: 7, width: 64 });
    expect(readGraph(small)).not.toHaveProperty('notKnown');
    expectGraph(second({ latent_image: ['20', 0], denoise: 0.5 }), { seed: 4242 });
    expectGraph({ 43: node('SaveImage', { filename_prefix: 'z', images: ['30', 0] }) }, plainJob);
  });
});

describe('LoRAs', () => {
  const loaded = (loader: Nodes[string], more: Nodes = {}): Nodes => ({ ...more, l: loader, ...sampler({ model: ['l', 0] }) });
  const both = { model: ['10', 0], clip: ['10', 1] };
  it.each<[string, Nodes, PictureJob['loras']]>([
    ["of rgthree's list", loaded(node('Power Lora Loader (rgthree)', { ...both, lora_1: { on: true, lora: 'a.safetensors', strength: 0.5 }, lora_2: { on: false, lora: 'b.safetensors', strength: 1 }, lora_3: { on: true, lora: 'c.safetensors', strength: 1, strengthTwo: 0.25 } })), [{ name: 'a', weight: 0.5 }, { name: 'c', weight: 1, textWeight: 0.25 }]],
    ["of rgthree's stack", loaded(node('Lora Loader Stack (rgthree)', { ...both, lora_01: 'a.safetensors', strength_01: 0.5, lora_02: 'None', strength_02: 1 })), [{ name: 'a', weight: 0.5 }]],
    ["of Comfyroll's stacks, one behind the other", loaded(node('CR Apply LoRA Stack', { ...both, lora_stack: ['s', 0] }), { s: node('CR LoRA Stack', { switch_1: 'On', lora_name_1: 'a.safetensors', model_weight_1: 0.5, clip_weight_1: 0.4, switch_2: 'Off', lora_name_2: 'b.safetensors', model_weight_2: 1, clip_weight_2: 1, lora_stack: ['r', 0] }), r: node('CR LoRA Stack', { switch_3: 'On', lora_name_3: 'c.safetensors', model_weight_3: 1, clip_weight_3: 1 }) }), [{ name: 'c', weight: 1 }, { name: 'a', weight: 0.5, textWeight: 0.4 }]],
    ["of Easy-Use's stack", loaded(node('easy loraStackApply', { model: ['10', 0], optional_clip: ['10', 1], lora_stack: ['s', 0] }), { s: node('easy loraStack', { toggle: true, mode: 'simple', num_loras: 1, lora_1_name: 'a.safetensors', lora_1_strength: 0.7, lora_1_model_strength: 1, lora_1_clip_strength: 1, lora_2_name: 'b.safetensors', lora_2_strength: 1 }) }), [{ name: 'a', weight: 0.7 }]],
    ["of Efficiency's stack, in full", loaded(node('Efficient Loader', { ckpt_name: 'cedar_v3.safetensors', lora_name: 'None', positive: '', negative: '', lora_stack: ['s', 0] }), { s: node('LoRA Stacker', { input_mode: 'advanced', lora_count: 2, lora_name_1: 'a.safetensors', lora_wt_1: 9, model_str_1: 0.5, clip_str_1: 0.25, lora_name_2: 'None' }) }), [{ name: 'a', weight: 0.5, textWeight: 0.25 }]],
    ['of the model alone, whose strength a node gives', loaded(node('LoraLoaderModelOnly', { model: ['10', 0], lora_name: 'a.safetensors', strength_model: ['n', 0] }), { n: node('PrimitiveFloat', { value: 0.35 }) }), [{ name: 'a', weight: 0.35 }]],
    ["of tinyterra's field", { t: node('ttN pipeLoader_v2', { ckpt_name: 'cedar_v3.safetensors', loras: 'x <lora:felt:0.5> <lora:ink.safetensors:0.8:0.3> <lora:none>', positive: 'a lantern', negative: 'people', lora_name: 'None' }), p: node('ttN pipeOUT', { pipe: ['t', 0] }), ...sampler({ model: ['p', 0] }) }, [{ name: 'felt', weight: 0.5 }, { name: 'ink', weight: 0.8, textWeight: 0.3 }]],
    ["of tinyterra's field, behind its list", { t: node('ttN conditioning', { model: ['10', 0], clip: ['10', 1], loras: ['w', 0], positive: 'a lantern', negative: 'people', optional_lora_stack: ['s', 0] }), w: node('ttN text', { text: '<lora:felt:-0.5>' }), s: node('LoRA Stacker', { input_mode: 'simple', lora_count: 1, lora_name_1: 'a.safetensors', lora_wt_1: 0.9 }), ...sampler({ model: ['t', 0] }) }, [{ name: 'a', weight: 0.9 }, { name: 'felt', weight: -0.5 }]],
    ["of tinyterra's SDXL loader", { t: node('ttN pipeLoaderSDXL_v2', { ckpt_name: 'cedar_v3.safetensors', loras: '<lora:felt:0.5>', positive_g: 'a', positive_l: 'a', negative_g: '', negative_l: '' }), p: node('ttN pipeOUT', { pipe: ['t', 0] }), ...sampler({ model: ['p', 0] }) }, [{ name: 'felt', weight: 0.5 }]],
    ['of tags with two strengths, the network first (prompt-control)', loaded(node('PCLazyLoraLoader', { ...both, text: 'a <lora:felt:0.5:0.2>' })), [{ name: 'felt', weight: 0.5, textWeight: 0.2 }]],
    ["of rgthree's second text", { l: node('SDXL Power Prompt - Positive (rgthree)', { prompt_g: 'a', prompt_l: '<lora:l:0.4>', opt_model: ['10', 0], opt_clip: ['10', 1] }), ...sampler({ model: ['l', 1] }) }, [{ name: 'l', weight: 0.4 }]],
    ["of WAS' loader", loaded(node('Lora Loader', { ...both, lora_name: 'a.safetensors', strength_model: 1, strength_clip: 1 })), [{ name: 'a', weight: 1 }]],
    ['of a switch that is off', loaded(node('CR Load LoRA', { ...both, switch: 'Off', lora_name: 'a.safetensors', strength_model: 1, strength_clip: 1 })), []],
  ])('%s', (_, nodes, loras) => expectGraph(nodes, { ...plainJob, loras }));
});

describe('a node that is not in the table', () => {
  const unknown = (inputs: Record<string, unknown>): Nodes => ({ u: node('Mystery Mixer', inputs) }), by = (field: string): unknown => ({ field, node: 'u', class: 'Mystery Mixer' });
  it.each<[string, Nodes, Partial<PictureJob>, unknown[]]>([
    ['makes a text', { ...unknown({ text: 'a shed', string_a: 'a pond' }), 12: node('CLIPTextEncode', { text: ['u', 0], clip: ['10', 1] }) }, { prompt: '', negative: 'people' }, [by('prompt')]],
    ['makes a text that another node joins', { ...unknown({ text: 'a shed' }), t: node('StringConcatenate', { string_a: 'a', string_b: ['u', 0], delimiter: '' }), 12: node('CLIPTextEncode', { text: ['t', 0], clip: ['10', 1] }) }, { prompt: '' }, [by('prompt')]],
    ['makes a conditioning of another', { ...unknown({ conditioning: ['12', 0], text: 'a shed' }), ...sampler({ positive: ['u', 0] }) }, { prompt: '', negative: 'people' }, [by('prompt')]],
    ['chooses between prompts', { ...unknown({ select: 1, input1: ['12', 0], input2: ['13', 0] }), ...sampler({ negative: ['u', 0] }) }, { prompt: 'a lantern', negative: '' }, [by('negative')]],
    ['says which of two a switch takes', { ...unknown({ value: 1 }), s: node('CR Text Input Switch', { Input: ['u', 0], text1: 'a', text2: 'b' }), 12: node('CLIPTextEncode', { text: ['s', 0], clip: ['10', 1] }) }, { prompt: '' }, [by('prompt')]],
    ['makes numbers', { ...unknown({ width: 1024, seed: 7 }), 15: node('EmptyLatentImage', { width: ['u', 0], height: 512, batch_size: 1 }), ...sampler({ seed: ['u', 1], steps: ['u', 2] }) }, { cfg: 6 }, [by('steps'), by('seed')]],
    ['makes a pipe', { ...unknown({ model: ['10', 0], positive: ['12', 0] }), f: node('FromBasicPipe', { basic_pipe: ['u', 0] }), ...sampler({ positive: ['f', 3], negative: ['f', 4] }) }, { prompt: '', negative: '' }, [by('prompt'), by('negative')]],
    ['works on a model', { ...unknown({ model: ['10', 0], strength: 1 }), ...sampler({ model: ['u', 0] }) }, { model: { name: 'cedar_v3', hash: null } }, [by('model')]],
    ['mixes two models', { ...unknown({ a: ['10', 0], b: ['o', 0] }), o: node('CheckpointLoaderSimple', { ckpt_name: 'o.safetensors' }), ...sampler({ model: ['u', 0] }) }, {}, [by('model')]],
    ['works on the picture', { ...unknown({ image: ['30', 0], amount: 3 }), 31: node('SaveImage', { images: ['u', 0] }) }, { prompt: 'a lantern', width: 640, height: 512 }, []],
    ['enlarges it before a second pass', { ...unknown({ image: ['30', 0], factor: 2 }), e: node('VAEEncode', { pixels: ['u', 0], vae: ['10', 2] }), s: node('KSampler', { ...sampling, denoise: 0.4, model: ['10', 0], positive: ['12', 0], negative: ['13', 0], latent_image: ['e', 0] }), 30: node('VAEDecode', { samples: ['20', 0], vae: ['10', 2] }), d: node('VAEDecode', { samples: ['s', 0], vae: ['10', 2] }), 31: node('SaveImage', { images: ['d', 0] }) }, { hires: { steps: 21, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 6, strength: 0.4 } }, [by('hires.scale')]],
    ['samples', { 20: node('Mystery KSampler', plain['20']!.inputs) }, { prompt: 'a lantern', steps: 21 }, [{ field: 'sampling', node: '20', class: 'Mystery KSampler' }]],
  ])('%s', (_, nodes, job, notKnown) => {
    const found = readGraph(nodes);
    expect(found).toMatchObject(job);
    expect(found.notKnown ?? []).toEqual(expect.arrayContaining(notKnown));
    if (job.prompt === '') expect(found.prompt).toBe('');
    if (job.hires) expect(found.hires).toEqual(job.hires);
  });

  it('leaves absent what it makes', () => {
    const found = readGraph({ u: node('Mystery Mixer', { width: 1024, seed: 7, ckpt: 'x' }), 15: node('EmptyLatentImage', { width: ['u', 0], height: 512, batch_size: 1 }), ...sampler({ seed: ['u', 1], steps: ['u', 2], model: ['u', 3] }) });
    for (const field of ['seed', 'steps', 'model']) expect(found).not.toHaveProperty(field);
    expect(found).toMatchObject({ width: 64, height: 64 });      // the picture's own
  });
});
