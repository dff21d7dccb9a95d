// ComfyUI: the graph that was run (`prompt`), else the graph as drawn (`workflow`); in PNG texts, in EXIF tags that begin with these words, or both in one comment.
import { isObject, parseJsonObject, type JsonObject } from '../json';
import { placedTexts, type Reader, type Reading, type Texts } from '../reading';
import { graphOfWorkflow } from './drawn/drawn';
import { ComfyGraph } from './graph';
import { jobOfGraph } from './job';

const exifPlaces = ['exif.Make', 'exif.Model'];

export const readComfyUi: Reader = (picture) => {
  const places = placesOf(picture);
  for (const [key, said] of places) {
    const inner = ComfyGraph.ofPrompt(partOf(said, 'prompt')), graph = inner ?? ComfyGraph.ofPrompt(said);
    if (graph) return readingOf(graph, key, picture, inner ? without(said, ['prompt']) : without(said, [...graph.nodes.keys()]));
  }
  for (const [key, said] of places) {
    const inner = partOf(said, 'workflow'), graph = graphOfWorkflow(inner ?? said);
    if (graph) return readingOf(graph, key, picture, inner ? without(said, ['workflow']) : {});
  }
  return null;
};

/** `beside`: what else the text of the graph has in it. */
function readingOf(graph: ComfyGraph, key: string, { width, height }: Texts, beside: JsonObject): Reading {
  const { job, resources } = jobOfGraph(graph, width, height);
  return { source: 'comfyui', job: { ...job, extra: { ...beside, ...job.extra } }, resources, used: [key] };
}

const without = (said: JsonObject, names: readonly string[]): JsonObject => {
  const left = new Set(names);
  return Object.fromEntries(Object.entries(said).filter(([name]) => !left.has(name)));
};

/** Save Image Plus writes both graphs as one object, either of them as JSON in JSON. */
function partOf(said: JsonObject, word: 'prompt' | 'workflow'): JsonObject | undefined {
  const part = said[word];
  return isObject(part) ? part : typeof part === 'string' ? parseJsonObject(part) : undefined;
}

/** WebP: `prompt:{…}` in the tag for the camera's model, `workflow:{…}` in its maker's; sites put the bare graph into the comment. */
function placesOf(picture: Texts): [key: string, said: JsonObject][] {
  const keys = new Set(['prompt', 'workflow', ...exifPlaces, ...placedTexts(picture).map(([place]) => place)]);
  return [...keys].flatMap((key): [string, JsonObject][] => {
    const said = parseJsonObject(picture.texts.get(key)?.replace(/^(?:prompt|workflow):/i, ''));
    return said ? [[key, said]] : [];
  });
}
