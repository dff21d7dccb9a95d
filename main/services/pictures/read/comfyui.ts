// ComfyUI: the graph that was run (`prompt`), else the graph as drawn (`workflow`); in PNG texts, or in EXIF tags that begin with these words.
import { ComfyGraph } from './comfy-graph';
import { jobOfGraph } from './comfy-job';
import { graphOfWorkflow } from './comfy-workflow';
import { parseJsonObject } from './json';
import type { Reader } from './reading';

const exifPlaces = ['exif.Make', 'exif.Model', 'exif.ImageDescription', 'exif.UserComment'];

export const readComfyUi: Reader = ({ texts }) => {
  for (const [key, text] of placesOf(texts, 'prompt')) {
    const graph = ComfyGraph.ofPrompt(parseJsonObject(text));
    if (graph) return { source: 'comfyui', ...jobOfGraph(graph), used: [key] };
  }
  for (const [key, text] of placesOf(texts, 'workflow')) {
    const workflow = parseJsonObject(text), graph = workflow && graphOfWorkflow(workflow);
    if (graph) return { source: 'comfyui', ...jobOfGraph(graph), used: [key] };
  }
  return null;
};

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
