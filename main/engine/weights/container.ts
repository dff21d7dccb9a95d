// Which kind of file this is, from its first bytes: which reader takes it, or what is wrong with it.

export type Container = 'zip' | 'pickle' | 'gguf' | 'picture' | 'onnx' | 'archive' | 'html' | 'git-lfs' | 'text' | 'zeros' | 'empty' | 'unknown';

const ascii = (bytes: Uint8Array, from: number, to: number): string => String.fromCharCode(...bytes.subarray(from, to));

/** A header's length below 4 GB and its opening brace. Asked first: the length may begin as a pickle or a zip does. */
export const looksLikeSafetensors = (head: Uint8Array): boolean => head[8] === 0x7b && head.subarray(4, 8).every((byte) => byte === 0);

/** `head`: the first 64 bytes of the file, or all of it when it is shorter. */
export function sniffContainer(head: Uint8Array): Container {
  if (head.length === 0) return 'empty';
  const start = ascii(head, 0, 64);
  if (start.startsWith('PK\x03\x04')) return 'zip';
  if (start.startsWith('GGUF')) return 'gguf';
  if (start.startsWith('version https://git-lfs')) return 'git-lfs';
  if (/^(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml)/i.test(start)) return 'html';
  if (isPicture(start)) return 'picture';
  if (/^(?:7z\xbc\xaf|Rar!|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd)/.test(start)) return 'archive';
  // ir_version, then the producer's name, as protobuf fields 1 and 2.
  if (/^\x08[\x01-\x20]\x12[\x01-\x40][\w.-]/.test(start)) return 'onnx';
  if (head.length >= 64 && head.every((byte) => byte === 0)) return 'zeros';
  if (/^[\t\n\r\x20-\x7e]+$/.test(start)) return 'text';
  // Protocol 2 to 5 pickles begin with PROTO and the version; torch.save before 1.6 wrote them bare.
  if (head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5) return 'pickle';
  return 'unknown';
}

function isPicture(start: string): boolean {
  return start.startsWith('\x89PNG\r\n\x1a\n') || start.startsWith('\xff\xd8\xff') || start.startsWith('GIF8') || /^RIFF[^]{4}WEBP/.test(start)
    || start.slice(4, 12) === 'ftypavif';
}
