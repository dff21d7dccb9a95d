// Files that are dragged over the window: anywhere, or onto a field that takes one.
import type { DragEvent } from 'react';
import { create } from 'zustand';

/** While a file is held over the window. */
export const useDragging = create<{ over: boolean }>(() => ({ over: false }));

export const carriesFiles = ({ dataTransfer }: { dataTransfer: DataTransfer | null }): boolean => dataTransfer?.types.includes('Files') ?? false;

/** For a field that takes a file itself, before the window does. */
export const dropsTo = (take: (file: File) => void) => ({
  onDrop: (event: DragEvent) => {
    const file = event.dataTransfer.files[0];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    useDragging.setState({ over: false });
    take(file);
  },
});
