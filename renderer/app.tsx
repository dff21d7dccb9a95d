// The window: rail, stage with its strip, dock beneath, settings at the right.
import { useEffect } from 'react';
import { DropTarget } from './drop';
import { errorInfoOf } from './api';
import { Dock } from './generate/dock';
import { chooseModel, useForm } from './generate/form';
import { Panel } from './generate/panel';
import { useKeys } from './keys';
import { useModels } from './queries';
import { listenToQueue } from './queue/listen';
import { Rail } from './rail';
import { Refused } from './refused';
import { Stage } from './stage/stage';
import { Strip } from './strip/strip';

export function App() {
  const { error } = useModels();
  useEffect(listenToQueue, []);
  useUsableModel();
  useKeys();
  const info = error && errorInfoOf(error);
  if (info?.code === 'auth.refused') return <Refused error={info} />;
  return (
    <div className="grid h-full grid-cols-[68px_minmax(0,1fr)_288px] lg:grid-cols-[68px_minmax(0,1fr)_320px]">
      <Rail />
      <main className="flex min-h-0 min-w-0 flex-col bg-stage">
        <div className="flex min-h-0 flex-1">
          <Stage />
          <Strip />
        </div>
        <Dock />
      </main>
      <Panel />
      <DropTarget />
    </div>
  );
}

/** A first start, or a model that is gone: the form gets one that can be used, the demo model first. */
function useUsableModel(): void {
  const { data: models } = useModels();
  const chosen = useForm((form) => form.model);
  useEffect(() => {
    if (!models || models.some((model) => model.id === chosen && model.runnable)) return;
    const usable = models.find((model) => model.runnable && model.builtIn) ?? models.find((model) => model.runnable);
    if (usable) chooseModel(usable);
  }, [models, chosen]);
}
