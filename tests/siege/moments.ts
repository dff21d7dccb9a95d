// The moments at which end-at-moment.mjs ends a studio.
import { join } from 'node:path';

export const momentsProgram = join(import.meta.dirname, '../../tests/siege/end-at-moment.mjs');

export const moments = [
  'before insert of jobs', 'after insert of jobs', 'before update of jobs', 'after update of jobs', 'before insert of pictures', 'after insert of pictures',
  'half a file', 'before picture', 'after picture', 'before thumbnail', 'after thumbnail', 'before step', 'after step', 'before settings', 'after settings', 'before blob', 'after blob',
] as const;
