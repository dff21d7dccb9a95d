// Midjourney's description: the prompt, switches behind it, and the number of its job. None of its models is to be had, but the words are.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { asSeed, compact } from './fields';
import { placedTexts, type Reader } from './reading';

const jobNumber = /\bJob ID: [0-9a-f-]{36}/;
const switchPattern = / --([a-z]{1,20})(?= |$)((?: (?!--)\S{1,300}){0,100})/g;
const known = ['ar', 'aspect', 'v', 'version', 'niji', 'stylize', 's', 'chaos', 'c', 'quality', 'q', 'seed', 'no', 'style', 'weird', 'iw', 'sref', 'cref', 'tile', 'raw', 'profile', 'p'];

export const readMidjourney: Reader = (picture) => {
  for (const [place, text] of placedTexts(picture)) {
    const description = text.slice(0, MAX_LENGTH), found = [...description.matchAll(switchPattern)], switches = new Map(found.map(([, name, value]) => [name!, value!.trim()]));
    const isTheirs = jobNumber.test(description) || (picture.texts.get('exif.Software') ?? picture.texts.get('Software') ?? '').startsWith('Midjourney');
    if (!isTheirs && (found.length === 0 || ![...switches.keys()].some((name) => ['ar', 'aspect', 'v', 'version', 'niji'].includes(name)) || ![...switches.keys()].every((name) => known.includes(name)))) continue;
    const prompt = description.slice(0, found[0]?.index ?? description.search(jobNumber)).trim();
    if (prompt === '' || prompt.startsWith('{')) continue;
    const job: PictureJob = { ...compact({ prompt, negative: switches.get('no') ?? '', seed: asSeed(switches.get('seed')) }), loras: [], extra: { [place]: text } };
    return { source: 'midjourney', job, resources: [], used: [place] };
  }
  return null;
};

/** Longer than any of its prompts. */
const MAX_LENGTH = 20_000;
