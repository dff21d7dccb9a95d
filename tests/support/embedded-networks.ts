// The networks that come with Atelier, at the sizes that they are run at: replayed and validated like all others.
import { buildFaceLandmarks } from '../../main/engine/families/faces/landmarks';
import { buildSsdFaces } from '../../main/engine/families/faces/ssd-mobilenet';
import { buildHand } from '../../main/engine/families/pose/hand';
import { buildMoveNet } from '../../main/engine/families/pose/movenet';
import { buildResidualDense } from '../../main/engine/families/upscalers/residual-dense';
import type { Graph } from '../../main/engine/graph/graph';
import type { TfjsModel } from '../../main/engine/weights/tfjs';
import { openEmbedded, type EmbeddedModel } from '../../main/files/embedded-models';

const builders: readonly (readonly [EmbeddedModel, string, (model: TfjsModel) => Graph])[] = [
  ['faces', '512', buildSsdFaces], ['faceLandmarks', '112', buildFaceLandmarks], ['pose', '192', (model) => buildMoveNet(model, 192)], ['pose', '384', (model) => buildMoveNet(model, 384)], ['hand', '224', buildHand],
  ...([2, 3, 4, 8] as const).map((scale) => [`upscale${scale}`, '13×21', (model: TfjsModel) => buildResidualDense(model, { batch: 1, height: 13, width: 21 })] as const),
];

export const embeddedNetworks = await Promise.all(builders.map(async ([name, size, build]) => { const model = await openEmbedded(name); return { name: `${name} ${size}`, build: () => build(model) }; }));
