// The process in which pictures from outside are read.
import sharp from 'sharp';
import { controlPixels } from '../../../engine/vision/control-picture';
import { checkPicture, decodePicture } from '../../../files/decode-picture';
import { readPlain } from '../../../files/plain-file';
import { serveQuestions } from '../../workers/serve-questions';
import { encodeSmall, encodeThumbnail } from '../encode';
import { reportOnPicture, unreadable } from '../report';
import type { Answer, Question } from './protocol';

sharp.cache(false);      // no picture comes twice

serveQuestions<Question, Answer>(async (question) => {
  if (question.type === 'check') return checkPicture(question.path, question.name);
  if (question.type === 'report') return reportOnPicture(question.path, question.locals);
  if (question.type === 'control') return encodeSmall(controlPixels(await decodePicture(question.path), question.making, question.making));
  return readPlain(question.path).then(encodeThumbnail).catch((cause: unknown) => { throw unreadable(question.path, cause); });
});
