// What the stage shows: a picture that was chosen, or, while nothing is chosen, what is being made and then what was made last.
import { create } from 'zustand';

export const useView = create<{ chosen: string | null }>(() => ({ chosen: null }));

export const showPicture = (id: string) => useView.setState({ chosen: id });
/** Back to the work: the running job, else the newest picture. */
export const follow = () => useView.setState({ chosen: null });
