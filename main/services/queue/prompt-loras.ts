// The LoRAs that a prompt calls up: which files its tags mean here, and what is said of those that are not here or do not fit.
import type { JobSpec, LoraUse } from '../../../preload/contract/job';
import type { Notice } from '../../../preload/contract/notice';
import type { PromptLoras, PromptLorasRequest } from '../../../preload/contract/studio';
import { familyNames } from '../../../preload/contract/vocabulary';
import { loraTags, type LoraTag } from '../../engine/text/lora-tags';
import { stripComments } from '../../engine/text/prompt-syntax';
import type { AnyFile } from '../models/models';
import type { KnownFile, RunnableModel } from '../models/runnable';
import { nameKey, whichModel } from '../models/which-model';
import { namedModel } from '../pictures/read/resources';

/** ComfyUI's language has none. */
export const tagsOf = ({ prompt, emphasis, steps }: { prompt: string; emphasis?: JobSpec['emphasis']; steps?: number }): LoraTag[] => (emphasis === 'comfy' ? [] : loraTags(stripComments(prompt), steps));

/** A tag, and the pass whose prompt has it, where the second has a prompt of its own. */
type PassTag = LoraTag & Pick<LoraUse, 'pass'>;

/** Those of all its prompts. */
export function tagsOfJob({ hires, ...job }: Pick<JobSpec, 'prompt' | 'emphasis' | 'steps' | 'hires'>): PassTag[] {
  if (!hires?.prompt) return tagsOf(job);
  const second = { ...job, prompt: hires.prompt, steps: hires.steps ?? job.steps };
  return [...tagsOf(job).map((tag): PassTag => ({ ...tag, pass: 'first' })), ...tagsOf(second).map((tag): PassTag => ({ ...tag, pass: 'second' }))];
}

/** `files` in the order of `uses`. */
export function promptLoras(tags: readonly PassTag[], all: readonly AnyFile[], model: Pick<RunnableModel, 'name' | 'family'>): { uses: LoraUse[]; files: Omit<KnownFile, 'path'>[]; notices: Notice[] } {
  const uses: LoraUse[] = [], files: Omit<KnownFile, 'path'>[] = [], notices: Notice[] = [];
  const loras = all.filter(({ entry }) => entry.kind === 'lora');
  for (const { name, unread, ...use } of tags) {
    if (unread !== undefined) notices.push({ code: 'lora.unread', data: { name, text: unread } });
    const file = loraNamed(name, loras);
    if (!file) notices.push({ code: 'lora.missing', data: { name } });
    else if (file.made !== null && file.made !== model.family) notices.push({ code: 'lora.otherBase', data: { name, made: familyLabel(file.made), model: model.name, family: familyLabel(model.family) } });
    else {
      uses.push({ ...use, fromPrompt: true });
      files.push({ id: file.entry.id, name: file.entry.name, hash: file.hashes?.sha256 ?? null });
    }
  }
  return { uses, files, notices };
}

/** The same of a prompt that is still being written. `model`: an id. */
export function calledUp({ prompt, model }: PromptLorasRequest, all: readonly AnyFile[]): PromptLoras {
  const entry = all.find((file) => file.entry.id === model)?.entry;
  if (!entry?.family) return { loras: [], notices: [] };
  const { uses, files, notices } = promptLoras(tagsOf({ prompt }), all, { name: entry.name, family: entry.family });
  return { loras: uses.map(({ unet, text }, i) => ({ id: files[i]!.id, name: files[i]!.name, unet, text })), notices };
}

/** By the file's name, with as much of its folder as the tag has; else by the name that its trainer gave it. */
const loraNamed = <F extends AnyFile>(name: string, loras: readonly F[]): F | undefined =>
  whichModel(namedModel(name), loras)?.file ?? loras.find(({ outputName }) => outputName !== undefined && nameKey(outputName) === nameKey(name));

export const familyLabel = (family: string): string => familyNames[family]?.label ?? family;
