// The frame on stage. Its picture changes only when the next one is decoded, so that a preview gives way to the picture without a flash or a jump.
import { useEffect, useState, type CSSProperties, type ReactNode } from 'react';

interface Canvas { src: string | null; width: number; height: number }

/** Longest side in CSS pixels to which small pictures are enlarged. */
const enlargedPx = 640;
/** Blur of a first preview; it lessens with the steps. */
const noisePx = 14;

export function Frame({ src, width, height, alt, raw = 0, missing, children }: Canvas & {
  alt: string; /** 1 for the first preview, 0 for a picture that is finished: how much is softened and toned down. */ raw?: number; /** Shown when the picture cannot be loaded. */ missing?: ReactNode; children?: ReactNode;
}) {
  const canvas = useDecoded({ src, width, height });
  return (
    <div className="relative stage-fit overflow-hidden rounded-picture bg-panel shadow-2xl shadow-shade" style={fitStyle(canvas)}>
      {canvas.src === null ? <div className="stage-grain absolute inset-0" />
        : canvas.broken && missing ? missing
          : <img src={canvas.src} alt={alt} draggable={false} style={{ filter: `blur(${(noisePx * raw).toFixed(1)}px) saturate(${(1 - raw / 2).toFixed(2)})` }} className="size-full object-fill transition-[filter] duration-200" />}
      {children}
    </div>
  );
}

/** What the stage-fit and stage-caption utilities need to know. */
export function fitStyle({ width, height }: { width: number; height: number }): CSSProperties {
  const scale = Math.max(1, enlargedPx / Math.max(width, height));
  return { '--aspect': width / height, '--cap': `${Math.round(width * scale)}px` } as CSSProperties;
}

/** The latest canvas whose picture has been decoded, or could not be. One without a picture shows at once. */
function useDecoded({ src, width, height }: Canvas): Canvas & { broken: boolean } {
  const [decoded, setDecoded] = useState({ src: null as string | null, width, height, broken: false });
  useEffect(() => {
    if (src === null) return;
    let stale = false;
    const show = (broken: boolean) => !stale && setDecoded({ src, width, height, broken });
    const image = new Image();
    image.src = src;
    image.decode().then(() => show(false), () => show(true));
    return () => {
      stale = true;
    };
  }, [src, width, height]);
  return src === null ? { src, width, height, broken: false } : decoded;
}
