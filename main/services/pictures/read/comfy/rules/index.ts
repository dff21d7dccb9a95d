// The rules of all packs.
import { comfyroll } from './comfyroll';
import { core } from './core';
import { coreValues } from './core-values';
import { easyUse } from './easy';
import { efficiency, imageSaver } from './efficiency';
import { essentials } from './essentials';
import { impact, inspire } from './impact';
import type { Rule } from './kit';
import { everywhere, kjnodes } from './kjnodes';
import { math } from './math';
import { pysssss } from './pysssss';
import { rgthree } from './rgthree';
import { tinyterra } from './tinyterra';
import { utilities } from './utilities';
import { was } from './was';

const packs = [
  math, utilities, essentials, pysssss, everywhere, was, comfyroll, efficiency, imageSaver, kjnodes, easyUse, tinyterra, inspire, impact, rgthree, coreValues, core,
];
export const rules: ReadonlyMap<string, Rule> = new Map(packs.flatMap((pack) => Object.entries(pack)));
