// What nodes have for inputs and outputs, by pack, as their definitions say: `nodes/*.json` has `"type": ["inputs", "outputs"]`.
import advancedControlnet from './nodes/advanced-controlnet.json';
import animateDiff from './nodes/animate-diff.json';
import artVenture from './nodes/art-venture.json';
import chibi from './nodes/chibi.json';
import comfyroll from './nodes/comfyroll.json';
import core from './nodes/core.json';
import crystools from './nodes/crystools.json';
import easyUse from './nodes/easy-use.json';
import efficiency from './nodes/efficiency.json';
import essentials from './nodes/essentials.json';
import everywhere from './nodes/everywhere.json';
import imageSaver from './nodes/image-saver.json';
import impact from './nodes/impact.json';
import inspire from './nodes/inspire.json';
import kjnodes from './nodes/kjnodes.json';
import math from './nodes/math.json';
import mtb from './nodes/mtb.json';
import other from './nodes/other.json';
import promptControl from './nodes/prompt-control.json';
import pysssss from './nodes/pysssss.json';
import rgthree from './nodes/rgthree.json';
import tinyterra from './nodes/tinyterra.json';
import was from './nodes/was.json';

export interface Slot {
  readonly name: string;
  /** 'MODEL', 'CONDITIONING', …; empty for an input that is written in the node. */
  readonly type: string;
  /** Widgets that the window puts behind it: what a seed becomes after a run, a button. */
  readonly extra: number;
}

export interface Signature { readonly inputs: readonly Slot[]; readonly outputs: readonly Slot[] }

const packs: readonly Readonly<Record<string, string[]>>[] = [
  other,
  animateDiff,
  advancedControlnet,
  promptControl,
  chibi,
  mtb,
  artVenture,
  crystools,
  essentials,
  math,
  pysssss,
  imageSaver,
  was,
  comfyroll,
  efficiency,
  kjnodes,
  everywhere,
  tinyterra,
  easyUse,
  inspire,
  impact,
  rgthree,
  core,
];
const written = new Map(packs.flatMap((pack) => Object.entries(pack)));
const read = new Map<string, Signature>();

/** undefined for a node that is not in the table. */
export function signatureOf(type: string): Signature | undefined {
  const entry = written.get(type);
  let found = read.get(type);
  if (entry && !found) {
    const [inputs = '', outputs = ''] = entry;
    found = { inputs: listed(inputs).map(inputSlot), outputs: listed(outputs).map(outputSlot) };
    read.set(type, found);
  }
  return found;
}

const listed = (text: string): string[] => (text === '' ? [] : text.split(', '));

/** 'model:MODEL', or a widget: 'steps', 'seed#', 'image^'. */
function inputSlot(text: string): Slot {
  const at = text.lastIndexOf(':');
  const [name, type] = at >= 0 && /^[A-Z*]/.test(text.slice(at + 1)) ? [text.slice(0, at), text.slice(at + 1)] : [text, ''];
  return { name: name.replace(/[#^]+$/, ''), type, extra: /[#^]*$/.exec(name)![0].length };
}

/** 'CONDITIONING=positive', or the type alone. */
function outputSlot(text: string): Slot {
  const at = text.indexOf('=');
  return at < 0 ? { name: text, type: text, extra: 0 } : { name: text.slice(at + 1), type: text.slice(0, at), extra: 0 };
}
