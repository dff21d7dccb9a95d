// ComfyUI: the graph that was run (`prompt`), else the graph as drawn (`workflow`); in PNG texts, or in EXIF tags that begin with these words.
import { ComfyGraph } from './comfy-graph';
import { jobOfGraph } from './comfy-job';
import { graphOfWorkflow } from './comfy-workflow';
import { parseJsonObject } from './json';
import type { Reader, Reading, Texts } from './reading';

const exifPlaces = ['exif.Make', 'exif.Model', 'exif.ImageDescription', 'exif.UserComment'];

export const readComfyUi: Reader = (picture) => {
  for (const [key, text] of placesOf(picture.texts, 'prompt')) {
    const graph = ComfyGraph.ofPrompt(parseJsonObject(text));
    if (graph) return readingOf(graph, key, picture);
  }
  for (const [key, text] of placesOf(picture.texts, 'workflow')) {
    const workflow = parseJsonObject(text), graph = workflow && graphOfWorkflow(workflow);
    if (graph) return readingOf(graph, key, picture);
  }
  return null;
};

/** A job that began with a picture has no size of its own: it is the result's, where nothing on the way may have changed it. */
function readingOf(graph: ComfyGraph, key: string, { width, height }: Texts): Reading {
  const { job, resources } = jobOfGraph(graph);
  const isResized = [...graph.nodes.values()].some(({ type }) => /scale|resize|crop|pad|grid/i.test(type));
  const sized = job.steps === undefined || job.width !== undefined || isResized ? job : { ...job, width, height };
  return { source: 'comfyui', job: sized, resources, used: [key] };
}

/** WebP: `prompt:{…}` in the tag for the camera's model, `workflow:{…}` in its maker's; sites put the bare graph into the comment. */
function placesOf(texts: ReadonlyMap<string, string>, word: 'prompt' | 'workflow'): [key: string, text: string][] {
  const png = texts.get(word);
  return [
    ...(png === undefined ? [] : [[word, png] as [string, string]]),
    ...exifPlaces.flatMap((key): [string, string][] => {
      const text = texts.get(key), prefix = new RegExp(`^${word}:`, 'i');
      if (text === undefined) return [];
      return prefix.test(text) ? [[key, text.slice(word.length + 1)]] : key === 'exif.UserComment' ? [[key, text]] : [];
    }),
  ];
}
