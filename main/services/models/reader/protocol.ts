// What the studio asks of the process that looks into model files, and what it answers.
import type { Stamp } from '../../../files/stamp';
import type { ModelFile, ModelNotes } from '../describe';

export interface Question { readonly type: 'describe'; readonly path: string; readonly stamp: Stamp; readonly builtIn: boolean; readonly notes: ModelNotes }

/** The error is in its entry. */
export type Answer = Omit<ModelFile, 'error'>;
