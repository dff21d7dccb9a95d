// The process in which people's own texts are read: wildcards and styles. Between two questions it keeps what it has parsed.
import { serveQuestions } from '../../workers/serve-questions';
import { openPromptFiles, type PromptFiles } from '../prompt-files';
import type { Answer, Question } from './protocol';

let open: { readonly dataDir: string; readonly files: PromptFiles } | undefined;

serveQuestions<Question, Answer>(async ({ dataDir, ...question }) => {
  if (open?.dataDir !== dataDir) open = { dataDir, files: openPromptFiles(dataDir) };
  return question.type === 'styles' ? open.files.styles() : open.files.prepare(question.job, question.styles);
});
