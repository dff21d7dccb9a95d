// A file may be dropped anywhere on the window. The sheet that says so leaves the settings free, where fields take files of their own.
import { ImagePlus } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { carriesFiles, useDragging } from './dropping';
import { takeDropped } from './reading/dropped';

export function DropTarget() {
  const { t } = useTranslation();
  const over = useDragging((state) => state.over);
  useEffect(() => {
    const setOver = (held: boolean) => useDragging.setState({ over: held });
    const onDragOver = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    // relatedTarget is null when the pointer leaves the window.
    const onDragLeave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const onDrop = (event: DragEvent) => {
      if (!carriesFiles(event)) return;
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file) void takeDropped(file);
    };
    window.addEventListener('dragover', onDragOver);
    window.addEventListener('dragleave', onDragLeave);
    window.addEventListener('drop', onDrop);
    return () => {
      window.removeEventListener('dragover', onDragOver);
      window.removeEventListener('dragleave', onDragLeave);
      window.removeEventListener('drop', onDrop);
    };
  }, []);
  if (!over) return null;
  return (
    <div className="pointer-events-none absolute inset-3 z-50 grid place-items-center rounded-dock border-2 border-dashed border-accent bg-panel/90">
      <p className="flex items-center gap-3 text-prompt font-medium"><ImagePlus size={20} aria-hidden />{t('start.drop')}</p>
    </div>
  );
}
