// One control: the picture that it reads, how much it counts, where and when.
import { useTranslation } from 'react-i18next';
import { controlResizes } from '../../preload/contract/vocabulary';
import type { ModelEntry } from '../../preload/contract/model';
import { Field } from '../ui/field';
import { NumberInput } from '../ui/number-input';
import { Segmented } from '../ui/segmented';
import { Select } from '../ui/select';
import { Slider } from '../ui/slider';
import { BesideRow } from './beside-row';
import { ControlPreview } from './control-preview';
import type { ChosenControl } from './form';
import { PictureSlot } from './picture-slot';
import { PreprocessorFields, ResolutionFields } from './preprocessor-fields';
import { ShareFields } from './share-fields';

const modes = ['balanced', 'prompt', 'control'] as const;
/** What xinsir's union was trained on, by number; ComfyUI's order (comfy_extras/nodes_controlnet.py). */
const unionKinds = ['pose', 'depth', 'scribble', 'lines', 'normal', 'segments', 'tile', 'repaint'] as const;

export function ControlRow({ control: { name, picture, mask, settings }, file, isListed, model, onChange, onRemove }: {
  control: ChosenControl; file: ModelEntry | undefined; isListed: boolean; model: ModelEntry | undefined; onChange: (patch: Partial<ChosenControl>) => void; onRemove: () => void;
}) {
  const { t } = useTranslation();
  const { weight, start, end, mode, kind, preprocessor, resize } = settings, count = Math.max(file?.controlKinds ?? 0, kind === undefined ? 0 : kind + 1);
  const set = (patch: Partial<ChosenControl['settings']>) => onChange({ settings: { ...settings, ...patch } });
  const kinds = Array.from({ length: count }, (_, i) => ({ value: String(i), label: unionKinds[i] ? t(`controls.kinds.${unionKinds[i]}`) : t('controls.nthKind', { n: i }) }));
  return (
    <BesideRow name={name} file={file} isListed={isListed} model={model} startsOpen={start > 0 || end < 1 || mode !== 'balanced' || resize !== 'crop' || preprocessor?.resolution !== undefined || mask !== null} onRemove={onRemove}
      more={(
        <>
          <Field name={t('controls.mode')} hint={t(`controls.modeHints.${mode}`)}>
            <Segmented label={t('controls.modeOf', { name })} value={mode} stretch choices={modes.map((value) => ({ value, label: t(`controls.modes.${value}`) }))} onChange={(to) => set({ mode: to })} />
          </Field>
          {preprocessor && <ResolutionFields name={name} use={preprocessor} onChange={(to) => set({ preprocessor: to })} />}
          <Field name={t('controls.resize')} hint={t(`controls.resizeHints.${resize}`)}>
            <Segmented label={t('controls.resizeOf', { name })} value={resize} stretch choices={controlResizes.map((value) => ({ value, label: t(`controls.resizes.${value}`) }))} onChange={(to) => set({ resize: to })} />
          </Field>
          <ShareFields name={name} start={start} end={end} onChange={set} />
          <Field name={t('controls.mask')} hint={t('controls.maskHint')}>
            <PictureSlot picture={mask} words={{ name: t('controls.maskOf', { name }), pick: t('mask.pick'), file: t('controls.maskFile', { name }), remove: t('controls.removeMask', { name }) }} onChange={(to) => onChange({ mask: to })} />
          </Field>
        </>
      )}>
      <PictureSlot picture={picture} fromStage words={{ name: t('controls.pictureOf', { name }), pick: t('start.pick'), file: t('controls.file', { name }), remove: t('controls.removePicture', { name }) }} onChange={(to) => onChange({ picture: to })} />
      {!picture && <p className="text-hint text-accent-text">{t('controls.noPicture')}</p>}
      {picture && <PreprocessorFields name={name} use={preprocessor} onChange={(to) => set({ preprocessor: to })} />}
      {picture && preprocessor && <ControlPreview name={name} image={picture.hash} settings={settings} />}
      {kinds.length > 0 && (
        <Select label={t('controls.kindOf', { name })} value={kind === undefined ? '' : String(kind)} choices={[{ value: '', label: t('controls.anyKind') }, ...kinds]} onChange={(to) => set({ kind: to === '' ? undefined : Number(to) })} />
      )}
      <span aria-hidden className="-mb-1.5 text-hint text-dim">{t('controls.weightName')}</span>
      <div className="flex items-center gap-3">
        <Slider label={t('controls.weight', { name })} value={weight} min={0} max={2} step={0.05} valueText={weight.toFixed(2)} onChange={(to) => set({ weight: to })} />
        <NumberInput label={t('controls.exactWeight', { name })} value={weight} min={0} max={2} step={0.05} decimals={2} className="max-w-18" onChange={(to) => set({ weight: to })} />
      </div>
    </BesideRow>
  );
}
