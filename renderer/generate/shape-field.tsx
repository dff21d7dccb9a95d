// Shape: the usual aspects at the model's own size, exact sides in Advanced.
import clsx from 'clsx';
import { useTranslation } from 'react-i18next';
import { useShallow } from 'zustand/react/shallow';
import { RadioGroup } from 'radix-ui';
import { useModels } from '../queries';
import { shapeText } from '../format';
import { Field } from '../ui/field';
import { NumberInput } from '../ui/number-input';
import { aspectOf, aspects, sizeFor } from './choices';
import { setForm, useForm } from './form';
import { outpaintOf } from './sizes';

const unknownModel = { width: 512, height: 512 };

export function ShapeField({ exact }: { exact: boolean }) {
  const { t } = useTranslation();
  const [width, height, chosen, hasGround] = useForm(useShallow((form) => [form.width, form.height, form.model, outpaintOf(form) !== null] as const));
  const { data: models } = useModels();
  const native = models?.find((model) => model.id === chosen)?.nativeSize ?? unknownModel;
  return (
    <Field name={t('shape.name')} term={t('terms.size')} showTerm={exact} value={shapeText(width, height)} hint={hasGround ? t('shape.fromGround') : undefined}>
      <RadioGroup.Root aria-label={t('shape.name')} orientation="horizontal" className="grid grid-cols-5" value={aspectOf({ width, height }, native)?.name ?? ''}
        onValueChange={(name) => {
          const aspect = aspects.find((known) => known.name === name);
          if (aspect) setForm(sizeFor(aspect.ratio, native));
        }}>
        {aspects.map(({ name, ratio }) => (
          <RadioGroup.Item key={name} value={name} aria-label={name} className="group flex flex-col items-center gap-1.5 rounded-control py-1.5">
            <span className="grid h-8 place-items-center">
              <span style={{ aspectRatio: ratio, width: `${28 * Math.sqrt(ratio)}px` }}
                className={clsx('rounded-[5px] border-[1.5px] border-faint transition group-hover:border-dim group-data-[state=checked]:border-accent group-data-[state=checked]:bg-accent-wash')} />
            </span>
            <span className="text-hint text-dim group-data-[state=checked]:font-medium group-data-[state=checked]:text-text">{name}</span>
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
      {exact && (
        <div className="flex items-center gap-2">
          <NumberInput label={t('shape.width')} value={width} min={64} max={4096} step={8} onChange={(value) => setForm({ width: value })} />
          <span className="text-dim" aria-hidden>×</span>
          <NumberInput label={t('shape.height')} value={height} min={64} max={4096} step={8} onChange={(value) => setForm({ height: value })} />
        </div>
      )}
    </Field>
  );
}
