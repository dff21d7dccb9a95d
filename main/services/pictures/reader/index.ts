// The process in which pictures from outside are read.
import sharp from 'sharp';
import { checkPicture } from '../../../files/decode-picture';
import { readPlain } from '../../../files/plain-file';
import { serveQuestions } from '../../workers/serve-questions';
import { encodeThumbnail } from '../encode';
import { reportOnPicture, unreadable } from '../report';
import type { Answer, Question } from './protocol';

sharp.cache(false);      // no picture comes twice

serveQuestions<Question, Answer>(async (question) => {
  if (question.type === 'check') return checkPicture(question.path, question.name);
  if (question.type === 'report') return reportOnPicture(question.path, question.locals);
  return readPlain(question.path).then(encodeThumbnail).catch((cause: unknown) => { throw unreadable(question.path, cause); });
});
