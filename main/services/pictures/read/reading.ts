// What every reader takes and gives.
import type { PictureJob, Resource } from '../../../../preload/contract/picture-report';
import type { PictureSource } from '../../../../preload/contract/vocabulary';

/**
 * Texts by where they stood: PNG texts by their keyword; 'exif.UserComment', 'exif.Make', 'exif.Model', 'exif.Software', 'exif.MakerNote',
 * 'exif.ImageDescription'; 'xmp'; 'comment', a GIF's; and 'stealth', what the lowest bits of the pixels say.
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

/** null when the texts are of another program. Never throws, whatever the texts are. */
export type Reader = (picture: Texts) => Reading | null;
