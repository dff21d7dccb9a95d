// What the person should know of their data folder: told until they put it away, or until it is no longer so.
import { createHash } from 'node:crypto';
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { StudioNotice } from '../../../preload/contract/studio';

export class Notices {
  private readonly now: () => readonly (ErrorInfo | null)[];
  private readonly dismissed = new Set<string>();

  /** `now`: what there is to tell, asked each time. */
  constructor(now: () => readonly (ErrorInfo | null)[]) { this.now = now; }

  list(): StudioNotice[] {
    return this.now().flatMap((about) => about ?? []).map((about) => ({ id: idOf(about), about })).filter(({ id }) => !this.dismissed.has(id));
  }

  dismiss(id: string): void { this.dismissed.add(id); }
}

const idOf = (about: ErrorInfo): string => createHash('sha256').update(JSON.stringify(about)).digest('hex').slice(0, 16);
