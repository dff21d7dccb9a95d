// Single-byte encodings that UTF-8 text is most often misread as, and what tells that a character came from one.

export interface Charmap {
  readonly name: string;
  /** Windows encodings as browsers read them: an unassigned byte is the code point of its number, and byte 1A stands for U+FFFD. */
  readonly sloppy: boolean;
  /** What bytes 80–FF mean, 128 characters. */
  readonly high: string;
  /** One character per byte (U+0000–U+00FF), or null when the text holds something that the encoding lacks. */
  readonly encode: (text: string) => string | null;
}

const latin1 = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => 0x80 + i));

const windows1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿'
  + 'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ';

/** In the order in which they are tried. */
export const charmaps: readonly Charmap[] = [
  charmap('latin-1', latin1),
  charmap('windows-1252', windows1252),
  charmap('windows-1251', 'ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\x98™љ›њќћџ\xa0ЎўЈ¤Ґ¦§Ё©Є«¬\xad®Ї°±Ііґµ¶·ё№є»јЅѕї'
    + 'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя'),
  charmap('windows-1250', '€\x81‚\x83„…†‡\x88‰Š‹ŚŤŽŹ\x90‘’“”•–—\x98™š›śťžź\xa0ˇ˘Ł¤Ą¦§¨©Ş«¬\xad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż'
    + 'ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙'),
  charmap('windows-1253', '€\x81‚ƒ„…†‡\x88‰\x8a‹\x8c\x8d\x8e\x8f\x90‘’“”•–—\x98™\x9a›\x9c\x9d\x9e\x9f\xa0΅Ά£¤¥¦§¨©ª«¬\xad®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ'
    + 'ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώÿ'),
  charmap('windows-1254', '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8d\x8e\x8f\x90‘’“”•–—˜™š›œ\x9d\x9eŸ\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿'
    + 'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ'),
  charmap('windows-1257', '€\x81‚\x83„…†‡\x88‰\x8a‹\x8c¨ˇ¸\x90‘’“”•–—\x98™\x9a›\x9c¯˛\x9f\xa0¡¢£¤¥¦§Ø©Ŗ«¬\xad®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ'
    + 'ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽßąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙'),
  charmap('iso-8859-2', `${latin1.slice(0, 32)}\xa0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\xadŽŻ°ą˛ł´ľśˇ¸šşťź˝žż`
    + 'ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙'),
  charmap('macroman', 'ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø'
    + '¿¡¬√ƒ≈∆«»…\xa0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ'),
  charmap('cp437', 'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐'
    + '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0'),
];

/** C1 control characters as browsers read them: windows-1252 bytes. */
export const fixC1 = (text: string): string => text.replace(/[\x80-\x9f]/g, (c) => windows1252[c.charCodeAt(0) - 0x80]!);

/** Every character that bytes `from`–`to` mean in an encoding like Latin-1, ready for a character class. */
export function charactersOf(from: number, to: number): string {
  const like = charmaps.filter((map) => map.sloppy || map.name === 'latin-1');
  return [...new Set(like.flatMap((map) => [...map.high.slice(from - 0x80, to + 1 - 0x80)]))].join('');
}

function charmap(name: string, high: string): Charmap {
  const sloppy = name.startsWith('windows');
  const bytes = new Map<string, string>();
  for (let i = 0; i < 0x80; i++) bytes.set(String.fromCharCode(i), String.fromCharCode(i));
  for (let i = 0; i < 0x80; i++) bytes.set(high[i]!, String.fromCharCode(0x80 + i));
  if (sloppy) {
    bytes.delete('\x1a');
    bytes.set('\ufffd', '\x1a');
  }
  const encode = (text: string): string | null => {
    let encoded = '';
    for (const char of text) {
      const byte = bytes.get(char);
      if (byte === undefined) return null;
      encoded += byte;
    }
    return encoded;
  };
  return { name, sloppy, high, encode };
}
