// What the stage shows: a picture that was chosen, or one from elsewhere that says how it was made; while there is neither, what is being made and
// then what was made last.
import { create } from 'zustand';
import type { PictureReading } from '../../preload/contract/picture-report';
import type { InputPicture } from '../generate/form';

export interface Offer { picture: InputPicture; reading: PictureReading }

export const useView = create<{ chosen: string | null; offer: Offer | null }>(() => ({ chosen: null, offer: null }));

export const showPicture = (id: string) => useView.setState({ chosen: id, offer: null });
export const showOffer = (offer: Offer) => useView.setState({ offer });
export const closeOffer = () => useView.setState({ offer: null });
/** Back to the work: the running job, else the newest picture. */
export const follow = () => useView.setState({ chosen: null, offer: null });
