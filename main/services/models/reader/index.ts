// The process that looks into model files: headers of any size, and pickles.
import { serveQuestions } from '../../workers/serve-questions';
import { describeModel } from '../describe';
import type { Answer, Question } from './protocol';

serveQuestions<Question, Answer>(async ({ path, stamp, builtIn, notes }) => {
  const { error: _, ...file } = await describeModel(path, stamp, builtIn, notes);
  return file;
});
