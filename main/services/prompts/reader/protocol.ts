// What the studio asks of the process that reads wildcards and styles, and what it answers.
import type { JobSpec } from '../../../../preload/contract/job';
import type { Style } from '../../../engine/text/styles';
import type { Prepared } from '../prompt-files';

export type Question =
  | { readonly type: 'prepare'; readonly dataDir: string; readonly job: JobSpec; readonly styles: readonly string[] }
  | { readonly type: 'styles'; readonly dataDir: string };

export type Answer = Prepared | Style[];
