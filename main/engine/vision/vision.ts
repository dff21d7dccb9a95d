// What can be seen in a picture: the one way to the small networks that find faces and people. Each is read when it is first asked for, and kept until `close`.
import type { PreprocessorName } from '../../../preload/contract/preprocessors';
import type { DetailTarget } from '../../../preload/contract/vocabulary';
import { AppError } from '../errors';
import type { Runtime } from '../pipeline/runtime';
import type { TfjsModel } from '../weights/tfjs';
import type { Found } from './detail';
import { FaceFinder, type Face, type FaceOptions } from './faces';
import { handBoxes, PeopleFinder, wholeBox, type PeopleOptions, type Person } from './people';
import type { Picture } from './picture';
import type { Seen } from './preprocessors';
import { bodyOf } from './skeleton';
import { within } from './squares';

export type VisionModel = 'faces' | 'faceLandmarks' | 'pose';

export class Vision {
  private readonly runtime: Runtime;
  private readonly load: (name: VisionModel) => Promise<TfjsModel>;
  private faceFinder: Promise<FaceFinder> | undefined;
  private peopleFinder: Promise<PeopleFinder> | undefined;

  constructor(runtime: Runtime, load: (name: VisionModel) => Promise<TfjsModel>) {
    this.runtime = runtime;
    this.load = load;
  }

  /** The surest first; none where there is none. */
  async faces(picture: Picture, options?: FaceOptions): Promise<Face[]> {
    this.faceFinder ??= Promise.all([this.load('faces'), this.load('faceLandmarks')]).then(([detector, landmarks]) => new FaceFinder({ detector, landmarks }, this.runtime));
    return (await this.faceFinder).find(picture, options);
  }

  /** The surest first; none where there is none. */
  async people(picture: Picture, options?: PeopleOptions): Promise<Person[]> {
    this.peopleFinder ??= this.load('pose').then((model) => new PeopleFinder(model, this.runtime));
    return (await this.peopleFinder).find(picture, options);
  }

  /** What a preprocessor draws of a picture. `name`: what people call it, '' where it has none. Throws picture.noPerson. */
  async seenFor(preprocessor: PreprocessorName, picture: Picture, name = ''): Promise<Seen> {
    if (preprocessor !== 'openpose') return {};
    const people = await this.people(picture);
    if (people.length === 0) throw new AppError('picture.noPerson', { name });
    return { people: people.map(({ points }) => ({ body: bodyOf(points) })) };
  }

  /** Boxes of what detail passes repaint, the surest first. */
  async boxes(target: DetailTarget, picture: Picture, confidence: number): Promise<Found[]> {
    if (target === 'face') return (await this.faces(picture, { confidence })).map(({ box, score }) => ({ box, score }));
    const boxes = target === 'hand' ? (await this.people(picture)).flatMap(handBoxes) : (await this.people(picture, { confidence })).map((person) => ({ box: wholeBox(person), score: person.score }));
    return boxes.flatMap(({ box, score }) => { const inside = within(box, picture); return inside && score >= confidence ? [{ box: inside, score }] : []; });
  }

  async close(): Promise<void> {
    const open = [this.faceFinder, this.peopleFinder];
    this.faceFinder = this.peopleFinder = undefined;
    for (const finder of open) await (await finder)?.close();
  }
}
