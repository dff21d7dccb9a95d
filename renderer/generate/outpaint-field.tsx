// New ground around the picture to start from, and pictures that go on at the other side.
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { shapeText } from '../format';
import { Field } from '../ui/field';
import { Labelled } from '../ui/labelled';
import { NumberInput } from '../ui/number-input';
import { Segmented } from '../ui/segmented';
import { setForm, useForm } from './form';
import { firstSize } from './sizes';

const sides = ['left', 'right', 'top', 'bottom'] as const;
const none = { left: 0, right: 0, top: 0, bottom: 0, overlap: 16, seam: 0.4 };

export function OutpaintField() {
  const { t } = useTranslation();
  const outpaint = useForm((form) => form.outpaint) ?? none;
  const { width, height } = useForm(useShallow((form) => firstSize({ ...form, outpaint: form.outpaint ?? none })));
  const set = (side: (typeof sides)[number], px: number) => {
    const next = { ...outpaint, [side]: px };
    setForm({ outpaint: sides.some((each) => next[each] > 0) ? next : null });
  };
  return (
    <Field name={t('outpaint.name')} term={t('terms.outpaint')} showTerm value={shapeText(width, height)} hint={t('outpaint.hint')}>
      <div className="grid grid-cols-4 gap-2">
        {sides.map((side) => (
          <Labelled key={side} name={t(`outpaint.${side}`)}><NumberInput label={t(`outpaint.${side}`)} value={outpaint[side]} min={0} max={2048} step={8} onChange={(px) => set(side, px)} /></Labelled>
        ))}
      </div>
    </Field>
  );
}

export function SeamlessField() {
  const { t } = useTranslation();
  const seamless = useForm((form) => form.seamless);
  return (
    <Field name={t('seamless.name')} term={t('terms.seamless')} showTerm hint={t('seamless.hint')}>
      <Segmented label={t('seamless.name')} value={seamless} onChange={(axes) => setForm({ seamless: axes })}
        choices={(['off', 'x', 'y', 'both'] as const).map((value) => ({ value, label: t(`seamless.${value}`) }))} />
    </Field>
  );
}
