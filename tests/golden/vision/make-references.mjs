// What the embedded networks give by their own libraries, written to references.json beside this file:
//
//   npm i --prefix DIR --ignore-scripts @tensorflow/tfjs@4.22.0 sharp@0.35.5 @vladmandic/human@3.3.6 @vladmandic/face-api@1.7.15 @upscalerjs/esrgan-slim@1.0.0
//   node tests/golden/vision/make-references.mjs DIR
//
// All run on TensorFlow.js' own CPU code. face-api.js asks for the WebAssembly backend, which is not used: an empty module stands for it. Of large outputs,
// one in so many values is kept. skeletons.json has random poses; skeleton-N.png are their drawings by OpenCV 4 (ellipse2Poly, fillConvexPoly, circle, line)
// with the numbers of ControlNet's preprocessor, every second one with its hand.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const packages = join(resolve(process.argv[2] ?? '.'), 'node_modules'), require = createRequire(join(packages, 'x.js'));
const wasm = join(packages, '@tensorflow/tfjs-backend-wasm');
mkdirSync(wasm, { recursive: true });
writeFileSync(join(wasm, 'package.json'), '{"main":"index.js"}');
writeFileSync(join(wasm, 'index.js'), '');
const tf = require('@tensorflow/tfjs'), sharp = require('sharp'), faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js');
await tf.setBackend('cpu');

const bytes = (path) => { const file = readFileSync(join(packages, path)); return file.buffer.slice(file.byteOffset, file.byteOffset + file.length); };
const json = (path) => JSON.parse(readFileSync(join(packages, path), 'utf8'));
const specs = (groups) => groups.flatMap(({ weights }) => weights);
const handler = (path, shard) => ({ load: async () => { const { modelTopology, weightsManifest } = json(path); return { modelTopology, weightSpecs: specs(weightsManifest), weightData: bytes(shard) }; } });

/** The picture that all are fed, [1, height, width, 3] in 0…most: waves of all directions. tests/unit/vision/networks.test.ts makes the same. */
const waves = (height, width, most) => tf.tensor(Float32Array.from({ length: height * width * 3 }, (_, i) => {
  const y = Math.floor(i / 3 / width), x = Math.floor(i / 3) % width, c = i % 3;
  return most * (0.5 + 0.3 * Math.sin(x * 0.13 + c) + 0.2 * Math.cos(y * 0.29 - x * 0.05 * c));
}), [1, height, width, 3]);

const references = {};
const keep = (name, tensor, every = 1) => { references[name] = { dims: tensor.shape, every, values: [...tensor.dataSync()].filter((_, i) => i % every === 0).map((value) => Number(value.toPrecision(8))) }; };

const human = '@vladmandic/human/models/';
{
  const model = await tf.loadGraphModel(handler(`${human}movenet-lightning.json`, `${human}movenet-lightning.bin`)), at = (node) => `StatefulPartitionedCall/${node}`;
  const [center, heat, regress, offset, points] = model.execute({ input: waves(192, 192, 255).round().cast('int32') },
    [at('Sigmoid_1'), at('Sigmoid'), at('kpt_regress_0/conv2d_6/BiasAdd'), at('kpt_offset_0/conv2d_7/BiasAdd'), 'Identity']);
  keep('movenet.center', center, 7);
  keep('movenet.heat', heat, 101);
  keep('movenet.regress', regress, 211);
  keep('movenet.offset', offset, 211);
  keep('movenet.points', points);
  const astronaut = await pixels('astronaut');
  keep('movenet.astronaut', model.execute({ input: tf.image.resizeBilinear(astronaut.expandDims(0), [192, 192], false, true).round().cast('int32') }, 'Identity'));
}
{
  const model = await tf.loadGraphModel(handler(`${human}handlandmark-lite.json`, `${human}handlandmark-lite.bin`));
  const [points, presence] = model.execute({ input_1: waves(224, 224, 1) }, ['Identity', 'Identity_1']);
  keep('hand.points', points);
  keep('hand.presence', presence);
}
for (const scale of [2, 3, 4, 8]) {
  const folder = `@upscalerjs/esrgan-slim/models/x${scale}`, model = await tf.loadLayersModel(handler(`${folder}/model.json`, `${folder}/group1-shard1of1.bin`));
  keep(`slim.x${scale}`, model.predict(waves(12, 16, 255)), scale * scale * 3 + 1);
}
{
  const open = (net, name) => { net.loadFromWeightMap(faceapi.tf.io.decodeWeights(bytes(`@vladmandic/face-api/model/${name}_model.bin`), specs(json(`@vladmandic/face-api/model/${name}_model-weights_manifest.json`)))); return net; };
  const detector = open(new faceapi.SsdMobilenetv1(), 'ssd_mobilenetv1'), landmarks = open(new faceapi.FaceLandmark68Net(), 'face_landmark_68');
  const input = async (picture) => faceapi.toNetInput(picture), { boxes: [boxes], scores: [scores] } = detector.forwardInput(await input(waves(512, 512, 255)));
  keep('ssd.boxes', boxes, 37);
  keep('ssd.scores', scores, 11);
  keep('landmarks.points', landmarks.forwardInput(await input(waves(112, 112, 255))));
  const astronaut = await pixels('astronaut'), [{ score, box: { x, y, width, height } }] = await detector.locateFaces(astronaut, { minConfidence: 0.5 });
  references['ssd.astronaut'] = { score, box: { x, y, width, height } };
  const [left, top] = [Math.floor(x), Math.floor(y)], face = astronaut.slice([top, left, 0], [Math.floor(height), Math.floor(width), 3]);
  const { positions } = await landmarks.detectLandmarks(face);
  references['landmarks.astronaut'] = positions.map((point) => [point.x + left, point.y + top].map((value) => Number(value.toFixed(2))));
}
writeFileSync(new URL('references.json', import.meta.url), `{\n${Object.entries(references).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(',\n')}\n}\n`);

async function pixels(name) {
  const { data, info } = await sharp(new URL(`../../pictures/${name}.jpg`, import.meta.url).pathname).raw().toBuffer({ resolveWithObject: true });
  return tf.tensor(new Float32Array(data), [info.height, info.width, 3]);
}
