// ComfyUI's own nodes: nodes.py and comfy_extras.
import { asNumber } from '../../fields';
import { readSchedule } from '../../names';
import { as, plain } from '../values';
import { doubted, each, inPart, joinedConditioning, numberOf, passes, scalar, slots, worked, type Rule, type Rules } from './kit';
import { loads, loadsClip, loadsLora, loadsVae, mixes, predicts, rescales, skipsClip } from './models';
import { empties, inEighths, kept, pictureOf, resized, samples, samplesLarger, scalesBy, scalesByModel, scalesTo, sidesOf, sizeAt, sizeBy } from './pictures';
import { encodes, nothing, saysNothing } from './text';

const combines = (a: string, b: string, between: string): Rule => (call) =>
  slots(joinedConditioning(call, [call.inputs.get(a), call.inputs.get(b)], between));

/** One of these is limited to a part. */
const limits = (name: string): Rule => (call) => slots(inPart(call, call.inputs.get(name)));
const addsPart = (name: string, part: string, isAlways = false): Rule => (call) =>
  slots(joinedConditioning(call, [call.inputs.get(name), inPart(call, call.inputs.get(part), isAlways)], ' AND '));
const roles = ['positive', 'negative'] as const;
const limitsPair = (ending: string): Rule => (call) => slots(...roles.map((role) => inPart(call, call.inputs.get(`${role}${ending}`))));
const addsParts = (ending: string, isAlways = false): Rule => (call) => slots(...roles.map((role) =>
  joinedConditioning(call, [call.inputs.get(role), inPart(call, call.inputs.get(`${role}${ending}`), isAlways)], ' AND ')));

/** The one that counts for more; there are no words for a mean of two. */
const averages: Rule = (call) => {
  const strength = asNumber(scalar(call, 'conditioning_to_strength'));
  const main = call.inputs.get(strength !== undefined && strength < 0.5 ? 'conditioning_from' : 'conditioning_to');
  const conditioning = as('conditioning', main);
  return slots(conditioning && strength !== 0 && strength !== 1 ? doubted(call, conditioning) : main);
};

const pairs = (a: string, b: string): Rule => (call) => Object.fromEntries(
  ['positive', 'negative'].map((role) => [role, joinedConditioning(call, [call.inputs.get(`${role}_${a}`), call.inputs.get(`${role}_${b}`)], ' AND ')]),
);

const schedules: Rule = (call) => {
  const own = readSchedule(call.node.type.replace(/(?:Sampling)?Scheduler$/, ''));
  const scheduler = call.fields.get('scheduler') ?? (own ? plain(own) : undefined);
  return { sigmas: { kind: 'sigmas', model: call.fields.get('model'), steps: call.fields.get('steps'), denoise: call.fields.get('denoise'), scheduler } };
};

/** The levels before a step, and those behind it. */
const splits: Rule = (call) => {
  const sigmas = as('sigmas', call.fields.get('sigmas'));
  return slots(sigmas ?? call.unknown, sigmas ? { ...sigmas, start: call.inputs.get('step') } : call.unknown);
};

const guides = (positive: string, negative: string | null, cfg: string | null): Rule => (call) => ({
  guider: {
    kind: 'guider',
    model: call.fields.get('model'),
    positive: call.inputs.get(positive),
    negative: negative === null ? undefined : call.inputs.get(negative),
    cfg: cfg === null ? plain(1) : call.inputs.get(cfg),
  },
});

const namesSampler: Rule = (call) => ({ sampler: { kind: 'sampler', name: plain(call.node.type.replace(/^Sampler_?/, '')) } });

/** So that its area is this many megapixels. */
const scalesToArea: Rule = (call) => {
  const before = pictureOf(call)?.size;
  const by = before
    ? worked({ ...call, inputs: new Map([...call.inputs, ['w', before.width], ['h', before.height]]) }, 'w h megapixels', (w, h, area) => {
        const [width, height, megapixels] = [w, h, area].map(numberOf);
        return width && height && megapixels ? Math.sqrt((megapixels * 1024 * 1024) / (width * height)) : undefined;
      })
    : call.unknown;
  return resized(call, { by, method: call.inputs.get('upscale_method') }, sizeBy(call, before, by, (side, factor) => Math.round(side * factor)));
};

