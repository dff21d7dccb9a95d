// Many write twice how a picture was made: as a text, and as the ComfyUI graph beside it. Which of the two is believed in what.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { readComfyUi } from './comfy/comfyui';
import { compact } from './fields';
import type { Reading, Texts } from './reading';

/** Words of nodes and programs that did not find the prompt. */
const saysNothing = (prompt: string): boolean => /^\s*(?:unknown|undefined|null|none|n\/a|nan|\[?object object\]?)?[\s.,]*$/i.test(prompt);

/**
 * The text, with what it leaves open from the graph. A text without a prompt was made by somebody who did not understand the graph: then the graph counts, and
 * the text is kept. A second pass that only the graph knows has begun with the graph's size, whatever size the text gives the picture.
 */
export function withGraph(text: Reading, picture: Texts): Reading {
  const graph = readComfyUi(picture);
  if (!graph) return text.source === 'comfyui' ? { ...text, job: { ...text.job, rng: 'cpu_nv', compat: 'comfy' } } : text;
  const source = text.source === 'a1111' ? 'comfyui' : text.source;
  if (saysNothing(text.job.prompt) && !saysNothing(graph.job.prompt)) return { ...graph, source };
  const { prompt, negative, loras, extra, emphasis, notKnown = [], ...known } = graph.job, own = text.job, open = notKnown.filter(({ field }) => own[field] === undefined);
  const isLarger = graph.job.hires !== undefined && own.hires === undefined;
  const job: PictureJob = {
    ...known, ...(open.length > 0 && { notKnown: open }), ...compact(own), ...(isLarger && compact({ width: known.width, height: known.height })), rng: 'cpu_nv', compat: 'comfy',
    ...(saysNothing(own.negative) && own.negative !== '' && { negative }), loras: own.loras.length > 0 ? own.loras : loras, ...((own.clipSkip ?? 1) === 1 && compact({ clipSkip: known.clipSkip })),
  };
  return { ...text, source, job, resources: text.resources.length > 0 ? text.resources : graph.resources };
}
