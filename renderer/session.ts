// How this window shows the studio that it may come in: a code in its address, once, then keys that only pages of this address can read.

interface Keys { readonly page: string; readonly address: string }

const stored = 'atelier.keys';
const codeIn = (hash: string): string | undefined => /^#code=([\w-]+)$/.exec(hash)?.[1];

/** Turns a code in the address into a session, and takes it out of the address. A window whose code is no good may still have a session from before. */
export async function enter(): Promise<void> {
  // A code that is put into the address of an open window changes the part after the # alone, for which nothing is loaded.
  addEventListener('hashchange', () => { if (codeIn(location.hash)) location.reload(); });
  const code = codeIn(location.hash);
  if (!code) return;
  history.replaceState(null, '', location.pathname);
  const response = await fetch('/sign-in', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code }) }).catch(() => null);
  if (response?.ok) localStorage.setItem(stored, await response.text());
}

/** Asks the studio to print a new address in its terminal. */
export const knock = (): Promise<Response> => fetch('/knock', { method: 'POST' });

/** Tells when another window of this address has come in, whose session is this one's as well. Returns what ends the telling. */
export function onNewSession(tell: () => void): () => void {
  const hear = ({ key }: StorageEvent) => { if (key === stored) tell(); };
  addEventListener('storage', hear);
  return () => removeEventListener('storage', hear);
}

/** Read anew each time: another window may have a new session. */
function keys(): Keys | null {
  try {
    return JSON.parse(localStorage.getItem(stored) ?? 'null') as Keys | null;
  } catch {
    return null;
  }
}

export function pageHeaders(): Record<string, string> {
  const page = keys()?.page;
  return page ? { 'x-atelier-key': page } : {};
}

/** For what the browser itself asks for, and so cannot carry a header. */
export function withKey(path: string): string { return `${path}?key=${keys()?.address ?? ''}`; }
