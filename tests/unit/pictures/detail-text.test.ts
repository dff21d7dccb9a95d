// Detail passes in A1111's text: as ADetailer writes them, both ways.
import { expect, test } from 'vitest';
import { Detail } from '../../../preload/contract/detail';
import { parametersText, parseParameters } from '../../../main/services/pictures/parameters';
import { readParameters } from '../../../main/services/pictures/read/a1111';
import { demoJob } from '../../support/demo';

const written = (...details: object[]): string => parametersText(demoJob({ details: details.map((each) => Detail.parse(each)) }), { version: '0.1.0' });
const read = (line: string) => readParameters(`a crowd\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x768, Model: x, ${line}, Version: v1.9.4`).job;

test.each<[string, object[]]>([
  ['as usual', [{ find: 'face' }]],
  ['several, one kind twice', [{ find: 'face' }, { find: 'hand', strength: 0.55 }, { find: 'face', prompt: 'old, "wise", grey', together: 'merge' }, { find: 'person' }]],
  ['with all that there is', [{ find: 'person', prompt: 'a [PROMPT] [SEP] b: c\nd', negative: 'ugly, bad', confidence: 0.2, minRatio: 0.01, maxRatio: 0.5, largest: 3, order: 'centre to edge', xOffset: -4, yOffset: 6, dilateErode: -8, together: 'invert',
    blur: 12, strength: 0.75, padding: 0, width: 640, height: 512, steps: 28, cfg: 5.5, sampler: 'dpmpp_2m_sde', schedule: 'karras', clipSkip: 2 }]],
  ['the whole picture', [{ find: 'face', area: 'whole' }]],
])('%s comes back as it was', (_, details) => {
  const { job } = readParameters(written(...details));
  expect(job.details?.map((each) => Detail.parse(each))).toEqual(details.map((each) => Detail.parse(each)));
  expect(Object.keys(job.extra).filter((key) => key.startsWith('ADetailer'))).toEqual([]);
});

test('what it says is what ADetailer says, under its names and in its order', () => {
  const text = written({ find: 'face', prompt: 'smiling, happy', largest: 2, steps: 28 }, { find: 'hand' });
  expect([...parseParameters(text).fields].filter(([key]) => key.startsWith('ADetailer'))).toEqual([
    ['ADetailer model', 'face_yolov8n.pt'], ['ADetailer prompt', 'smiling, happy'], ['ADetailer confidence', '0.5'], ['ADetailer mask only top k largest', '2'], ['ADetailer dilate erode', '4'], ['ADetailer mask blur', '4'],
    ['ADetailer denoising strength', '0.4'], ['ADetailer inpaint only masked', 'True'], ['ADetailer inpaint padding', '32'], ['ADetailer use separate steps', 'True'], ['ADetailer steps', '28'],
    ['ADetailer model 2nd', 'hand_yolov8n.pt'], ['ADetailer confidence 2nd', '0.5'], ['ADetailer dilate erode 2nd', '4'], ['ADetailer mask blur 2nd', '4'], ['ADetailer denoising strength 2nd', '0.4'],
    ['ADetailer inpaint only masked 2nd', 'True'], ['ADetailer inpaint padding 2nd', '32'],
  ]);
});

test('its own texts are read; how sure its networks must be stays its own', () => {
  const job = read('ADetailer model: face_yolov8s.pt, ADetailer prompt: "a face, detailed", ADetailer confidence: 0.3, ADetailer dilate erode: 4, ADetailer mask blur: 8, ADetailer denoising strength: 0.35, ADetailer inpaint only masked: True, ADetailer inpaint padding: 48, '
    + 'ADetailer use separate sampler: True, ADetailer sampler: DPM++ 2M SDE, ADetailer scheduler: Karras, ADetailer version: 24.4.2, ADetailer model 2nd: mediapipe_face_full, ADetailer confidence 2nd: 0.4, ADetailer mask merge invert 2nd: Merge and Invert, ADetailer inpaint only masked 2nd: True');
  expect(job.details).toEqual([
    { find: 'face', prompt: 'a face, detailed', dilateErode: 4, blur: 8, strength: 0.35, area: 'masked', padding: 48, sampler: 'dpmpp_2m_sde', schedule: 'karras' },
    { find: 'face', together: 'invert', area: 'masked' },
  ]);
  expect(job.extra).toMatchObject({ 'ADetailer confidence': '0.3', 'ADetailer version': '24.4.2', 'ADetailer confidence 2nd': '0.4' });
});

test('the spellings of its first versions', () => {
  expect(read('ADetailer model: hand_yolov8n.pt, ADetailer conf: 30, ADetailer dilate/erode: 32, ADetailer mask blur: 4, ADetailer denoising strength: 0.4, ADetailer inpaint full: True, ADetailer inpaint padding: 0, ADetailer use inpaint width/height: True, ADetailer inpaint width: 640, ADetailer inpaint height: 768').details)
    .toEqual([{ find: 'hand', dilateErode: 32, blur: 4, strength: 0.4, area: 'masked', padding: 0, width: 640, height: 768 }]);
});

test('what looks for something else is not taken for one of ours, and its words stay', () => {
  const job = read('ADetailer model: deepfashion2_yolov8s-seg.pt, ADetailer prompt: a dress, ADetailer model 2nd: face_yolov8n.pt, ADetailer inpaint only masked 2nd: True');
  expect(job.details).toEqual([{ find: 'face', area: 'masked' }]);
  expect(job.extra).toMatchObject({ 'ADetailer model': 'deepfashion2_yolov8s-seg.pt', 'ADetailer prompt': 'a dress' });
});
