// What every reader takes and gives.
import type { PictureJob, Resource } from '../../../../preload/contract/picture-report';
import type { PictureSource } from '../../../../preload/contract/vocabulary';
import { parseJsonObject, type JsonObject } from './json';

/**
 * Texts by where they stood: PNG texts by their keyword; 'exif.UserComment', 'exif.Make' and other fields of EXIF; 'xmp.UserComment', 'xmp.parameters' and other
 * fields of XMP; 'comment', a GIF's or JPEG's; 'stealth', what the lowest bits of the pixels say. They hold no NUL.
 */
export interface Texts {
  readonly texts: ReadonlyMap<string, string>;
  /** Of the picture. */
  readonly width: number;
  readonly height: number;
}

export interface Reading {
  readonly source: PictureSource;
  readonly job: PictureJob;
  /** All models that the job names. */
  readonly resources: readonly Resource[];
  /** Texts that have been read in full; the others are kept with the job. */
  readonly used: readonly string[];
}

/** Where programs put what they write as one text, the surest first. */
const textPlaces = ['parameters', 'exif.UserComment', 'comment', 'xmp.parameters', 'xmp.UserComment', 'Comment', 'Description', 'exif.XPComment', 'exif.XPTitle', 'exif.XPSubject', 'exif.ImageDescription', 'xmp.description', 'exif.Model', 'stealth'] as const;

/** The texts in such places. */
export const placedTexts = ({ texts }: Texts): [place: string, text: string][] => textPlaces.flatMap((place): [string, string][] => (texts.has(place) ? [[place, texts.get(place)!]] : []));

/** Those of them that are JSON objects. */
export const placedObjects = (picture: Texts): [place: string, object: JsonObject][] => placedTexts(picture).flatMap(([place, text]): [string, JsonObject][] => {
  const object = parseJsonObject(text);
  return object ? [[place, object]] : [];
});

/** What tells no size has the picture's, unless something made it larger behind the first pass. */
export const sized = (job: PictureJob, { width, height }: Pick<Texts, 'width' | 'height'>): PictureJob => (job.width !== undefined || job.hires !== undefined || width === 0 ? job : { ...job, width, height });

/** null when the texts are of another program. Never throws, whatever the texts are. */
export type Reader = (picture: Texts) => Reading | null;
