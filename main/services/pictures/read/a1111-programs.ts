// Which of the programs that write A1111's form wrote a text.
import type { PictureSource } from '../../../../preload/contract/vocabulary';

/** By the field that says so. */
const marks: readonly [key: string, value: RegExp, source: PictureSource][] = [
  ['Version', /^atelier /, 'atelier'], ['Version', /^ComfyUI$/, 'comfyui'], ['Version', /^stable-diffusion\.cpp/, 'sdcpp'], ['Version', /^kobold/i, 'sdcpp'], ['App', /^SD\.Next/, 'sdnext'],
  ['Civitai resources', /^/, 'civitai'],
];

/** As no other spells it: 'euler_ancestral', 'dpmpp_2m_karras'. */
const comfySampler = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)+$/;

export function sourceOf(fields: ReadonlyMap<string, string>): PictureSource {
  const version = fields.get('Version') ?? '', marked = marks.find(([key, value]) => fields.has(key) && value.test(fields.get(key)!));
  if (marked) return marked[2];
  if (!fields.has('Version') && comfySampler.test(fields.get('Sampler') ?? '')) return 'comfyui';
  const isForge = /^(?:f\d|neo|classic)/i.test(version) || ['Module 1', 'Distilled CFG Scale', 'Diffusion in Low Bits', 'Hires Module 1'].some((key) => fields.has(key));
  return isForge ? 'forge' : 'a1111';
}
