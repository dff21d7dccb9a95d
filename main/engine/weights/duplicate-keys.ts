// Finds a key that a JSON text gives twice in one object. JSON.parse keeps the last one in silence, so two readers could see two files.

/** The first repeated key, or null. `json` must be valid JSON: only strings, braces and brackets are looked at. */
export function findDuplicateKey(json: string): string | null {
  const open: (Set<string> | null)[] = [];   // one entry per open object (its keys) or array (null)
  for (let i = 0; i < json.length; i++) {
    switch (json[i]) {
      case '{': open.push(new Set()); break;
      case '[': open.push(null); break;
      case '}': case ']': open.pop(); break;
      case '"': {
        const end = stringEnd(json, i);
        const keys = open.at(-1);
        if (keys && isKey(json, end)) {
          const key = JSON.parse(json.slice(i, end)) as string;
          if (keys.has(key)) return key;
          keys.add(key);
        }
        i = end - 1;
        break;
      }
    }
  }
  return null;
}

/** Index behind the closing quote of the string that opens at `start`. */
function stringEnd(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (json[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
}

function isKey(json: string, end: number): boolean {
  while (json[end] === ' ' || json[end] === '\n' || json[end] === '\t' || json[end] === '\r') end++;
  return json[end] === ':';
}
