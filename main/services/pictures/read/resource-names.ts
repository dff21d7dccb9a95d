// Which models of an A1111 text are the same by name: each is looked up, however many the text names. Its lists have the prompt's names without colons and
// commas; the only model and the only VAE have no name there.
import type { Resource } from '../../../../preload/contract/picture-report';
import { stem } from '../../models/which-model';

export class ResourceNames {
  private readonly byKey = new Map<string, { readonly resource: Resource; readonly order: number }>();
  private readonly keys = new Set<string>();

  add(resource: Resource): void {
    const { kind, name } = resource, order = this.byKey.size;
    for (const key of [`${kind}\nstem\n${stem(name)}`, `${kind}\nas listed\n${name}`, ...(name === '' ? [`${kind}\nany`] : [])]) if (!this.byKey.has(key)) this.byKey.set(key, { resource, order });
    for (const key of [`${kind}\n`, `${kind}\nstem\n${stem(name)}`, `${kind}\nbare\n${bare(name)}`]) this.keys.add(key);
  }

  /** The first in the list that means the one which the prompt calls so. */
  first({ kind, name }: Resource): Resource | undefined {
    const found = [`${kind}\nany`, `${kind}\nstem\n${stem(name)}`, `${kind}\nas listed\n${bare(name)}`].flatMap((key) => this.byKey.get(key) ?? []);
    return found.sort((a, b) => a.order - b.order)[0]?.resource;
  }

  /** Whether one of those so far is meant by this name of a list. */
  names({ kind, name }: Resource): boolean {
    return (name === '' && this.keys.has(`${kind}\n`)) || this.keys.has(`${kind}\nstem\n${stem(name)}`) || this.keys.has(`${kind}\nbare\n${name}`);
  }
}

const bare = (name: string): string => name.replace(/[:,]/g, '');
