// Texts in an XMP packet: what stands in an element or an attribute of a name, with or without a list of languages around it.
import { decodeXML } from 'entities';

/** The names under which programs describe a picture, without their namespace. */
const names = ['UserComment', 'parameters', 'description', 'ImageDescription', 'prompt', 'workflow', 'CreatorTool'] as const;

/** By the name without its namespace; of several the first. Never throws. */
export function readXmp(packet: string): Map<string, string> {
  return new Map(names.flatMap((name): [string, string][] => {
    const text = fieldOf(packet, name);
    return text === undefined || text === '' ? [] : [[name, text]];
  }));
}

function fieldOf(packet: string, name: string): string | undefined {
  const [start, prefix] = new RegExp(`[\\s<]([\\w.-]{1,40}):${name}(?=[\\s=>])`).exec(packet) ?? [];
  if (start === undefined) return undefined;
  const rest = packet.slice(packet.indexOf(start) + start.length), attribute = /^\s*=\s*(?:"([^"]*)"|'([^']*)')/.exec(rest);
  if (attribute) return decodeXML(attribute[1] ?? attribute[2] ?? '');
  const end = rest.indexOf(`</${prefix}:${name}>`);
  if (end < 0) return undefined;
  return decodeXML(escapedSections(rest.slice(0, end)).replace(/^[^>]*>/, '').replace(/<[^<>]*>/g, '').trim());
}

/** CDATA as the same text in references. */
const escapedSections = (xml: string): string => xml.split('<![CDATA[').map((part, i) => {
  const end = i === 0 ? 0 : Math.max(0, part.indexOf(']]>'));
  return part.slice(0, end).replaceAll('&', '&amp;').replaceAll('<', '&lt;') + (end > 0 ? part.slice(end + 3) : part);
}).join('');