const crops: Rule = (call) => resized(call, {}, sizeAt(call, 'width', 'height'));
const latents: readonly string[] = [
  'EmptyLatentImage', 'EmptySD3LatentImage', 'EmptyChromaRadianceLatentImage', 'EmptyHunyuanImageLatent', 'EmptyFlux2LatentImage',
  'EmptyQwenImageLayeredLatentImage', 'EmptyHunyuanLatentVideo', 'EmptyLTXVLatentVideo', 'EmptyMochiLatentVideo', 'EmptyCosmosLatentVideo',
  'StableCascade_EmptyLatentImage', 'WanImageToVideo', 'WanFunControlToVideo', 'WanFunInpaintToVideo', 'WanFirstLastFrameToVideo',
  'WanCameraImageToVideo', 'WanVaceToVideo', 'WanPhantomSubjectToVideo', 'WanSoundImageToVideo', 'WanTrackToVideo', 'Wan22FunControlToVideo',
  'Wan22ImageToVideoLatent', 'HunyuanImageToVideo', 'LTXVImgToVideo', 'CosmosImageToVideoLatent', 'CosmosPredict2ImageToVideoLatent',
];

export const core: Rules = {
  ...each(['CheckpointLoaderSimple', 'CheckpointLoader', 'unCLIPCheckpointLoader', 'ImageOnlyCheckpointLoader'], loads('ckpt_name')),
  UNETLoader: loads('unet_name'),
  DiffusersLoader: loads('model_path'),
  VAELoader: loadsVae('vae_name'),
  ...each(['CLIPLoader', 'DualCLIPLoader', 'TripleCLIPLoader', 'QuadrupleCLIPLoader', 'LTXAVTextEncoderLoader'], loadsClip),
  LoraLoader: loadsLora('lora_name', 'strength_model', 'strength_clip'),
  LoraLoaderModelOnly: loadsLora('lora_name', 'strength_model'),
  CLIPSetLastLayer: skipsClip('stop_at_clip_layer'),
  ModelSamplingDiscrete: predicts('sampling'),
  RescaleCFG: rescales('multiplier'),
  TrainLoraNode: mixes,
  UpscaleModelLoader: (call) => ({ upscale_model: { kind: 'upscaler', name: call.inputs.get('model_name') } }),

  ...each(['CLIPTextEncode', 'CLIPTextEncodeSDXLRefiner', 'CLIPTextEncodePixArtAlpha', 'PhotoMakerEncode'], encodes('text')),
  CLIPTextEncodeSDXL: encodes('text_g', 'text_l'),
  CLIPTextEncodeFlux: encodes('t5xxl', 'clip_l'),
  CLIPTextEncodeSD3: encodes('clip_g', 't5xxl', 'clip_l'),
  CLIPTextEncodeHiDream: encodes('t5xxl', 'llama', 'clip_g', 'clip_l'),
  CLIPTextEncodeHunyuanDiT: encodes('bert', 'mt5xl'),
  CLIPTextEncodeLumina2: encodes('user_prompt'),
  CLIPTextEncodeKandinsky5: encodes('qwen25_7b', 'clip_l'),
  ...each(['TextEncodeQwenImageEdit', 'TextEncodeQwenImageEditPlus', 'TextEncodeZImageOmni', 'TextEncodeHunyuanVideo_ImageToVideo'], encodes('prompt')),
  ConditioningCombine: combines('conditioning_1', 'conditioning_2', ' AND '),
  ConditioningConcat: combines('conditioning_to', 'conditioning_from', ' BREAK '),
  ConditioningAverage: averages,
  ConditioningZeroOut: saysNothing,
  ...each(
    [
      'ConditioningSetArea', 'ConditioningSetAreaPercentage', 'ConditioningSetAreaPercentageVideo', 'ConditioningSetAreaStrength', 'ConditioningSetMask',
      'ConditioningSetTimestepRange', 'SD3NegativeConditioning+',
    ],
    limits('conditioning'),
  ),
  ConditioningSetProperties: limits('cond_NEW'),
  ADE_ConditioningSetMask: limits('cond_ADD'),
  PairConditioningSetProperties: limitsPair('_NEW'),
  ADE_PairedConditioningSetMask: limitsPair('_ADD'),
  IPAdapterRegionalConditioning: (call) => slots(call.unknown, ...roles.map((role) => inPart(call, call.inputs.get(role)))),
  ConditioningSetPropertiesAndCombine: addsPart('cond', 'cond_NEW'),
  ADE_ConditioningSetMaskAndCombine: addsPart('cond', 'cond_ADD'),
  ...each(['ConditioningSetDefaultCombine', 'ADE_ConditioningSetUnmaskedAndCombine'], addsPart('cond', 'cond_DEFAULT', true)),
  PairConditioningSetPropertiesAndCombine: addsParts('_NEW'),
  ADE_PairedConditioningSetMaskAndCombine: addsParts('_ADD'),
  ...each(['PairConditioningSetDefaultCombine', 'ADE_PairedConditioningSetUnmaskedAndCombine'], addsParts('_DEFAULT', true)),
  PairConditioningCombine: pairs('A', 'B'),
  LotusConditioning: saysNothing,

  ...each(['KSampler', 'KSamplerAdvanced', 'SamplerCustom', 'SamplerCustomAdvanced'], samples),
  UltimateSDUpscale: samplesLarger('upscale_by'),
  UltimateSDUpscaleCustomSample: samplesLarger('upscale_by'),
  UltimateSDUpscaleNoUpscale: samples,
  CFGGuider: guides('positive', 'negative', 'cfg'),
  PerpNegGuider: guides('positive', 'negative', 'cfg'),
  BasicGuider: guides('conditioning', null, null),
  DualCFGGuider: guides('cond1', 'negative', 'cfg_conds'),
  RandomNoise: (call) => ({ noise: { kind: 'noise', seed: call.inputs.get('noise_seed') } }),
  DisableNoise: () => ({ noise: { kind: 'noise' } }),
  KSamplerSelect: (call) => ({ sampler: { kind: 'sampler', name: call.inputs.get('sampler_name') } }),
  ...each(
    [
      'SamplerEulerAncestral', 'SamplerEulerAncestralCFGPP', 'SamplerLMS', 'SamplerDPMPP_3M_SDE', 'SamplerDPMPP_2M_SDE', 'SamplerDPMPP_SDE',
      'SamplerDPMPP_2S_Ancestral', 'SamplerDPMAdaptative', 'SamplerER_SDE', 'SamplerSASolver', 'SamplerLCMUpscale', 'SamplerEulerCFGpp',
      'SamplerSEEDS2',
    ],
    namesSampler,
  ),
  ...each(
    [
      'BasicScheduler', 'KarrasScheduler', 'ExponentialScheduler', 'PolyexponentialScheduler', 'LaplaceScheduler', 'VPScheduler',
      'BetaSamplingScheduler', 'SDTurboScheduler', 'AlignYourStepsScheduler', 'GITSScheduler', 'OptimalStepsScheduler', 'LTXVScheduler',
      'Flux2Scheduler',
    ],
    schedules,
  ),
  SplitSigmas: splits,
  SplitSigmasDenoise: splits,

  ...each(latents, empties()),
  ...each(['SVD_img2vid_Conditioning', 'SV3D_Conditioning', 'StableZero123_Conditioning', 'StableZero123_Conditioning_Batched'], (call) => ({
    ...empties()(call),
    positive: nothing,
    negative: nothing,
  })),
  ...each(
    ['VAEEncode', 'VAEEncodeTiled', 'VAEEncodeForInpaint', 'InpaintModelConditioning', 'InstructPixToPixConditioning', 'VAEDecode', 'VAEDecodeTiled'],
    (call) => kept(call),
  ),
  LoadImage: () => ({ image: { kind: 'picture', keepsSize: false, isLatent: false } }),
  LoadImageMask: () => ({}),
  LoadLatent: () => ({ latent: { kind: 'picture', keepsSize: false, isLatent: true } }),
  LatentUpscale: scalesTo(),
  LatentUpscaleBy: scalesBy('scale_by', inEighths),
  ImageScale: scalesTo(),
  ImageScaleBy: scalesBy('scale_by'),
  ImageScaleToTotalPixels: scalesToArea,
  ImageUpscaleWithModel: scalesByModel,
  LatentCrop: crops,
  ImageCrop: crops,
  LatentComposite: passes('samples_to'),
  LatentCompositeMasked: passes('destination'),
  ImageCompositeMasked: passes('destination'),
  LatentRotate: mixes,
  GetImageSize: (call) => sidesOf(as('picture', call.fields.get('image')), call),
};
